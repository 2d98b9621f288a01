"""A caller of the gateway: a tenant with tokens, and what it asks."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from testing.e2e.under_test import Gateway

CHAT = "/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class Streamed:
    """A whole stream. `events` are its JSON objects; `done` says whether `[DONE]` was the last event."""

    status: int
    headers: httpx.Headers
    events: list[dict[str, Any]] = field(default_factory=list)
    done: bool = False

    @property
    def text(self) -> str:
        """The deltas of all choices, joined."""
        choices = [choice for event in self.events for choice in event.get("choices", ())]
        return "".join(choice["delta"].get("content") or "" for choice in choices)

    @property
    def error(self) -> dict[str, Any] | None:
        """The error that ended the stream, if one did."""
        return self.events[-1].get("error") if self.events else None


class Caller:
    """Asks as one tenant. A `tenant` of None means the one token that the suite was given."""

    def __init__(self, gateway: Gateway, tenant: str | None, client: httpx.Client) -> None:
        self.gateway = gateway
        self.tenant = tenant
        self.client = client

    def token(self, **claims: Any) -> str:
        """A token of this tenant with these claims."""
        if self.tenant is not None:
            return self.gateway.make_token(self.tenant, **claims)
        if claims:
            pytest.skip("GATEWAY_CONSUMERS is not set: no token with claims of its own can be made")
        assert self.gateway.token is not None
        return self.gateway.token

    def request(
        self,
        method: str,
        path: str,
        *,
        claims: dict[str, Any] | None = None,
        headers: list[tuple[str, str]] | dict[str, str] | None = None,
        **given: Any,
    ) -> httpx.Response:
        """Any request with a token."""
        listed = list(headers.items()) if isinstance(headers, dict) else (headers or [])
        bearer = ("Authorization", f"Bearer {self.token(**(claims or {}))}")
        return self.client.request(method, self.gateway.url + path, headers=[bearer, *listed], **given)

    def get(self, path: str, **given: Any) -> httpx.Response:
        """GET with a token."""
        return self.request("GET", path, **given)

    def chat(
        self,
        model: str,
        prompt: Any = "Hello",
        *,
        claims: dict[str, Any] | None = None,
        headers: list[tuple[str, str]] | dict[str, str] | None = None,
        **parameters: Any,
    ) -> httpx.Response:
        """A chat completion as JSON; `prompt` is the content of its one message."""
        body = {"model": model, "messages": [{"role": "user", "content": prompt}], **parameters}
        return self.request("POST", CHAT, claims=claims, headers=headers, json=body)

    def stream(
        self,
        model: str,
        prompt: Any = "Hello",
        *,
        claims: dict[str, Any] | None = None,
        headers: list[tuple[str, str]] | dict[str, str] | None = None,
        **parameters: Any,
    ) -> Streamed:
        """The same as a stream, read to its end. A refusal is its one event."""
        answer = self.chat(model, prompt, claims=claims, headers=headers, stream=True, **parameters)
        if answer.headers["content-type"].partition(";")[0] != "text/event-stream":
            return Streamed(answer.status_code, answer.headers, [answer.json()])
        return read_events(answer)

    def raw(self, content: bytes, content_type: str = "application/json", path: str = CHAT) -> httpx.Response:
        """A POST of these bytes."""
        return self.request("POST", path, content=content, headers={"Content-Type": content_type})


def read_events(answer: httpx.Response) -> Streamed:
    """The events of a stream, each of which has to be one `data:` line and a blank one."""
    *blocks, rest = answer.text.split("\n\n")
    assert rest == "", "the stream ends within an event"
    assert all(block.startswith("data: ") and "\n" not in block for block in blocks)
    data = [block.removeprefix("data: ") for block in blocks]
    done = bool(data) and data[-1] == "[DONE]"
    events = [json.loads(text) for text in (data[:-1] if done else data)]
    return Streamed(answer.status_code, answer.headers, events, done)


def error_of(answer: httpx.Response) -> dict[str, Any]:
    """The error in OpenAI's shape, with all four keys, and a request id on the answer."""
    body = answer.json()
    assert set(body) == {"error"}
    error: dict[str, Any] = body["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    assert answer.headers["x-request-id"]
    return error
