"""HTTP as nginx under Kong speaks it: header case and order, limits, and refusals of what HTTP forbids.

A protocol class for uvicorn (`uvicorn.run(edge, http=EdgeProtocol)`); `serve` sets up the rest.
"""

import asyncio
import itertools
import re
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from embedded_edge.cycle import EdgeCycle
from embedded_edge.exchange import CONTINUE, HOST, RAW_NAMES, REFUSAL, SNI, TARGET, ASGIApp
from embedded_edge.head import (
    BAD_REQUEST,
    MAX_HEAD,
    MAX_LINE,
    TOO_LARGE,
    URI_TOO_LONG,
    Refusal,
    RefusedError,
    check,
    read_target,
)
from embedded_edge.tls import Tls, server_name

# nginx's client_header_timeout.
_TIMEOUT_S = 60.0

_NOT_ASCII = re.compile(rb"[\x80-\xff]")

_connections = itertools.count(1)


class EdgeProtocol(HttpToolsProtocol):
    """uvicorn's httptools protocol, with the limits and refusals of nginx under Kong."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))
        self._serial = next(_connections)
        self._requests = 0
        self._refusal: Refusal | None = None
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
        if len(self.url) > MAX_LINE - len("GET  HTTP/1.1\r\n"):
            self._refuse(URI_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_body:
            return  # a trailer: nginx drops it
        value = value.rstrip(b" ")
        size = len(name) + len(value) + 4
        self._head_size += size
        if size > MAX_LINE or self._head_size > MAX_HEAD:
            self._refuse(TOO_LARGE)
        self._names.append(name)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_body = True
        method, version = self.parser.get_method(), self.parser.get_http_version()
        try:
            check(method, version, self.headers)
            self.scope["method"] = method.decode("ascii")
            self.scope["http_version"] = version
            self._set_target()
        except RefusedError as error:
            self._refuse(error.refusal)
        self._start_cycle(keep_alive=version != "1.0" and self.parser.should_keep_alive())

    def _set_target(self) -> None:
        target = read_target(self._raw_target or self.url)
        self._raw_target = None
        self.scope["raw_path"] = target.path
        self.scope["path"] = target.path.decode("latin-1")
        self.scope["query_string"] = target.query
        self._extra[TARGET] = target.whole
        if target.host is not None:
            self._extra[HOST] = target.host

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

    def _refuse(self, refusal: Refusal) -> None:
        self._refusal = refusal
        raise RefusedError(refusal)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the words are Kong's
        """Answers what could not be read as a request; breaks an answer off that has begun."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._break_off(cast(EdgeCycle, self.cycle))
            return
        self.scope.setdefault("method", "GET")
        self.scope["http_version"] = "1.1"
        for name, value in (("path", "/"), ("raw_path", b"/"), ("query_string", b"")):
            self._extra.setdefault(name, value)
        self._extra[REFUSAL] = self._refusal or BAD_REQUEST
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
