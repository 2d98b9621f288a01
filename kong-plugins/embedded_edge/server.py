"""HTTP as nginx under Kong speaks it: header case and order, limits, and refusals of what HTTP forbids.

A protocol class for uvicorn (`uvicorn.run(edge, http=EdgeProtocol)`); `serve` sets up the rest.
"""

import asyncio
import itertools
import re
from typing import Any, cast

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from embedded_edge.cycle import EdgeCycle
from embedded_edge.exchange import CONTINUE, HOST, RAW_NAMES, REFUSAL, SNI, TARGET, ASGIApp
from embedded_edge.hosts import is_host
from embedded_edge.tls import Tls, server_name
from embedded_edge.uri import is_valid

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

# nginx's client_header_timeout.
_TIMEOUT_S = 60.0

_NOT_ASCII = re.compile(rb"[\x80-\xff]")

_BAD_REQUEST = (400, "Bad request")
_TOO_LARGE = (494, "Request header or cookie too large")
_NOT_ALLOWED = (405, "Method not allowed")
_VERSION = (505, "HTTP Version Not Supported")
_NOT_IMPLEMENTED = (501, "Not Implemented")
_URI_TOO_LONG = (414, "URI too long")

_connections = itertools.count(1)


class _RefusedError(Exception):
    """HTTP forbids this request."""


class EdgeProtocol(HttpToolsProtocol):
    """uvicorn's httptools protocol, with the limits and refusals of nginx under Kong."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))
        self._serial = next(_connections)
        self._requests = 0
        self._refusal: tuple[int, str] | None = None
        self._names: list[bytes] = []
        self._head_size = 0
        self._sni = server_name(self.transport)
        self._head_deadline = self.loop.call_later(_TIMEOUT_S, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_deadline.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._between = self._in_body = False
        self._head_deadline.cancel()
        self._head_deadline = self.loop.call_later(_TIMEOUT_S, self.transport.abort)
        self._requests += 1
        self._names = []
        self._head_size = 0
        self._extra[RAW_NAMES] = self._names
        if self._sni is not None:
            self._extra[SNI] = self._sni
        self._extra["portcullis.connection"] = (self._serial, self._requests)

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._head_size += len(url)
        if len(self.url) > _MAX_LINE - len("GET  HTTP/1.1\r\n"):
            self._refuse(_URI_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_body:
            return  # a trailer: nginx drops it
        value = value.rstrip(b" ")
        size = len(name) + len(value) + 4
        self._head_size += size
        if size > _MAX_LINE or self._head_size > _MAX_HEAD:
            self._refuse(_TOO_LARGE)
        self._names.append(name)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_body = True
        self._check_head()
        method = self.parser.get_method().decode("ascii")
        version = self.parser.get_http_version()
        self.scope["method"] = method
        self.scope["http_version"] = version
        self._set_target()
        self._start_cycle(keep_alive=version != "1.0" and self.parser.should_keep_alive())

    def _check_head(self) -> None:
        """Raises for what nginx refuses before it looks for a route."""
        if self.parser.get_http_version() not in ("1.0", "1.1"):
            self._refuse(_VERSION)
        if self.parser.get_method() == b"TRACE":
            self._refuse(_NOT_ALLOWED)
        names = [name for name, _ in self.headers]
        for name in _SINGLE.intersection(names):
            if names.count(name) > 1:
                self._refuse(_BAD_REQUEST)
        if b"host" not in names and self.parser.get_http_version() != "1.0":
            self._refuse(_BAD_REQUEST)
        for name, value in self.headers:
            if name == b"host" and not is_host(value):
                self._refuse(_BAD_REQUEST)
            if name == b"transfer-encoding" and value.lower() != b"chunked":
                self._refuse(_NOT_IMPLEMENTED)

    def _set_target(self) -> None:
        """Path and query as sent; of an absolute target what follows the host."""
        target = self._raw_target or self.url
        self._raw_target = None
        if not target.startswith(b"/"):
            target = self._origin_form(target)
        path, _, query = target.partition(b"?")
        if b"#" in target:
            query = b"" if b"#" in path else query.partition(b"#")[0]
            target = path + b"?" + query if query else path
        if not is_valid(path.partition(b"#")[0].decode("latin-1")):
            self._refuse(_BAD_REQUEST)
        self.scope["raw_path"] = path
        self.scope["path"] = path.decode("latin-1")
        self.scope["query_string"] = query
        self._extra[TARGET] = target

    def _origin_form(self, target: bytes) -> bytes:
        """Of `http://host/path?query` what follows the host, which stands in for the Host field."""
        try:
            url = httptools.parse_url(target)
        except httptools.HttpParserInvalidURLError:
            self._refuse(_BAD_REQUEST)
        if not url.host:
            self._refuse(_BAD_REQUEST)
        self._extra[HOST] = url.host
        return (url.path or b"/") + (b"?" + url.query if url.query else b"")

    def _start_cycle(self, *, keep_alive: bool) -> None:
        self._head_deadline.cancel()
        existing = self.cycle
        cycle = EdgeCycle(
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
        self.cycle = cycle
        self._extra[CONTINUE] = cycle.continue_now
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
    _between = True
    _in_body = False
    _raw_target: bytes | None = None

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._between = True

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._between:
            line, end, rest = data.partition(b"\n")
            if not line.isascii():
                data = self._encode_target(line) + end + rest
        super().data_received(data)

    def _encode_target(self, line: bytes) -> bytes:
        """A request line with bytes that the parser does not let stand in a target, and nginx does."""
        self._raw_target = line.partition(b" ")[2].rpartition(b" ")[0]
        return _NOT_ASCII.sub(lambda found: b"%%%02X" % found[0][0], line)


def server_config(app: ASGIApp, *, tls: Tls | None = None, **options: Any) -> uvicorn.Config:
    """uvicorn as the edge needs it. `options` are uvicorn's (host, port, fd, log_config ...).

    With `tls` the listener speaks HTTPS only; a redirect needs a second one without it.
    """
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
    if tls is not None:
        settings["ssl_context_factory"] = lambda *_: tls.context()
    return uvicorn.Config(app, **{**settings, **options})
