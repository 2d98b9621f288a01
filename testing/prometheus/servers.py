"""A Prometheus and an Alertmanager of the tests' own, and what they say."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from testing.e2e.waiting import eventually
from testing.processes import free_ports
from testing.prometheus.tools import program, write_rules

READY_DEADLINE_S = 30
STOP_DEADLINE_S = 20


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One that runs. Answers are those of its API v1."""

    url: str

    def ask(self, expression: str) -> list[dict[str, Any]]:
        """What an expression has now; an AssertionError for one that Prometheus does not take."""
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": expression}, trust_env=False).json()
        assert answer["status"] == "success", f"{expression}: {answer.get('error')}"
        if answer["data"]["resultType"] == "scalar":
            return [{"metric": {}, "value": answer["data"]["result"]}]
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def firing(self) -> dict[str, list[dict[str, Any]]]:
        """The alerts that fire now, by name."""
        listed = httpx.get(f"{self.url}/api/v1/alerts", trust_env=False).json()["data"]["alerts"]
        found: dict[str, list[dict[str, Any]]] = {}
        for alert in listed:
            if alert["state"] == "firing":
                found.setdefault(alert["labels"]["alertname"], []).append(alert)
        return found

    def broken_rules(self) -> list[str]:
        """What rules complain about when they are evaluated."""
        groups = httpx.get(f"{self.url}/api/v1/rules", trust_env=False).json()["data"]["groups"]
        return [
            f"{rule['name']}: {rule['lastError']}"
            for g in groups
            for rule in g["rules"]
            if rule.get("lastError")
        ]


@contextmanager
def prometheus(
    folder: Path, jobs: Mapping[str, Sequence[str]], files: dict[str, dict[str, Any]] | None = None
) -> Iterator[Prometheus]:
    """One that asks each job's targets (HOST:PORT) every second, with these rule files."""
    folder.mkdir()
    write_rules(folder / "rules", files or {})
    second = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    listed = [{"job_name": name, "static_configs": [{"targets": list(to)}]} for name, to in jobs.items()]
    document = {"global": second, "rule_files": ["rules/*.yaml"], "scrape_configs": listed}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(document), "utf-8")
    [port] = free_ports(1)
    command = [
        program("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with _serving(command, folder / "prometheus.log", f"http://127.0.0.1:{port}/-/ready"):
        yield Prometheus(f"http://127.0.0.1:{port}")


@contextmanager
def alertmanager(folder: Path, config: Mapping[str, Any]) -> Iterator[str]:
    """The address of one with that configuration."""
    folder.mkdir()
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(dict(config)), "utf-8")
    [port] = free_ports(1)
    command = [
        program("alertmanager"),
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with _serving(command, folder / "alertmanager.log", f"http://127.0.0.1:{port}/-/ready"):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _serving(command: Sequence[str], log: Path, ready: str) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        eventually(lambda: _well(process, ready, log), f"{command[0]} is ready", READY_DEADLINE_S)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _well(process: subprocess.Popen[bytes], url: str, log: Path) -> bool:
    assert process.poll() is None, log.read_text("utf-8", errors="replace")[-2000:]
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
