"""A real Redis for a test: the program `redis-server`, without files, ended with the test."""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator

import pytest


@contextlib.asynccontextmanager
async def redis_running(port: int = 0, *options: str) -> AsyncIterator[int]:
    """The port of an empty Redis. Skips the test where the program is not installed."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    port = port or _free_port()
    process = await asyncio.create_subprocess_exec(
        program,
        *("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", *options),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        await _answering(port)
        yield port
    finally:
        process.terminate()
        async with asyncio.timeout(10):
            await process.wait()


async def command(port: int, *words: str) -> bytes:
    """One command, and the line that answers it."""
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            parts = "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
            writer.write(f"*{len(words)}\r\n{parts}".encode())
            return (await reader.readline()).rstrip()
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def _answering(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(OSError):
                if (await command(port, "PING")).startswith((b"+PONG", b"-NOAUTH")):
                    return
            await asyncio.sleep(0.01)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
