"""A plugin server as its own process, and Kong's end of its socket."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgpack

ROOT = Path(__file__).resolve().parents[2]
SOCKET = "python_pluginserver.sock"
DEADLINE_S = 20.0


def packed(message: Any) -> bytes:
    data: bytes = msgpack.packb(message, unicode_errors="surrogateescape")
    return data


class Closed(Exception):
    """The plugin server closed the connection."""


class Refused(Exception):
    """An error as the answer."""


@dataclass
class Ran:
    """One event as Kong saw it: the calls, and how it ended ("ret", or the arguments of the exit)."""

    calls: list[tuple[str, list[Any]]] = field(default_factory=list)
    end: Any = None

    @property
    def status(self) -> int | None:
        """What Kong answers itself; None if the request goes on."""
        return None if self.end == "ret" else self.end[0]

    @property
    def logged(self) -> str:
        return "\n".join(str(args[0]) for name, args in self.calls if name == "kong.log.err")


class KongSide:
    """Kong's end: asks, and answers the PDK calls that come as results."""

    def __init__(self, path: Path, timeout: float = DEADLINE_S) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(os.fspath(path))
        self._unpacker = msgpack.Unpacker(
            strict_map_key=False, unicode_errors="surrogateescape", max_buffer_size=1 << 27
        )
        self.number = 0

    def __enter__(self) -> KongSide:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, method: str, argument: Any) -> None:
        self.number += 1
        self.socket.sendall(packed([0, self.number, f"plugin.{method}", [argument]]))

    def receive_frame(self) -> Any:
        while True:
            for frame in self._unpacker:
                return frame
            data = self._received()
            self._unpacker.feed(data)

    def _received(self) -> bytes:
        try:
            data = self.socket.recv(1 << 20)
        except ConnectionError:
            raise Closed from None
        if not data:
            raise Closed
        return data

    def receive(self) -> Any:
        kind, answered, error, result = self.receive_frame()
        assert (kind, answered) == (1, self.number), "an answer to another request"
        if error is not None:
            raise Refused(error)
        return result

    def ask(self, method: str, argument: Any) -> Any:
        try:
            self.send(method, argument)
        except ConnectionError:
            raise Closed from None
        return self.receive()

    def start(self, name: str, /, **config: Any) -> int:
        config |= {"__seq__": 2, "__plugin_id": "100aa0c8", "route_id": "f3ef8bde"}
        number: int = self.ask("StartInstance", {"Name": name, "Config": json.dumps(config)})["Id"]
        return number

    def begin(self, instance: int, phase: str = "access") -> Any:
        return self.ask("HandleEvent", {"InstanceId": instance, "EventName": phase})

    def step(self, event: Any, data: Any = None, method: str = "Step") -> Any:
        argument = {"EventId": event} if data is None else {"Data": data, "EventId": event}
        return self.ask(method, argument)

    def event(self, instance: int, answers: dict[str, Any] | None = None, phase: str = "access") -> Ran:
        """A whole event, as Kong's bridge_loop goes through it."""
        ran = Ran()
        result = self.begin(instance, phase)
        while result["Data"] != "ret":
            name, args = result["Data"]["Method"], result["Data"]["Args"]
            ran.calls.append((name, args))
            if name in ("kong.response.exit", "kong.response.error"):
                ran.end = args
                return ran
            result = self.step(result["EventId"], (answers or {}).get(name))
        ran.end = "ret"
        return ran


@dataclass
class Running:
    """A server process."""

    process: subprocess.Popen[str]
    path: Path
    log: Path
    sides: list[KongSide] = field(default_factory=list)

    def connect(self, timeout: float = DEADLINE_S) -> KongSide:
        """Closed with the server at the latest."""
        self.sides.append(KongSide(self.path, timeout))
        return self.sides[-1]

    def workers(self) -> list[int]:
        return children(self.process.pid)

    def rss_kb(self) -> int:
        return sum(rss_kb(pid) for pid in [self.process.pid, *self.workers()])

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE_S)


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def rss_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def replaced(server: Running, worker: int) -> bool:
    """Another worker runs in the place of that one."""
    return server.workers() not in ([], [worker])


def command(*flags: str) -> list[str]:
    return [sys.executable, "-m", "pluginserver", *flags]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


def until(what: Callable[[], Any], why: str, seconds: float = DEADLINE_S) -> Any:
    """Wait for something to be true; its value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = what()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"{why}: not within {seconds} s")


def answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(os.fspath(path)) == 0


@contextlib.contextmanager
def running(folder: Path, prefix: Path, *flags: str) -> Iterator[Running]:
    log = prefix / "server.log"
    with log.open("a") as output:
        process = subprocess.Popen(
            command("-p", str(prefix), "-d", str(folder), *flags),
            stdout=output,
            stderr=output,
            text=True,
            env=environment(),
        )
    server = Running(process, prefix / SOCKET, log)
    try:
        path = prefix / SOCKET
        until(lambda: answers(path) or process.poll() is not None, "the server answers")
        assert process.poll() is None, log.read_text()
        until(server.workers, "a worker runs")
        yield server
    finally:
        for side in server.sides:
            side.socket.close()
        process.kill()
        process.wait(DEADLINE_S)
