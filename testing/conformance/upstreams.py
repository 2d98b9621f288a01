"""The upstreams of the recordings: a raw echo server, and addresses that fail each in its way."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
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
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = await _read_request(reader)
                self.received.append(request)
                writer.write(_answer(request))
                await writer.drain()
        writer.close()


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


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[Upstreams]:
    """All of them, on free ports."""
    upstreams = Upstreams()
    async with contextlib.AsyncExitStack() as stack:
        for port, handler in (
            (19000, upstreams.echo),
            (19002, _never_answer),
            (19003, _close),
            (19004, _garbage),
        ):
            server = await asyncio.start_server(handler, "127.0.0.1", 0)
            stack.push_async_callback(_stop, server)
            upstreams.ports[port] = server.sockets[0].getsockname()[1]
        upstreams.ports[19001] = stack.enter_context(_bound()).getsockname()[1]
        upstreams.ports[19005] = stack.enter_context(_full()).getsockname()[1]
        yield upstreams


async def _stop(server: asyncio.Server) -> None:
    server.close()


async def _never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while await reader.read(65536):
            pass
    writer.close()


async def _close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def _garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        await reader.readuntil(b"\r\n\r\n")
    writer.write(b"garbage\r\n\r\n")
    writer.close()


@contextlib.contextmanager
def _bound():  # type: ignore[no-untyped-def]
    """A port that is taken and refuses."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken


@contextlib.contextmanager
def _full():  # type: ignore[no-untyped-def]
    """A port whose backlog is full: a connection to it is neither made nor refused."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener
