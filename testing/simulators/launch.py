"""Start the simulators as a process, for tests and tools, and talk to their control endpoint."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN = 20.0
"""Seconds until the line with the addresses must have come."""
END_WITHIN = 5.0


class Simulators:
    """Running simulators. Every call is blocking and short, with a deadline."""

    def __init__(self, addresses: dict[str, Any], process: subprocess.Popen[bytes]) -> None:
        self.addresses = addresses
        self.process = process

    def base_url(self, name: str) -> str:
        """What a client of that provider is given as its base URL (the gRPC one: host and port)."""
        return str(self.addresses["providers"][name]["base_url"])

    def env(self, name: str) -> dict[str, str]:
        """What a client of that provider reads from its environment."""
        return dict(self.addresses["providers"][name]["env"])

    def recordings(self, name: str) -> dict[str, Any]:
        """{"dropped": n, "exchanges": [...]} of a simulator, with `raw` and `body` as bytes."""
        found: dict[str, Any] = self.control("GET", f"/recordings/{name}")[name]
        for exchange in found["exchanges"]:
            for key in ("raw", "body"):
                exchange[key] = b64decode(exchange[key])
        return found

    def exchange(self, name: str, until: Callable[[dict[str, Any]], Any] = lambda each: each["ended"]) -> Any:
        """The last exchange of a simulator, as soon as `until` holds for it (by default: once it ended)."""
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            exchanges = self.recordings(name)["exchanges"]
            if exchanges and until(exchanges[-1]):
                return exchanges[-1]
            time.sleep(0.005)
        raise TimeoutError(f"no such exchange at {name} within {READY_WITHIN} s")

    def fault(self, name: str, fault: str, **options: Any) -> None:
        """Replace the faults of a simulator by this one."""
        self.control("PUT", f"/faults/{name}", {"fault": fault, **options})

    def reset(self) -> None:
        """No faults, no recordings."""
        self.control("DELETE", "/faults")
        self.control("DELETE", "/recordings")

    def control(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """A call of the control endpoint; ValueError if it refuses."""
        connection = HTTPConnection(str(urlsplit(self.addresses["control"]).netloc), timeout=READY_WITHIN)
        try:
            connection.request(method, path, None if body is None else json.dumps(body).encode())
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise ValueError(answer["error"])
        return answer


@contextmanager
def running(state: Path, *options: str) -> Iterator[Simulators]:
    """The simulators with these options of the command line, until the block ends."""
    command = [sys.executable, "-m", "testing.simulators", "--state", str(state), *options]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            if not select.select([process.stdout], [], [], READY_WITHIN)[0]:
                raise TimeoutError(f"the simulators were not ready within {READY_WITHIN} s")
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"the simulators ended with {process.wait(END_WITHIN)}")
            yield Simulators(json.loads(line), process)
        finally:
            process.terminate()
            try:
                process.wait(END_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
