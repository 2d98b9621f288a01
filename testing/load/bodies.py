"""What is sent: about a kilobyte of chat, as an SDK sends it, no two requests the same."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

MARK = b"@@MARK@@"
"""Stands where each request gets eight letters of its own, so that no cache answers twice."""

_SYSTEM = "You are the assistant of a hardware shop. Answer briefly, and only about what the shop sells. "
_TALK = (
    ("user", "Which screws hold a shelf in an old brick wall, and do I need plugs for them as well?"),
    (
        "assistant",
        "Long wood screws with nylon plugs do. Drill a hole as wide as the plug, blow out the dust.",
    ),
    ("user", "And what would change if the wall were of plaster board? Explain it step by step, please."),
)
_FILLER = "The shelf carries books, a lamp and a small plant, and stands beside the window of the room. "
# These are asked for JSON by way of a tool, which their simulators answer in one piece.
_JSON_BY_TOOL = frozenset({"anthropic", "bedrock", "groq"})
_CHARACTERS_AN_EVENT = 12


@dataclass(frozen=True, slots=True)
class Prepared:
    """The bytes of a request before and after its mark, and where they go."""

    host: str
    port: int
    before: bytes
    after: bytes
    stream: bool

    def as_json(self) -> dict[str, Any]:
        """For another process."""
        before, after = b64encode(self.before).decode(), b64encode(self.after).decode()
        return {"host": self.host, "port": self.port, "before": before, "after": after, "stream": self.stream}


def chat(model: str, size: int, *, stream: bool, events: int) -> bytes:
    """The body of a chat request of `size` bytes (more where its fixed part is longer), with the mark in it.

    A stream asks for an object with a long text in it: that makes the simulators answer with about `events`
    events, where they can be told.
    """
    messages = [
        {"role": "system", "content": f"{_SYSTEM}Conversation {MARK.decode()}."},
        *({"role": role, "content": content} for role, content in _TALK),
    ]
    body: dict[str, Any] = {"model": model, "messages": messages, "temperature": 0.2, "max_tokens": 400}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        if model.partition("/")[0] not in _JSON_BY_TOOL:
            body["response_format"] = _long_text(events)
    missing = size - len(json.dumps(body))
    messages[-1]["content"] += " " + (_FILLER * (missing // len(_FILLER) + 1))[: max(0, missing - 1)]
    return json.dumps(body).encode()


def prepare(base_url: str, token: str, body: bytes) -> Prepared:
    """A POST of `body` to the chat completions at `base_url`, with the headers of OpenAI's SDK."""
    address = urlsplit(base_url)
    assert address.hostname is not None
    assert address.port is not None
    head = "\r\n".join(
        (
            "POST /v1/chat/completions HTTP/1.1",
            f"Host: {address.netloc}",
            "Accept-Encoding: gzip, deflate",
            "Connection: keep-alive",
            "Accept: application/json",
            "Content-Type: application/json",
            "User-Agent: OpenAI/Python 3.52.0",
            "X-Stainless-Lang: python",
            "X-Stainless-Package-Version: 3.52.0",
            "X-Stainless-Retry-Count: 0",
            f"Authorization: Bearer {token}",
            f"Content-Length: {len(body)}",
            "\r\n",
        )
    )
    before, mark, after = body.partition(MARK)
    assert mark, "the body has no mark"
    return Prepared(
        address.hostname, address.port, head.encode() + before, after, stream=b'"stream": true' in body
    )


def _long_text(events: int) -> dict[str, Any]:
    text = {"type": "string", "minLength": _CHARACTERS_AN_EVENT * (events - 2)}
    schema = {
        "type": "object",
        "properties": {"answer": text},
        "required": ["answer"],
        "additionalProperties": False,
    }
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
