"""Backends of one gateway behind one edge, each of which can be ended and started again."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from gateway.kong_config import KONG_YAML, read_consumers, read_yaml, render
from testing.certificates import Authority
from testing.e2e.prepared import REPOSITORY, Prepared, prepare
from testing.e2e.under_test import Gateway
from testing.processes import answers, free_ports, until
from testing.simulators.launch import running as simulators_running
from testing.stack import KongCommand, backend, embedded_edge

NAME = "portcullis-backend.test"
"""Of the backends' certificate. Kong never takes an address for a name."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is started. Without a `kong` it is the embedded edge; `pace_ms` is between two words of a stream.

    `checks_s` are the intervals of the edge's health checks, where they are not those of kong.yaml.
    """

    pace_ms: int
    drain_delay_s: float
    checks_s: int | None = None
    backends: int = 2
    tls: bool = False
    kong: KongCommand | None = None


@dataclass
class Member:
    """A backend and where it is; `process` is the last one that was started there."""

    port: int
    management_port: int
    log: Path
    process: subprocess.Popen[bytes]
    stack: ExitStack = field(default_factory=ExitStack)

    @property
    def answered(self) -> int:
        """Completions, by its log: those that it ended well."""
        return self.log.read_bytes().count(b'"route":"/v1/chat/completions","status":200,"outcome":"ok"')

    @property
    def last_asked(self) -> float:
        """When the last completion that it ended had begun, in epoch seconds."""
        lines = [line for line in self.log.read_bytes().splitlines() if b"/v1/chat/completions" in line]
        return max(_begun(json.loads(line)) for line in lines)


class Fleet:
    """A gateway whose parts are processes."""

    def __init__(self, plan: Plan, folder: Path, stack: ExitStack) -> None:
        self.plan = plan
        self._folder = folder
        self._prepared: Prepared = prepare(folder / "state")
        simulators = stack.enter_context(
            simulators_running(folder / "simulators", "--pace", str(plan.pace_ms), "--record-bytes", "100000")
        )
        self._addresses = folder / "simulators.json"
        self._addresses.write_text(json.dumps(simulators.addresses), encoding="utf-8")
        self.authority = Authority(folder)
        if plan.tls:
            self.renew_certificate()
        proxy, self._admin, *ports = free_ports(2 + 2 * plan.backends)
        self._settings = {"PORTCULLIS_DRAIN_DELAY_S": str(plan.drain_delay_s)} | (
            {
                "PORTCULLIS_TLS_CERT_FILE": str(folder / "tls.crt"),
                "PORTCULLIS_TLS_KEY_FILE": str(folder / "tls.key"),
            }
            if plan.tls
            else {}
        )
        self.members = [
            self._started(number, port, management_port, stack)
            for number, (port, management_port) in enumerate(_pairs(ports))
        ]
        self.gateway = Gateway(f"http://127.0.0.1:{proxy}", consumers=self._prepared.consumers)
        self.prefix = folder / "kong"
        self.edge = self._edge(self._config(), proxy, stack)
        self._wait_for_the_edge()

    def _started(self, number: int, port: int, management_port: int, stack: ExitStack) -> Member:
        log = self._folder / f"backend-{number}.log"
        own = stack.enter_context(ExitStack())
        process = own.enter_context(self._backend(log, port, management_port))
        return Member(port, management_port, log, process, own)

    def _backend(self, log: Path, port: int, management_port: int) -> Any:
        return backend(self._prepared, self._addresses, log, port, management_port, **self._settings)

    def _config(self) -> Path:
        scheme, host = ("https", NAME) if self.plan.tls else ("http", "127.0.0.1")
        document = render(
            read_yaml(REPOSITORY / KONG_YAML),
            consumers=read_consumers(self._prepared.consumers),
            service_url=f"{scheme}://{host}:{self.members[0].port}",
            tag_keys_file=str(self._prepared.tag_keys),
            limits=False,
            service_ca=self.authority.file.read_text(encoding="utf-8") if self.plan.tls else None,
        )
        [upstream] = document["upstreams"]
        upstream["targets"] = [{"target": f"127.0.0.1:{member.port}"} for member in self.members]
        if self.plan.tls:
            upstream["host_header"] = NAME
        if self.plan.checks_s:
            for state in ("healthy", "unhealthy"):
                upstream["healthchecks"]["active"][state]["interval"] = self.plan.checks_s
        file = self._folder / "kong.yaml"
        file.write_text(yaml.safe_dump(document), encoding="utf-8")
        return file

    def _edge(self, config: Path, proxy: int, stack: ExitStack) -> subprocess.Popen[bytes]:
        if self.plan.kong is None:
            return stack.enter_context(embedded_edge(config, self._folder / "edge.log", proxy))
        settings = {"KONG_LUA_SSL_TRUSTED_CERTIFICATE": str(self.authority.file)} if self.plan.tls else {}
        return stack.enter_context(
            self.plan.kong.running(config, self.prefix, proxy, self._admin, **settings)
        )

    def _wait_for_the_edge(self) -> None:
        token = self.gateway.make_token("demo")
        headers = {"Authorization": f"Bearer {token}"}
        until(lambda: answers(f"{self.gateway.url}/v1/models", headers), "the edge")

    def renew_certificate(self, days: int = 1) -> None:
        """Another pair in the place of that which all backends show."""
        self.authority.pair(self._folder, NAME, life=timedelta(days=days))

    def replace(self, member: Member) -> None:
        """Start another one in its place, once the last one has ended."""
        assert member.process.poll() is not None
        member.stack.close()
        member.process = member.stack.enter_context(
            self._backend(member.log, member.port, member.management_port)
        )


@contextmanager
def fleet(plan: Plan, folder: Path) -> Iterator[Fleet]:
    """All of it, until the block ends."""
    with ExitStack() as stack:
        yield Fleet(plan, folder, stack)


def _begun(row: dict[str, Any]) -> float:
    return datetime.fromisoformat(row["timestamp"]).timestamp() - float(row["duration_ms"]) / 1000


def _pairs(ports: list[int]) -> Iterator[tuple[int, int]]:
    """In pairs."""
    return zip(ports[::2], ports[1::2], strict=True)


def terminate(process: subprocess.Popen[bytes]) -> float:
    """Asks it to end; the monotonic time at which that was."""
    process.send_signal(signal.SIGTERM)
    return time.monotonic()
