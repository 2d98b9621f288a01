"""What is measured: started here, ended here, whatever happens in between."""

from __future__ import annotations

import json
import os
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from testing.load.children import END_WITHIN_S, running
from testing.load.processes import cpu_s, members, pss_mb

READY_WITHIN_S = 60.0


class StartError(RuntimeError):
    """Something did not start; the message says what it said."""


@dataclass(frozen=True, slots=True)
class System:
    """A running system. `pid` leads a session of its own."""

    name: str
    url: str
    token: str
    pid: int

    def cpu_s(self) -> float:
        """Processor time of the system itself, without the simulators."""
        return cpu_s(self.pid)

    def memory_mb(self) -> dict[str, float]:
        """Megabytes (PSS) of its own process, of those that it started, and of all."""
        own, *others = (pss_mb(pid) for pid in members(self.pid))
        return {"own": own, "children": sum(others), "all": own + sum(others)}


@dataclass(frozen=True, slots=True)
class Upstream:
    """The simulator that both systems ask."""

    url: str
    key: str


@contextmanager
def gateway(state: Path) -> Iterator[tuple[System, Upstream]]:
    """The whole path on simulators, without rate limits, with `state` for its files. Raises StartError."""
    reading, writing = os.pipe()
    command = ["-m", "gateway.cli", "local", "--no-limits", "--port", "0", "--state", str(state)]
    try:
        with running([*command, "--ready-fd", str(writing)], pass_fds=(writing,)) as process:
            os.close(writing)
            ready = _line(reading, "the gateway")
            if "error" in ready:
                raise StartError(f"the gateway did not start: {ready['error']}")
            if "openai" not in ready["simulated"]:
                raise StartError("the gateway does not run on simulators")
            port = urlsplit(ready["url"]).port
            simulated = json.loads((state / "run" / str(port) / "simulators.json").read_text("utf-8"))
            openai = simulated["providers"]["openai"]
            upstream = Upstream(f"{openai['base_url']}/chat/completions", openai["env"]["OPENAI_API_KEY"])
            yield System("portcullis", ready["url"], ready["token"], process.pid), upstream
    finally:
        os.close(reading)


@contextmanager
def pass_through(upstream: Upstream) -> Iterator[System]:
    """uvicorn and aiohttp in front of the same upstream. Raises StartError."""
    with running(
        ["-m", "testing.load.passthrough"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"upstream": upstream.url, "key": upstream.key}).encode())
        process.stdin.close()
        ready = _line(process.stdout.fileno(), "the pass-through")
        yield System("pass-through", ready["url"], "none", process.pid)


def one_model_each(system: System) -> tuple[str, ...]:
    """The first model of every provider, as the gateway lists them, by its full name."""
    address = urlsplit(system.url)
    connection = HTTPConnection(address.netloc, timeout=END_WITHIN_S)
    try:
        connection.request("GET", "/v1/models", headers={"Authorization": f"Bearer {system.token}"})
        listed: list[dict[str, Any]] = json.load(connection.getresponse())["data"]
    finally:
        connection.close()
    first = {row["owned_by"]: row["id"] for row in reversed(listed)}
    return tuple(f"{provider}/{first[provider]}" for provider in dict.fromkeys(r["owned_by"] for r in listed))


def _line(descriptor: int, who: str) -> dict[str, Any]:
    """The line of JSON that a program says once it is ready."""
    said = b""
    while not said.endswith(b"\n"):
        if not select.select([descriptor], [], [], READY_WITHIN_S)[0]:
            raise StartError(f"{who} was not ready within {READY_WITHIN_S:g} s")
        piece = os.read(descriptor, 65536)
        if not piece:
            raise StartError(f"{who} ended before it was ready; what it said stands above")
        said += piece
    ready: dict[str, Any] = json.loads(said)
    return ready
