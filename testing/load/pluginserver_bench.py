"""How fast a plugin server is, over its socket: ours beside kong-pdk's two modes, interleaved, in one run.

    python testing/load/pluginserver_bench.py [--seconds 3] [--rounds 5] [--connections 16] [--json]

An event is what Kong asks for one request: HandleEvent, then the answers to three PDK calls (headers, a body
of 2 kB, the headers to set). A connection carries one event after another. Ends with status 1 if ours is less
than 4 times the stock server's default mode, or slower than its gevent mode.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgpack

ROOT = Path(__file__).resolve().parents[2]
STOCK = Path(sys.executable).with_name("kong-python-pluginserver")
SOCKET = "python_pluginserver.sock"
START_DEADLINE_S = 20.0

PLUGIN = """
import hashlib

version = "0.1.0"
priority = 905
Schema = ()


class Plugin:
    def __init__(self, config):
        self.config = config

    def access(self, kong):
        headers = kong.request.get_headers(1000)
        body = kong.request.get_raw_body(20_000_000)
        digest = hashlib.sha256(body).hexdigest()
        kong.service.request.set_headers({"X-Digest": digest, "X-Headers": str(len(headers))})
"""
HEADERS = {
    "host": ["gateway.example"],
    "content-type": ["application/json"],
    "content-length": ["2048"],
    "authorization": ["Bearer " + "x" * 300],
    "user-agent": ["OpenAI/Python 1.99.0"],
    "accept": ["application/json"],
    "x-consumer-id": ["b32379d9-3d28-5683-a79c-72139be6e34f"],
    "x-consumer-username": ["acme"],
    "x-credential-identifier": ["acme-key"],
    "x-gateway-target": ["POST /v1/chat/completions"],
}
BODY = bytes(range(256)) * 8


@dataclass(frozen=True)
class Server:
    name: str
    command: tuple[str, ...]


SERVERS = (
    Server("ours", (sys.executable, "-m", "pluginserver")),
    Server("stock, threads", (str(STOCK),)),
    Server("stock, gevent", (str(STOCK), "--gevent")),
)


def packed(value: Any) -> bytes:
    data: bytes = msgpack.packb(value)
    return data


class Client:
    """One connection of Kong's, as lean as Python allows, so that the server is what is measured."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(os.fspath(path))
        self.unpacker = msgpack.Unpacker(strict_map_key=False)
        self.number = 0
        self.started = 0.0
        self.latencies: list[float] = []

    def ask(self, method: str, argument: Any) -> Any:
        """Ask and wait, for what is not measured."""
        self.send(method, packed(argument))
        while (answer := self.receive()) is None:
            pass
        return answer

    def begin(self, instance: bytes) -> None:
        self.started = time.perf_counter()
        self.send("plugin.HandleEvent", instance)

    def send(self, method: str, argument: bytes) -> None:
        self.number += 1
        head = b"\x94\x00" + packed(self.number) + packed(method) + b"\x91"
        self.socket.sendall(head + argument)

    def receive(self) -> Any:
        """The next result, if it is all there."""
        data = self.socket.recv(65536)
        if not data:
            raise SystemExit("the server closed the connection")
        self.unpacker.feed(data)
        for kind, number, error, result in self.unpacker:
            if (kind, number) != (1, self.number) or error is not None:
                raise SystemExit(f"unexpected answer {kind} {number}: {error}")
            return result
        return None


PACKED_HEADERS, PACKED_BODY = packed(HEADERS), packed(BODY)


def proceed(client: Client) -> bool:
    """Answer the server's call; True if that was the end of the event."""
    result = client.receive()
    if result is None:
        return False
    data = result["Data"]
    if data == "ret":
        client.latencies.append(time.perf_counter() - client.started)
        return True
    event, method = b"\xa7EventId" + packed(result["EventId"]), data["Method"]
    if method == "kong.request.get_headers":
        client.send("plugin.StepMultiMap", b"\x82\xa4Data" + PACKED_HEADERS + event)
    elif method == "kong.request.get_raw_body":
        client.send("plugin.Step", b"\x82\xa4Data" + PACKED_BODY + event)
    else:
        client.send("plugin.Step", b"\x81" + event)
    return False


@dataclass(frozen=True)
class Measured:
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    """What the server's processes computed for one event. Steadier than the rate on a machine that others
    use."""


def cpu_seconds(pid: int) -> float:
    """Of the process and its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(cpu_seconds(int(child)) for child in children)


def drive(path: Path, pid: int, connections: int, seconds: float) -> Measured:
    clients = [Client(path) for _ in range(connections)]
    started = clients[0].ask("plugin.StartInstance", {"Name": "bench", "Config": "{}"})
    instance = packed({"InstanceId": started["Id"], "EventName": "access"})
    poller = select.epoll()
    by_fd = {client.socket.fileno(): client for client in clients}
    for client in clients:
        poller.register(client.socket.fileno(), select.EPOLLIN)
        client.begin(instance)
    began, computed = time.perf_counter(), cpu_seconds(pid)
    until = began + seconds
    while time.perf_counter() < until:
        for fd, _ in poller.poll(5.0):
            client = by_fd[fd]
            if proceed(client):
                client.begin(instance)
    took, computed = time.perf_counter() - began, cpu_seconds(pid) - computed
    latencies = sorted(latency for client in clients for latency in client.latencies)
    for client in clients:
        client.socket.close()
    if not latencies:
        raise SystemExit("no event was completed")
    count = len(latencies)
    p50, p99 = latencies[count // 2], latencies[int(count * 0.99)]
    return Measured(count / took, p50 * 1000, p99 * 1000, computed / count * 1e6)


@contextlib.contextmanager
def running(server: Server, folder: Path) -> Iterator[tuple[Path, int]]:
    """The server: where it answers, and its process."""
    prefix = Path(tempfile.mkdtemp(dir=folder))
    plugins = prefix / "plugins"
    plugins.mkdir()
    (plugins / "bench.py").write_text(PLUGIN)
    process = subprocess.Popen(
        [*server.command, "-p", str(prefix), "-d", str(plugins), "--no-lua-style"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(ROOT / "kong-plugins")},
    )
    try:
        wait_for(prefix / SOCKET, process)
        yield prefix / SOCKET, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < until and process.poll() is None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            if probe.connect_ex(os.fspath(path)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"{' '.join(map(str, process.args))}: does not answer")  # type: ignore[arg-type]


def measure(seconds: float, rounds: int, connections: int) -> dict[str, list[Measured]]:
    """Each server once a round, one after the other, so that what else the machine does hits all alike."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as servers:
        paths = {server.name: servers.enter_context(running(server, Path(folder))) for server in SERVERS}
        for path, pid in paths.values():
            drive(path, pid, connections, min(seconds, 0.5))
        runs: dict[str, list[Measured]] = {name: [] for name in paths}
        for _ in range(rounds):
            for name, (path, pid) in paths.items():
                runs[name].append(drive(path, pid, connections, seconds))
        return runs


def main() -> int:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--seconds", type=float, default=3.0)
    flags.add_argument("--rounds", type=int, default=5)
    flags.add_argument("--connections", type=int, default=16)
    flags.add_argument("--json", action="store_true")
    given = flags.parse_args()
    runs = measure(given.seconds, given.rounds, given.connections)
    medians = {name: statistics.median(run.rate for run in each) for name, each in runs.items()}
    ratios = {name: medians["ours"] / rate for name, rate in medians.items()}
    computed = {name: statistics.median(run.cpu_us for run in each) for name, each in runs.items()}
    if given.json:
        figures = {"events_per_second": medians, "ours_is_times": ratios, "cpu_us_per_event": computed}
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        for name, each in runs.items():
            p50, p99 = (statistics.median(getattr(run, key) for run in each) for key in ("p50_ms", "p99_ms"))
            print(
                f"{name:15} {medians[name]:8.0f} events/s   p50 {p50:6.2f} ms   p99 {p99:6.2f} ms   "
                f"{computed[name]:4.0f} us of processor   "
                f"ours is {ratios[name]:5.2f} times this   {[round(run.rate) for run in each]}"
            )
    return 0 if ratios["stock, threads"] >= 4 and ratios["stock, gevent"] >= 1 else 1


if __name__ == "__main__":
    sys.exit(main())
