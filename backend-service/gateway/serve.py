"""Running applications on sockets: several listeners in one event loop, and one end for all of them."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
import ssl
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
import uvicorn

from gateway.lifecycle import Lifecycle

#: Longer than the 60 s for which Kong keeps its connections to us, so that it never writes to a closed one.
KEEP_ALIVE_S = 75


class PortInUse(OSError):
    """The message names the address and says what to do."""


@dataclass(frozen=True, slots=True)
class Listener:
    """An application on a bound socket. Exactly the one with ``lifespan`` opens and closes what it needs."""

    app: Any
    socket: socket.socket
    lifespan: bool = False
    protocol: Any = "httptools"
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Drain:
    """How a process ends. Seconds.

    For ``delay_s`` it goes on as before, but says everywhere that it is going to end, so that whoever sends
    requests stops. From then on it takes none, and what runs has ``grace_s`` to end.
    """

    delay_s: float = 0
    grace_s: float = 30


AT_ONCE = Drain()


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

    def end(self, *, now: bool = False) -> None:
        self.force_exit = self.force_exit or now
        self.should_exit = True


async def serve(
    listeners: Sequence[Listener],
    on_ready: Callable[[], None] = lambda: None,
    *,
    lifecycle: Lifecycle,
    drain: Drain = AT_ONCE,
) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second one ends at once. ``on_ready``: all accept.

    The listeners end one after the other, in the given order: whom others answer through comes after them.
    Raises RuntimeError when an application does not start.
    """
    servers = [_Server(_config(listener, drain)) for listener in listeners]
    asked, hurried = asyncio.Event(), asyncio.Event()

    def stop() -> None:
        if asked.is_set():
            hurried.set()
            for server in servers:
                server.end(now=True)
        asked.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    tasks = [
        asyncio.create_task(server.serve(sockets=[listener.socket]))
        for server, listener in zip(servers, listeners, strict=True)
    ]
    try:
        await _started(servers, tasks)
        if not asked.is_set():
            on_ready()
        await _any_of(asked.wait(), *tasks)
        lifecycle.drain()
        structlog.get_logger("gateway.serve").info("draining", delay_s=drain.delay_s, grace_s=drain.grace_s)
        if asked.is_set():
            await _any_of(hurried.wait(), *tasks, within_s=drain.delay_s)
        for server, task in zip(servers, tasks, strict=True):
            server.end()
            await asyncio.wait({task})
    finally:
        for server in servers:
            server.end()
        await asyncio.gather(*tasks)


async def _started(servers: Sequence[_Server], tasks: Sequence[asyncio.Task[None]]) -> None:
    while not all(server.started for server in servers):
        if any(task.done() for task in tasks):
            raise RuntimeError("an application did not start; the log says why")
        await asyncio.sleep(0.01)


async def _any_of(event: Any, *tasks: asyncio.Task[None], within_s: float | None = None) -> None:
    """Returns when ``event`` has come or a task has ended, and after ``within_s`` seconds at the latest."""
    waiting = asyncio.ensure_future(event)
    try:
        await asyncio.wait({waiting, *tasks}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


def _config(listener: Listener, drain: Drain) -> uvicorn.Config:
    tls = listener.tls
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
        # uvicorn says int, and counts any number.
        timeout_graceful_shutdown=drain.grace_s,  # type: ignore[arg-type]
        ssl_context_factory=(lambda *_: tls) if tls else None,
    )
