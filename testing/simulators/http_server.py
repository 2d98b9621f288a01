"""HTTP/1.1 on asyncio and httptools: every byte in is recorded, every byte out is chosen."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import cast

import httptools

from testing.simulators.messages import Request, Response
from testing.simulators.recorder import Exchange, Recorder
from testing.simulators.script import Break, Hang, Pause, Send, Step

Answer = tuple[Response, list[Step]]
Handler = Callable[[Request, Exchange], Awaitable[Answer]]

MAX_BODY = 64 * 1024 * 1024
"""Bytes of a request body; a larger one is a 413."""
LONGEST_HANG = 900.0
"""Seconds after which even a hung answer is given up."""
_WRITE_SIZE = 64 * 1024


class Listener:
    """One port on 127.0.0.1, which stays bound while connections are refused, so that nobody else gets it."""

    def __init__(self, handler: Handler, recorder: Recorder, port: int = 0) -> None:
        self.handler = handler
        self.recorder = recorder
        self.connections: set[Connection] = set()
        self._holder = bound_socket(port)
        self._server: asyncio.Server | None = None
        self.port: int = self._holder.getsockname()[1]

    async def start(self) -> None:
        """Accept connections."""
        loop = asyncio.get_running_loop()
        listening = bound_socket(self.port)
        self._server = await loop.create_server(lambda: Connection(self), sock=listening, backlog=1024)

    async def refuse(self) -> None:
        """Drop every connection and refuse new ones until `accept`."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for connection in tuple(self.connections):
            connection.abort()

    async def accept(self) -> None:
        """Accept connections again after `refuse`."""
        if self._server is None:
            await self.start()

    async def stop(self) -> None:
        """Close everything at once."""
        await self.refuse()
        self._holder.close()


class Connection(asyncio.Protocol):
    """One client connection: requests are answered one after the other, in their order."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._recorder = listener.recorder
        self._parser = httptools.HttpRequestParser(self)
        self._exchange: Exchange | None = None
        self._waiting: deque[tuple[Request, Exchange, bool]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._writable: asyncio.Event | None = None

    # what the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._listener.connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._exchange is None or self._exchange.complete:
            self._exchange = self._recorder.begin()
        self._recorder.add(self._exchange, data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # the request itself is complete; what would come after an upgrade is none of ours
        except httptools.HttpParserError:
            self._refuse_bytes(400)

    def connection_lost(self, exc: Exception | None) -> None:
        self._listener.connections.discard(self)
        if self._task is not None:
            self._task.cancel()
        left = [exchange for _, exchange, _ in self._waiting]
        if self._exchange is not None and not self._exchange.complete:
            left.append(self._exchange)
        for exchange in left:
            exchange.ended = exchange.ended or "client left"
        if self._writable is not None:
            self._writable.set()

    def pause_writing(self) -> None:
        self._writable = asyncio.Event()

    def resume_writing(self) -> None:
        if self._writable is not None:
            self._writable.set()
            self._writable = None

    def abort(self) -> None:
        """Drop the connection at once."""
        self._transport.abort()

    # what the parser tells

    def on_message_begin(self) -> None:
        self._target = bytearray()
        self._headers: list[tuple[str, str]] = []
        self._body = bytearray()
        if self._exchange is not None and self._exchange.complete:  # pipelined behind another request
            self._exchange = self._recorder.begin()

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        if any(name.lower() == "expect" and value.lower() == "100-continue" for name, value in self._headers):
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > MAX_BODY:
            self._refuse_bytes(413)

    def on_message_complete(self) -> None:
        assert self._exchange is not None
        method, target = self._parser.get_method().decode(), self._target.decode("latin-1")
        request = Request(self._exchange.number, method, target, tuple(self._headers), bytes(self._body))
        self._body = bytearray()
        self._recorder.arrived(self._exchange, method, target, request.headers)
        self._waiting.append((request, self._exchange, self._parser.should_keep_alive()))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._serve())

    # what goes out

    async def _serve(self) -> None:
        while self._waiting:
            request, exchange, keep = self._waiting.popleft()
            try:
                response, steps = await self._listener.handler(request, exchange)
                exchange.status = response.status
                await self._play(request, exchange, response, steps, keep)
            except asyncio.CancelledError:
                exchange.ended = exchange.ended or "client left"
                raise
            except Exception:
                self.abort()  # a defect of ours must not leave the client waiting
                raise
            exchange.ended = exchange.ended or "answered"
            if not keep:
                self._transport.close()
                return
        self._task = None

    async def _play(
        self, request: Request, exchange: Exchange, response: Response, steps: list[Step], keep: bool
    ) -> None:
        chunked = response.pieces is not None
        out = (
            bytearray(_head(response, keep)) if steps and isinstance(steps[0], Send | Break) else bytearray()
        )
        begun = bool(out)
        for step in steps:
            match step:
                case Send(data) if begun:
                    out += _chunk(data) if chunked else data
                case Send(data):
                    begun = True
                    out += _head(response, keep) + (_chunk(data) if chunked else data)
                case Pause(seconds):
                    await self._flush(out)
                    await asyncio.sleep(seconds)
                case Hang():
                    await self._flush(out)
                    await asyncio.sleep(LONGEST_HANG)
                    self.abort()
                    return
                case Break(data, reset):
                    await self._break(out, _chunk(data) if chunked else data, reset, exchange)
                    return
            if len(out) > _WRITE_SIZE:
                await self._flush(out)
        if request.method == "HEAD":
            del out[out.find(b"\r\n\r\n") + 4 :]
        elif chunked:
            out += b"0\r\n\r\n"
        await self._flush(out)

    async def _break(self, out: bytearray, framed: bytes, reset: bool, exchange: Exchange) -> None:
        out += framed[: max(1, len(framed) // 2)]
        await self._flush(out)
        await asyncio.sleep(0.02)  # else the kernel may throw away with the RST what it has not yet delivered
        exchange.ended = "reset" if reset else "cut"
        if reset:
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.abort()
        else:
            self._transport.close()

    async def _flush(self, out: bytearray) -> None:
        if out:
            self._transport.write(bytes(out))
            out.clear()
        if self._writable is not None:
            await self._writable.wait()

    def _refuse_bytes(self, status: int) -> None:
        """Answer bytes that are no request (or too large a one), and hang up."""
        if self._exchange is not None:
            self._exchange.complete, self._exchange.status, self._exchange.ended = True, status, "answered"
        self._transport.write(_head(Response(status), keep=False))
        self._transport.close()


def check_free(port: int) -> None:
    """OSError if anybody listens on the port (which `bound_socket` would share)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


def bound_socket(port: int) -> socket.socket:
    """A socket bound to 127.0.0.1 and `port` (0: any), not listening; several may share a port."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    bound.setblocking(False)
    return bound


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def _head(response: Response, keep: bool) -> bytes:
    lines = [f"HTTP/1.1 {response.status} {_reason(response.status)}", f"date: {formatdate(usegmt=True)}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    lines.append(
        "transfer-encoding: chunked"
        if response.pieces is not None
        else f"content-length: {len(response.body)}"
    )
    if not keep:
        lines.append("connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Site is overloaded" if status == 529 else "Unknown"
