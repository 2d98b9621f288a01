"""An upstream over HTTP/1.1, as nginx talks to it: header order and case as given, kept connections.

A client library would reorder and rename header fields; this is a parser and a pool, with deadlines.
"""

import asyncio
import contextlib
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from typing import cast

import httptools

from embedded_edge.entities import Service
from embedded_edge.exchange import ClientGoneError, Exchange
from embedded_edge.headers import Pair
from embedded_edge.upstream import (
    Downstream,
    UpstreamBrokenError,
    UpstreamError,
    UpstreamRefusedError,
    UpstreamRequest,
    UpstreamTimeoutError,
    UpstreamUnknownError,
)

_IDLE_SECONDS = 60.0
_IDLE_CONNECTIONS = 64
_BUFFERED_BYTES = 256 * 1024


class Connection(asyncio.Protocol):
    """One connection; one answer at a time. `head` waits for its header, `chunk` for more of its body."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.status = 0
        self.reason = b""
        self.headers: list[Pair] = []
        self.reusable = False
        self.idle_since = 0.0
        self._closed = False
        self._can_write = asyncio.Event()
        self._can_write.set()
        self._begin("GET")

    def _begin(self, method: str) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._method = method
        self.status, self.reason, self.headers = 0, b"", []
        self._head_done = self._body_done = self._broken = self._framed = self._paused = False
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._changed = asyncio.Event()
        self.received_any = False

    # What the caller does.

    @property
    def is_open(self) -> bool:
        return not self._closed

    async def send(self, method: str, request: UpstreamRequest, body: bytes) -> None:
        """Writes the request. UpstreamTimeoutError if the upstream does not take it in time."""
        self._begin(method)
        lines = [method.encode(), b" ", request.target, b" HTTP/1.1\r\n"]
        for name, value in request.headers:
            lines += (name, b": ", value, b"\r\n")
        lines.append(b"\r\n")
        self.transport.write(b"".join(lines))
        if body:
            self.transport.write(body)
            try:
                await asyncio.wait_for(self._can_write.wait(), request.service.write_timeout_s)
            except TimeoutError:
                raise UpstreamTimeoutError from None

    async def head(self, timeout_s: float) -> None:
        """Returns when `status`, `reason` and `headers` hold the answer's."""
        await self._wait(lambda: self._head_done, timeout_s)

    async def chunk(self, timeout_s: float) -> bytes:
        """The next bytes of the body; empty at its end."""
        await self._wait(lambda: bool(self._chunks) or self._body_done, timeout_s)
        if not self._chunks:
            return b""
        data = b"".join(self._chunks)
        self._chunks.clear()
        self._buffered = 0
        if self._paused and not self._closed:
            self._paused = False
            self.transport.resume_reading()
        return data

    @property
    def done(self) -> bool:
        """Whether the body has ended and been taken."""
        return self._body_done and not self._chunks

    def close(self) -> None:
        if not self._closed:
            self.transport.abort()

    async def _wait(self, ready: Callable[[], bool], timeout_s: float) -> None:
        while not ready():
            if self._broken or self._closed:
                raise UpstreamBrokenError("the connection ended early")
            self._changed.clear()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._changed.wait()
            except TimeoutError:
                raise UpstreamTimeoutError from None

    # What the transport says.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.received_any = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.reusable = False
            self._broken = not self._body_done
        except httptools.HttpParserUpgrade:
            self.reusable = False
        self._changed.set()

    def eof_received(self) -> None:
        self.reusable = False
        if self._head_done and not self._framed:
            self._body_done = True
        self._changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        if self._head_done and not self._framed and exc is None:
            self._body_done = True
        self._can_write.set()
        self._changed.set()

    def pause_writing(self) -> None:
        self._can_write.clear()

    def resume_writing(self) -> None:
        self._can_write.set()

    # What the parser says.

    def on_status(self, reason: bytes) -> None:
        self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self.status < 200:
            self.headers, self.reason = [], b""
            return
        self.reusable = self._parser.should_keep_alive()
        names = {name.lower() for name, _ in self.headers}
        self._framed = b"content-length" in names or b"transfer-encoding" in names
        self._head_done = True
        if self._method == "HEAD":
            # The parser does not know the method and would wait for the body that Content-Length names.
            self._body_done, self.reusable = True, False

    def on_body(self, data: bytes) -> None:
        if self._body_done:
            return
        self._chunks.append(data)
        self._buffered += len(data)
        if self._buffered > _BUFFERED_BYTES and not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def on_message_complete(self) -> None:
        if self.status >= 200:
            self._body_done = True


_MAY_REPEAT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})


class HttpUpstream:
    """Calls of services over HTTP, with Kong's `retries` and timeouts."""

    def __init__(self) -> None:
        self._pool = Pool()

    async def close(self) -> None:
        await self._pool.close()

    async def call(self, x: Exchange, request: UpstreamRequest, down: Downstream) -> None:
        """Passes the answer on as it comes. Raises an UpstreamError, or ClientGoneError once it has gone."""
        for tries_left in range(request.service.retries, -1, -1):
            down.began = time.monotonic()
            try:
                await self._call_once(x, request, down)
            except UpstreamUnknownError:
                raise
            except UpstreamError as error:
                sent = not isinstance(error, UpstreamRefusedError) and error.sent
                if down.started or not tries_left or (sent and x.method not in _MAY_REPEAT):
                    raise
            else:
                return

    async def _call_once(self, x: Exchange, request: UpstreamRequest, down: Downstream) -> None:
        service = request.service
        connection = await self._pool.take(service)
        gone = asyncio.create_task(_close_when_client_goes(x, connection))
        try:
            await connection.send(x.method, request, x.body or b"")
            await connection.head(service.read_timeout_s)
            await down.start(connection.status, connection.reason, connection.headers)
            while data := await connection.chunk(service.read_timeout_s):
                await down.body(data, True)
            await down.body(b"", False)
        except UpstreamError as error:
            if gone.done():
                raise ClientGoneError from None
            error.sent = True
            raise
        finally:
            gone.cancel()
            self._pool.give_back(service, connection)


async def _close_when_client_goes(x: Exchange, connection: Connection) -> None:
    await x.disconnected()
    connection.close()


class Pool:
    """Connections to every HTTP upstream, kept for a minute between requests as nginx keeps them."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, int, bool], deque[Connection]] = {}
        self._tls: ssl.SSLContext | None = None

    async def take(self, service: Service) -> Connection:
        """An open connection, used before or new. Raises an UpstreamError."""
        idle = self._idle.get((service.host, service.port, service.tls))
        while idle:
            connection = idle.pop()
            if connection.is_open and time.monotonic() - connection.idle_since < _IDLE_SECONDS:
                return connection
            connection.close()
        return await self._connect(service)

    def give_back(self, service: Service, connection: Connection) -> None:
        """Keeps the connection if it can serve again, else closes it."""
        if not (connection.reusable and connection.done and connection.is_open):
            connection.close()
            return
        idle = self._idle.setdefault((service.host, service.port, service.tls), deque())
        connection.idle_since = time.monotonic()
        idle.append(connection)
        if len(idle) > _IDLE_CONNECTIONS:
            idle.popleft().close()

    async def close(self) -> None:
        for idle in self._idle.values():
            for connection in idle:
                connection.close()
        self._idle.clear()

    async def _connect(self, service: Service) -> Connection:
        loop = asyncio.get_running_loop()
        if service.tls and self._tls is None:
            self._tls = ssl.create_default_context()
        try:
            async with asyncio.timeout(service.connect_timeout_s):
                _, connection = await loop.create_connection(
                    Connection, service.host, service.port, ssl=self._tls if service.tls else None
                )
        except TimeoutError:
            raise UpstreamTimeoutError from None
        except socket.gaierror:
            raise UpstreamUnknownError from None
        except OSError as error:
            raise UpstreamRefusedError from error
        with contextlib.suppress(OSError):
            sock = connection.transport.get_extra_info("socket")
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection
