"""A request as it came, a response as it shall leave, and a refusal before a provider words it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

Headers = tuple[tuple[str, str], ...]
Json = dict[str, Any]


class Refusal(Exception):
    """What a provider refuses, before it is put into that provider's own words.

    `kind` and `code` are the provider's names for it; None takes the protocol's default for `status`.
    """

    def __init__(
        self,
        status: int,
        message: str | None = None,
        *,
        kind: str | None = None,
        code: str | None = None,
        param: str | None = None,
        headers: Headers = (),
    ) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param = param
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `target` is the path with query exactly as on the wire; header names keep their case."""

    number: int
    method: str
    target: str
    headers: Headers
    body: bytes

    @property
    def path(self) -> str:
        """The path without query, still percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> Mapping[str, str]:
        """The query's parameters, decoded; the last of equal names."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def segments(self) -> tuple[str, ...]:
        """The decoded segments of the path: "/model/a%3Ab/converse" is ("model", "a:b", "converse")."""
        return tuple(unquote(part) for part in self.path.strip("/").split("/"))

    def header(self, name: str) -> str | None:
        """The first header of that name (in lower case), or None."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def bearer(self) -> str | None:
        """The token of `Authorization: Bearer`, or None if there is none."""
        scheme, _, token = (self.header("authorization") or "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" and token.strip() else None

    def json(self) -> Json:
        """The body as a JSON object; anything else is a Refusal with status 400."""
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise Refusal(400, "We could not parse the JSON body of your request.") from None
        if not isinstance(value, dict):
            raise Refusal(400, "The JSON body of your request must be an object.")
        return value


@dataclass(frozen=True, slots=True)
class Response:
    """What a provider answers when nothing goes wrong.

    A stream has `pieces` (what it writes one after the other; the last `tail` of them say that it is
    complete), all else has `body`. `error_piece` is the protocol's error after a 200; `garbage_piece` looks
    like a piece and is not.
    """

    status: int
    headers: Headers = ()
    body: bytes = b""
    pieces: tuple[bytes, ...] | None = None
    tail: int = 1
    error_piece: bytes = b""
    garbage_piece: bytes = b""


def json_response(
    value: Any, status: int = 200, headers: Headers = (), content_type: str = "application/json"
) -> Response:
    """A response with `value` as JSON."""
    return Response(status, (("content-type", content_type), *headers), orjson.dumps(value))


def sse(value: Any, event: str | None = None, newline: str = "\n") -> bytes:
    """One server-sent event with `value` as JSON."""
    name = f"event: {event}{newline}".encode() if event else b""
    return name + b"data: " + orjson.dumps(value) + newline.encode() * 2
