"""The gateway that the suite looks at: its own, or one whose addresses the environment gives."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jwt
import yaml

POOL = "caller-"
"""Tenants whose names begin with this have no peculiarities; each test takes one of its own."""


@dataclass(frozen=True)
class Gateway:
    """Addresses and files. What is None was not given, and the tests that need it skip.

    `url` is the edge's address and `token` one that it accepts. `consumers` is Kong's list of consumers with
    their secrets, `tag_keys` the file with the tag's keys, `log` the backend's log, `edge_logs` a folder with
    what Kong writes, `pid` the process whose memory is looked at.
    """

    url: str
    token: str | None = None
    consumers: Path | None = None
    management_url: str | None = None
    backend_url: str | None = None
    simulators_url: str | None = None
    tag_keys: Path | None = None
    log: Path | None = None
    edge_logs: Path | None = None
    pid: int | None = None

    @cached_property
    def credentials(self) -> Mapping[str, Mapping[str, Any]]:
        """The first credential of each consumer, by its name."""
        if self.consumers is None:
            return {}
        listed = yaml.safe_load(self.consumers.read_text(encoding="utf-8"))["consumers"]
        return {row["username"]: row["jwt_secrets"][0] for row in listed}

    @cached_property
    def pool(self) -> tuple[str | None, ...]:
        """Tenants for tests that need nothing special of theirs. None stands for the one given token."""
        if self.credentials:
            return tuple(name for name in self.credentials if name.startswith(POOL)) or (
                next(iter(self.credentials)),
            )
        return (None,)

    def make_token(self, tenant: str, *, life_s: int = 600, **claims: Any) -> str:
        """A token under the tenant's HS256 credential; a claim of None leaves it out."""
        credential = self.credentials[tenant]
        now = int(time.time())
        payload = {"iss": credential["key"], "sub": "e2e", "iat": now, "exp": now + life_s, **claims}
        present = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(present, credential["secret"], algorithm="HS256")


def from_environment(environ: Mapping[str, str]) -> Gateway | None:
    """The gateway that GATEWAY_URL names; None without it. Raises ValueError when nobody could call it."""
    url = environ.get("GATEWAY_URL", "").rstrip("/")
    if not url:
        return None
    if not (environ.get("GATEWAY_TOKEN") or environ.get("GATEWAY_CONSUMERS")):
        raise ValueError("GATEWAY_URL is set: set GATEWAY_TOKEN or GATEWAY_CONSUMERS too")

    def address(name: str) -> str | None:
        return environ.get(name, "").rstrip("/") or None

    def path(name: str) -> Path | None:
        return Path(environ[name]) if environ.get(name) else None

    return Gateway(
        url=url,
        token=environ.get("GATEWAY_TOKEN") or None,
        consumers=path("GATEWAY_CONSUMERS"),
        management_url=address("GATEWAY_MANAGEMENT_URL"),
        backend_url=address("BACKEND_URL"),
        simulators_url=address("SIMULATORS_URL"),
        tag_keys=path("GATEWAY_TAG_KEYS"),
        log=path("GATEWAY_LOG"),
        edge_logs=path("GATEWAY_EDGE_LOGS"),
        pid=int(environ["GATEWAY_PID"]) if environ.get("GATEWAY_PID") else None,
    )
