"""One request on its way through the chain: what Kong keeps in `ngx.ctx`."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from embedded_edge.headers import Headers
from embedded_edge.hosts import host_name

if TYPE_CHECKING:
    from embedded_edge.entities import Consumer, JwtCredential
    from embedded_edge.router import Match

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

# Keys that `embedded_edge.server` adds to the scope and reads from `http.response.start`.
RAW_NAMES = "portcullis.raw_names"  # scope: header names as sent, parallel to scope["headers"]
TARGET = "portcullis.target"  # scope: the request target as sent
SNI = "portcullis.sni"  # scope: the server name of the TLS handshake
CONTINUE = "portcullis.continue"  # scope: asks the client that waits for it to send its body
REFUSAL = "portcullis.refusal"  # scope: (status, message) of a request that HTTP itself forbids
HOST = "portcullis.host"  # scope: the host of an absolute request target
BROKEN = "portcullis.broken"  # http.request: True if the body broke off in a way that HTTP forbids
REASON = "portcullis.reason"  # start: bytes of the reason phrase, where it is not nginx's own
RAW = "portcullis.raw"  # start: True if no head is written: the body is all there is (HTTP/0.9)
CLOSE = "portcullis.close"  # start: True if the connection cannot be used again

# What is still read of a refused request so that its sender gets to read the answer.
DRAIN_BYTES = 64 * 1024 * 1024
DRAIN_SECONDS = 5.0

# nginx's client_body_timeout: between two reads, not for the whole.
BODY_TIMEOUT_S = 60.0

# Without request-size-limiting Kong spools to disk; this process has memory only.
MAX_BODY = 128 * 1024 * 1024


class ClientGoneError(Exception):
    """The client closed the connection before its request was complete."""


class CutError(Exception):
    """An answer that has begun cannot be completed: the connection has to end, so that the client sees it."""


class BrokenBodyError(Exception):
    """What came after the header is not a body that HTTP allows."""


class BodyTooLargeError(Exception):
    """More body bytes came than whoever reads it allows."""


@dataclass(slots=True)
class Answer:
    """What the edge itself answers. Header order holds; Content-Type is put where nginx puts it."""

    status: int
    body: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    reason: bytes | None = None
    from_proxy: bool = False  # after an upstream that failed
    from_nginx: bool = False  # nginx knew its length before it wrote the header


class Exchange:
    """State of one request. `target` is the request target as sent, with its query."""

    __slots__ = (
        "_body",
        "_expects_continue",
        "_receive",
        "_unreadable",
        "answer",
        "body_complete",
        "body_size",
        "client_ip",
        "consumer",
        "credential",
        "forwarded_host",
        "headers",
        "host",
        "http_version",
        "match",
        "method",
        "own_ms",
        "plugin_state",
        "query",
        "raw_path",
        "request_id",
        "response_headers",
        "scheme",
        "scope",
        "send",
        "sent_bytes",
        "server_port",
        "shared",
        "started",
        "status",
        "target",
        "upstream_host",
        "upstream_ms",
        "upstream_path",
        "upstream_query",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.started = time.monotonic()
        self.scope = scope
        self.send = send
        self._receive = receive
        self.method: str = scope["method"]
        self.http_version: str = scope["http_version"]
        self.raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        self.query: bytes = scope.get("query_string", b"")
        self.target: bytes = scope.get(TARGET) or _target(self.raw_path, self.query)
        self.scheme: str = scope.get("scheme", "http")
        self.client_ip: str = (scope.get("client") or ("127.0.0.1", 0))[0]
        self.server_port: int = (scope.get("server") or ("", 0))[1] or 0
        pairs = scope["headers"]
        names = scope.get(RAW_NAMES)
        if names is None:
            self.headers = Headers([(name, name, value) for name, value in pairs])
        else:
            self.headers = Headers(
                [(pair[0], name, pair[1]) for pair, name in zip(pairs, names, strict=True)]
            )
        self.host = self.headers.get(b"host") or b""
        self.forwarded_host: bytes = scope.get(HOST) or host_name(self.host) or b"kong"
        self.request_id = os.urandom(16).hex()
        self.match: Match | None = None
        self.consumer: Consumer | None = None
        self.credential: JwtCredential | None = None
        self.shared: dict[str, Any] = {}
        self.plugin_state: dict[Any, Any] = {}
        self.response_headers = Headers()
        self.answer: Answer | None = None
        self.status = 0
        self.sent_bytes = 0
        self.own_ms = 0
        self.upstream_ms: int | None = None
        # What a plugin has put in place of what the client asked for.
        self.upstream_path: str | None = None
        self.upstream_query: bytes | None = None
        self.upstream_host: bytes | None = None
        self._body: bytes | None = None
        self.body_size = 0
        length = self.headers.get(b"content-length")
        self.body_complete = length in (None, b"0") and self.headers.get(b"transfer-encoding") is None
        self._unreadable = REFUSAL in scope
        self._expects_continue = (self.headers.get(b"expect") or b"").strip().lower() == b"100-continue"
        if self.body_complete:
            self._body = b""

    @property
    def has_body(self) -> bool:
        """Whether the client announced a body, be it an empty one."""
        return (
            self.headers.get(b"content-length") is not None
            or self.headers.get(b"transfer-encoding") is not None
        )

    @property
    def body(self) -> bytes | None:
        """The body if it has been read, else None."""
        return self._body

    async def read_body(self, limit: int = MAX_BODY) -> bytes:
        """The whole body, kept.

        BodyTooLargeError beyond `limit` bytes; ClientGoneError or BrokenBodyError if it breaks off;
        TimeoutError if nothing of it came for BODY_TIMEOUT_S.
        """
        if self._body is None:
            self._expects_continue = False
            chunks = []
            while not self.body_complete:
                async with asyncio.timeout(BODY_TIMEOUT_S):
                    message = await self._receive()
                if message["type"] == "http.disconnect":
                    raise ClientGoneError
                if message.get(BROKEN):
                    self._unreadable = True
                    raise BrokenBodyError
                chunk = message.get("body", b"")
                self.body_size += len(chunk)
                self.body_complete = not message.get("more_body", False)
                if self.body_size > limit:
                    raise BodyTooLargeError
                chunks.append(chunk)
            self._body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        return self._body

    def replace_query(self, query: bytes) -> None:
        self.query = self.upstream_query = query

    def replace_body(self, body: bytes) -> None:
        self._body = body

    def continue_if_asked(self) -> bool:
        """Sends `100 Continue` to a client that waits for it. Whether it did."""
        if not self._expects_continue or self.body_complete or self._unreadable:
            return False
        self._expects_continue = False
        say = self.scope.get(CONTINUE)
        if say is not None:
            say()
        return True

    async def drain(self) -> bool:
        """Drops what a refused client is still sending. True if the connection can be used again."""
        if self.body_complete:
            return True
        if self._unreadable:
            return False
        size = self.body_size
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while size < DRAIN_BYTES:
                    message = await self._receive()
                    if message["type"] == "http.disconnect" or message.get(BROKEN):
                        return False
                    size += len(message.get("body", b""))
                    if not message.get("more_body", False):
                        self.body_complete = True
                        return True
        except TimeoutError:
            pass
        return False

    async def disconnected(self) -> Message:
        """Returns `http.disconnect` when the client has gone; what else comes is dropped."""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return message


def _target(raw_path: bytes, query: bytes) -> bytes:
    return raw_path + b"?" + query if query else raw_path
