"""The upstreams of the recordings: a raw echo server, and addresses that fail each in its way."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

Pairs = list[list[str]]

_OWN_HEADERS: dict[str, Pairs] = {
    "/__own-cors": [["Access-Control-Allow-Origin", "https://upstream.example"], ["Vary", "Accept-Encoding"]],
    "/__own-rl": [["RateLimit-Limit", "999"], ["X-RateLimit-Remaining-Minute", "999"]],
    "/__hop": [
        ["Connection", "keep-alive, X-Hop"],
        ["X-Hop", "1"],
        ["Keep-Alive", "timeout=5"],
        ["Proxy-Authenticate", "Basic"],
        ["Trailer", "X-T"],
        ["Upgrade", "h2c"],
        ["Server", "upstream/1"],
        ["Via", "1.1 up"],
        ["X-Powered-By", "echo"],
    ],
}


@dataclass(slots=True)
class Received:
    """A request as its bytes came."""

    request_line: str
    headers: Pairs
    body: str


@dataclass(slots=True)
class Upstreams:
    """Ports by the port that the recordings use, and what the echo server has received."""

    ports: dict[int, int] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)

    async def echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await _read_request(reader)
            self.received.append(request)
            writer.write(_answer(request))
            await writer.drain()


async def _read_request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rows = head[:-4].split("\r\n")
    headers = [row.split(": ", 1) if ": " in row else [row.rstrip(":"), ""] for row in rows]
    lengths = [int(value) for name, value in headers if name.lower() == "content-length"]
    body = await reader.readexactly(lengths[0]) if lengths else b""
    return Received(line, headers, body.decode("latin-1"))


def _answer(request: Received) -> bytes:
    method, path, _ = request.request_line.split(" ")
    saw = f'{{"upstream_saw": {json.dumps(request.request_line)}}}'
    status = f"{path.removeprefix('/__status/')} X" if path.startswith("/__status/") else "200 OK"
    body = "" if method == "HEAD" else saw
    fields = [
        ["Content-Type", "application/json"],
        ["Content-Length", str(len(body))],
        *_OWN_HEADERS.get(path, []),
    ]
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {status}\r\n{head}\r\n{body}".encode("latin-1")


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def listening(handler: Handler, port: int = 0) -> AsyncIterator[int]:
    """A server on that port, or a free one; at the end its connections are closed and its handlers done."""
    open_now: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_now[task] = writer
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await handler(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            del open_now[task]

    server = await asyncio.start_server(handle, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in open_now.values():
            writer.close()
        async with asyncio.timeout(5):
            await asyncio.gather(*open_now, return_exceptions=True)


@contextlib.asynccontextmanager
async def running(*, fixed: bool = False) -> AsyncIterator[Upstreams]:
    """All of them, on free ports, or on those of the recordings."""
    upstreams = Upstreams()
    handlers: dict[int, Handler] = {
        19000: upstreams.echo,
        19002: _never_answer,
        19003: _close,
        19004: _garbage,
    }
    async with contextlib.AsyncExitStack() as stack:
        for port, handler in handlers.items():
            taken = await stack.enter_async_context(listening(handler, port if fixed else 0))
            upstreams.ports[port] = taken
        # 16380 is where the recordings look for a Redis that is down.
        for port, holding in ((19001, _bound), (19005, _full), (16380, _bound)):
            held = stack.enter_context(holding(port if fixed else 0))
            upstreams.ports[port] = held.getsockname()[1]
        yield upstreams


async def _never_answer(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    while await reader.read(65536):
        pass


async def _close(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def _garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"garbage\r\n\r\n")


@contextlib.contextmanager
def _bound(port: int) -> Iterator[socket.socket]:
    """A port that is taken and refuses."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        yield taken


@contextlib.contextmanager
def _full(port: int) -> Iterator[socket.socket]:
    """A port whose backlog is full: a connection to it is neither made nor refused."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener
