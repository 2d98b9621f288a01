"""A forward proxy that tunnels: small, real, and told what to say to whom."""

from __future__ import annotations

import asyncio
import contextlib
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

ACCOUNT = ("gate", "s3cret:pass@word")


@dataclass
class ConnectProxy:
    """`routes` are the names it knows, as ``host:port``, with the local port behind each.

    `refusals` are the statuses for some of them. `asked` is who was wished for, in order.
    """

    routes: Mapping[str, int]
    refusals: Mapping[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError), contextlib.closing(writer):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, target, _ = head.split(" ", 2)
            status = self._verdict(method, target, head)
            if status != 200:
                writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 4\r\n\r\nword".encode())
                await writer.drain()
                return
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.routes[target])
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await tunnel(reader, writer, far_reader, far_writer)

    def _verdict(self, method: str, target: str, head: str) -> int:
        self.asked.append(target)
        account = b64encode(":".join(ACCOUNT).encode()).decode()
        if f"proxy-authorization: basic {account}".lower() not in head.lower():
            return 407
        if method != "CONNECT":
            return 405
        return self.refusals.get(target, 200 if target in self.routes else 403)


@asynccontextmanager
async def listening(proxy: ConnectProxy) -> AsyncIterator[ConnectProxy]:
    """The proxy on a port of its own, until the block ends."""
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()


async def tunnel(
    near: asyncio.StreamReader,
    near_writer: asyncio.StreamWriter,
    far: asyncio.StreamReader,
    far_writer: asyncio.StreamWriter,
) -> None:
    """Bytes both ways until one side ends."""
    with contextlib.closing(near_writer), contextlib.closing(far_writer):
        pumps = [asyncio.create_task(_pump(near, far_writer)), asyncio.create_task(_pump(far, near_writer))]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65536):
        writer.write(piece)
        await writer.drain()
