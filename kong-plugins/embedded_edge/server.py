"""HTTP as nginx under Kong speaks it: header case and order, limits, and refusals of what HTTP forbids.

A protocol class for uvicorn (`uvicorn.run(edge, http=EdgeProtocol)`); `serve` sets up the rest.
"""

import asyncio
import itertools
import logging
from http import HTTPStatus
from typing import Any, cast

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from embedded_edge.exchange import BROKEN, CLOSE, HOST, RAW_NAMES, REASON, REFUSAL, TARGET, ASGIApp, CutError

# nginx's large_client_header_buffers (4 of 8k), which Kong leaves as they are.
_MAX_LINE = 8192
_MAX_HEAD = 4 * 8192 - 512

# nginx refuses a second one of these.
_SINGLE = frozenset(
    {
        b"host", b"authorization", b"content-length", b"content-range", b"transfer-encoding", b"expect",
        b"if-modified-since", b"if-unmodified-since", b"if-match", b"if-none-match", b"if-range",
    }
)  # fmt: skip

# nginx's client_header_timeout and send_timeout.
_TIMEOUT_S = 60.0

_BAD_REQUEST = (400, "Bad request")
_TOO_LARGE = (494, "Request header or cookie too large")
_NOT_ALLOWED = (405, "Method not allowed")
_NOT_IMPLEMENTED = (501, "Not Implemented")
_URI_TOO_LONG = (414, "URI too long")

# nginx's reason phrases where they are not the standard ones; it has none for what is not here and not below.
_PHRASES = {
    302: "Moved Temporarily",
    405: "Not Allowed",
    408: "Request Time-out",
    413: "Request Entity Too Large",
    414: "Request-URI Too Large",
    416: "Requested Range Not Satisfiable",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}
_WITHOUT = {
    203,
    205,
    207,
    208,
    226,
    300,
    305,
    306,
    407,
    417,
    418,
    422,
    423,
    424,
    425,
    426,
    428,
    431,
    451,
    506,
    508,
}

_log = logging.getLogger("embedded_edge")

_connections = itertools.count(1)


def _phrase(status: int) -> bytes:
    if status in _WITHOUT:
        return b""
    if status in _PHRASES:
        return _PHRASES[status].encode()
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""


_STATUS_LINES = {status: b"HTTP/1.1 %d %s\r\n" % (status, _phrase(status)) for status in range(100, 600)}


class _RefusedError(Exception):
    """HTTP forbids this request."""


def _nothing() -> None:
    """In place of a callback that would keep the connection's objects alive."""


class EdgeCycle(RequestResponseCycle):
    """One request and its answer. Writes the head of the answer as it is given."""

    _until_close = False
    broken = False

    async def run_asgi(self, app: Any) -> None:
        """Runs the edge; an error is named by kind only, for its text could quote the request."""
        try:
            await app(self.scope, self.receive, self.send)
        except CutError:
            self.transport.close()
        except Exception as error:
            _log.error("the edge failed: %s", type(error).__name__)
            self.transport.close()
        finally:
            self.on_response = _nothing

    async def receive(self) -> Any:
        message = await super().receive()
        if self.broken and message["type"] == "http.request":
            return {**message, BROKEN: True}
        return message

    async def send(self, message: Any) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self._drain()
        if self.disconnected:
            return
        if self.response_started:
            await self._send_body(message)
            return
        self.response_started = True
        self.waiting_for_100_continue = False
        status: int = message["status"]
        if message.get(CLOSE):
            self.keep_alive = False
        reason = message.get(REASON)
        lines = [_STATUS_LINES[status] if reason is None else b"HTTP/1.1 %d %s\r\n" % (status, reason)]
        framed = self.scope["method"] == "HEAD" or status in (204, 304)
        self.chunked_encoding = False
        self.expected_content_length = 0
        for name, value in message["headers"]:
            if name == b"Connection" and not value:
                value = b"keep-alive" if self.keep_alive else b"close"  # noqa: PLW2901
            elif name == b"Transfer-Encoding" and not framed:
                self.chunked_encoding = framed = True
            elif name in (b"Content-Length", b"content-length") and not framed:
                self.expected_content_length = int(value)
                framed = True
            lines += (name, b": ", value, b"\r\n")
        if not framed:
            # HTTP/1.0 without a length: the end of the connection is the end of the answer.
            self._until_close = True
            self.keep_alive = False
        lines.append(b"\r\n")
        self.transport.write(b"".join(lines))

    async def _drain(self) -> None:
        """Waits until the client takes bytes again; ends the connection of one that does not."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                await self.flow.drain()
        except TimeoutError:
            self.transport.abort()
            self.disconnected = True

    async def _send_body(self, message: Any) -> None:
        if self._until_close:
            self.expected_content_length = len(message.get("body", b""))
        elif (
            self.scope["method"] != "HEAD" and not self.chunked_encoding and not self.expected_content_length
        ):
            # 204 and 304 have no body, whatever the upstream sent.
            message = {**message, "body": b""}
        await super().send(message)


class EdgeProtocol(HttpToolsProtocol):
    """uvicorn's httptools protocol, with the limits and refusals of nginx under Kong."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))
        self._serial = next(_connections)
        self._requests = 0
        self._refusal: tuple[int, str] | None = None
        self._names: list[bytes] = []
        self._head_size = 0
        self._head_deadline = self.loop.call_later(_TIMEOUT_S, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_deadline.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_deadline.cancel()
        self._head_deadline = self.loop.call_later(_TIMEOUT_S, self.transport.abort)
        self._requests += 1
        self._names = []
        self._head_size = 0
        self._extra[RAW_NAMES] = self._names
        self._extra["portcullis.connection"] = (self._serial, self._requests)

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._head_size += len(url)
        if len(self.url) > _MAX_LINE - len("GET  HTTP/1.1\r\n"):
            self._refuse(_URI_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        size = len(name) + len(value) + 4
        self._head_size += size
        if size > _MAX_LINE or self._head_size > _MAX_HEAD:
            self._refuse(_TOO_LARGE)
        self._names.append(name)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._check_head()
        method = self.parser.get_method().decode("ascii")
        version = self.parser.get_http_version()
        self.scope["method"] = method
        self.scope["http_version"] = version
        self._set_target()
        self._start_cycle(keep_alive=version != "1.0" and self.parser.should_keep_alive())

    def _check_head(self) -> None:
        """Raises for what nginx refuses before it looks for a route."""
        if self.parser.get_method() == b"TRACE":
            self._refuse(_NOT_ALLOWED)
        names = [name for name, _ in self.headers]
        for name in _SINGLE.intersection(names):
            if names.count(name) > 1:
                self._refuse(_BAD_REQUEST)
        if b"host" not in names and self.parser.get_http_version() != "1.0":
            self._refuse(_BAD_REQUEST)
        for name, value in self.headers:
            if name == b"transfer-encoding" and value.lower() != b"chunked":
                self._refuse(_NOT_IMPLEMENTED)

    def _set_target(self) -> None:
        """Path and query as sent; of an absolute target what follows the host."""
        try:
            url = httptools.parse_url(self.url)
        except httptools.HttpParserInvalidURLError:
            self._refuse(_BAD_REQUEST)
        path = url.path or b"/"
        if not self.url.startswith(b"/"):
            if not url.host:
                self._refuse(_BAD_REQUEST)
            self._extra[HOST] = url.host
        target = self.url if self.url.startswith(b"/") else path + (b"?" + url.query if url.query else b"")
        self.scope["raw_path"] = path
        self.scope["path"] = path.decode("latin-1")
        self.scope["query_string"] = url.query or b""
        self._extra[TARGET] = target.partition(b"#")[0]

    def _start_cycle(self, *, keep_alive: bool) -> None:
        self._head_deadline.cancel()
        existing = self.cycle
        self.cycle = EdgeCycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=[],
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=keep_alive,
            on_response=self.on_response_complete,
        )
        if existing is None or existing.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _should_upgrade(self) -> bool:
        return False

    def _unsupported_upgrade_warning(self) -> None:
        """Any upgrade is just a request without one."""

    @property
    def _extra(self) -> dict[str, Any]:
        """The scope, open to keys of our own."""
        return cast("dict[str, Any]", self.scope)

    def _refuse(self, refusal: tuple[int, str]) -> None:
        self._refusal = refusal
        raise _RefusedError

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the words are Kong's
        """Answers what could not be read as a request; breaks an answer off that has begun."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._break_off(cast(EdgeCycle, self.cycle))
            return
        self.scope.setdefault("method", "GET")
        self.scope["http_version"] = "1.1"
        for name, value in (("path", "/"), ("raw_path", b"/"), ("query_string", b"")):
            self._extra.setdefault(name, value)
        self._extra[REFUSAL] = self._refusal or _BAD_REQUEST
        del self._names[len(self.headers) :]
        self._refused = True
        self._start_cycle(keep_alive=False)
        self.cycle.more_body = False

    def _break_off(self, cycle: EdgeCycle) -> None:
        """A body that turns out broken: whoever reads it is told; an answer that has begun is cut."""
        self._refused = True
        if cycle.response_started:
            self.transport.close()
            return
        cycle.keep_alive = False
        cycle.broken = True
        cycle.message_event.set()

    _refused = False

    def data_received(self, data: bytes) -> None:
        if not self._refused:
            super().data_received(data)


def server_config(app: ASGIApp, **options: Any) -> uvicorn.Config:
    """uvicorn as the edge needs it. `options` are uvicorn's (host, port, fd, log_config ...)."""
    settings: dict[str, Any] = {
        "http": EdgeProtocol,
        "loop": "uvloop",
        "ws": "none",
        "access_log": False,
        "server_header": False,
        "date_header": False,
        "proxy_headers": False,
        "timeout_keep_alive": 75,
        "timeout_graceful_shutdown": 30,
    }
    return uvicorn.Config(app, **{**settings, **options})
