"""Running applications on sockets: several listeners in one event loop, one end for all of them."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import uvicorn

#: Longer than the 60 s for which Kong keeps its connections to us, so that it never writes to a closed one.
KEEP_ALIVE_S = 75
#: Running answers get this long to end after SIGTERM.
GRACE_S = 30


class PortInUse(OSError):
    """The message names the address and says what to do."""


@dataclass(frozen=True, slots=True)
class Listener:
    """An application on a bound socket. Exactly the one with ``lifespan`` opens and closes what it needs."""

    app: Any
    socket: socket.socket
    lifespan: bool = False
    protocol: Any = "httptools"


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 lets the system choose. Raises PortInUse."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(2048)
    except OSError as error:
        bound.close()
        if error.errno in {errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL}:
            raise PortInUse(
                f"cannot listen on {host}:{port}: {error.strerror}; choose another port"
            ) from None
        raise
    bound.setblocking(False)
    return bound


def address(bound: socket.socket) -> str:
    """``http://host:port`` of a bound socket."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """A server among several: signals are for all of them and so are caught outside."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


async def serve(listeners: Sequence[Listener], on_ready: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM or SIGINT, then let running answers end. ``on_ready`` runs once all accept.

    Raises RuntimeError when an application does not start.
    """
    servers = [_Server(_config(listener)) for listener in listeners]

    def stop() -> None:
        for server in servers:
            server.force_exit = server.should_exit
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    tasks = [
        asyncio.create_task(server.serve(sockets=[listener.socket]))
        for server, listener in zip(servers, listeners, strict=True)
    ]
    try:
        await _started(servers, tasks)
        if not any(server.should_exit for server in servers):
            on_ready()
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)


async def _started(servers: Sequence[_Server], tasks: Sequence[asyncio.Task[None]]) -> None:
    while not all(server.started for server in servers):
        if any(task.done() for task in tasks):
            raise RuntimeError("an application did not start; the log says why")
        await asyncio.sleep(0.01)


def _config(listener: Listener) -> uvicorn.Config:
    return uvicorn.Config(
        listener.app,
        loop="uvloop",
        http=listener.protocol,
        ws="none",
        lifespan="on" if listener.lifespan else "off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
