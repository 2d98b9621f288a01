"""A chat request to each provider behind HTTP, in its own protocol and with its own credentials."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from testing.simulators.launch import Simulators
from testing.simulators.tests.tokens import google_token

PROVIDERS = ("openai", "anthropic", "groq", "ollama", "openai_compatible", "vertex_ai", "bedrock")
BEARERS = {
    "openai": "OPENAI_API_KEY",
    "groq": "GROQ_API_KEY",
    "openai_compatible": "OPENAI_COMPATIBLE_API_KEY",
}
END = {
    "openai": b"data: [DONE]\n\n",
    "anthropic": b'data: {"type":"message_stop"}\n\n',
    "groq": b"data: [DONE]\n\n",
    "ollama": b'"done":true',
    "openai_compatible": b"data: [DONE]\n\n",
    "vertex_ai": b'"finishReason":"STOP"',
    "bedrock": b"messageStop",
}
"""What shows that a provider's stream is complete."""


def chat(simulators: Simulators, name: str, *, stream: bool = False, prompt: str = "Hello") -> httpx.Request:
    """A signed request that asks `prompt`."""
    base, env = simulators.base_url(name), simulators.env(name)
    content: Any = prompt
    headers: dict[str, str] = {}
    body: dict[str, Any] = {"model": "m", "stream": stream}
    match name:
        case "anthropic":
            url = f"{base}/v1/messages"
            body["max_tokens"] = 100
            headers = {"x-api-key": env["ANTHROPIC_API_KEY"], "anthropic-version": "2023-06-01"}
        case "ollama":
            url = f"{base}/api/chat"
        case "vertex_ai":
            verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
            url = f"{base}/v1/projects/sim-project/locations/us/publishers/google/models/m:{verb}"
            headers = {"authorization": f"Bearer {google_token(simulators)}"}
            body = {"contents": [{"role": "user", "parts": [{"text": prompt}]}]}
        case "bedrock":
            url = f"{base}/model/m%3A0/converse{'-stream' if stream else ''}"
            content = [{"text": prompt}]
            body = {}
        case _:
            url = f"{base}/chat/completions"
            headers = {"authorization": f"Bearer {env[BEARERS[name]]}"}
            if stream:
                body["stream_options"] = {"include_usage": True}
    if name != "vertex_ai":
        body["messages"] = [{"role": "user", "content": content}]
    data = json.dumps(body, ensure_ascii=False).encode()
    headers["content-type"] = "application/json"
    if name == "bedrock":
        signed = AWSRequest("POST", url, headers=headers, data=data)
        credentials = Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
        SigV4Auth(credentials, "bedrock", "us-east-1").add_auth(signed)
        headers = dict(signed.headers)
    return httpx.Request("POST", url, headers=headers, content=data)


def send(request: httpx.Request, timeout: float = 10.0) -> httpx.Response:
    """Send on a connection of its own and read the whole answer."""
    with httpx.Client(timeout=timeout, verify=False) as client:  # loading certificates takes 30 ms
        return client.send(request)


@contextmanager
def opened(request: httpx.Request, timeout: float = 5.0) -> Iterator[httpx.Response]:
    """The answer, to be read piece by piece."""
    with httpx.Client(timeout=timeout, verify=False) as client:
        answer = client.send(request, stream=True)
        try:
            yield answer
        finally:
            answer.close()


def connected(simulators: Simulators, name: str) -> socket.socket:
    """A bare connection to a simulator."""
    url = httpx.URL(simulators.base_url(name))
    return socket.create_connection((url.host, url.port or 80), timeout=5)


def raw(request: httpx.Request) -> bytes:
    """The request as bytes."""
    head = [f"{request.method} {request.url.raw_path.decode()} HTTP/1.1"]
    head += [f"{name}: {value}" for name, value in request.headers.items()]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + request.content


def usage_numbers(name: str, content: bytes) -> set[int]:
    """Every number of output tokens that an answer states."""
    keys = {
        "anthropic": b'"output_tokens":',
        "ollama": b'"eval_count":',
        "vertex_ai": b'"candidatesTokenCount":',
        "bedrock": b'"outputTokens":',
    }
    key = keys.get(name, b'"completion_tokens":')
    found = set()
    for part in content.split(key)[1:]:
        digits = part.lstrip()[:6]
        found.add(int(bytes(byte for byte in digits.partition(b",")[0] if byte in b"0123456789")))
    return found
