"""Where a local gateway keeps what it has drawn and what it runs: one folder, mode 700, files 600."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gateway.kong_config import read_consumers


@dataclass(frozen=True, slots=True)
class State:
    """The folder's files. Secrets are drawn once and kept, so that tokens outlive a restart."""

    folder: Path

    @property
    def tag_keys(self) -> Path:
        return self.folder / "secrets" / "tag-keys.json"

    @property
    def consumers(self) -> Path:
        return self.folder / "secrets" / "consumers.yaml"

    @property
    def issuers(self) -> Path:
        """Made by hand, if at all: the identity providers whose tokens are accepted too."""
        return self.folder / "issuers.yaml"

    def log(self, port: int) -> Path:
        return self.folder / "log" / f"gateway-{port}.log"

    def run(self, port: int) -> Path:
        return self.folder / "run" / f"{port}.json"

    def runtime(self, port: int) -> Path:
        """The folder of one running gateway: the simulators' keys and addresses."""
        return self.folder / "run" / str(port)

    def prepare(self, tenants: Iterable[str]) -> None:
        """Draw what is missing: the tag's key, and a credential for each tenant."""
        for folder in (self.folder, self.folder / "secrets", self.folder / "log", self.folder / "run"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._draw_tag_keys()
            self._draw_consumers(tenants)

    def _draw_tag_keys(self) -> None:
        if not self.tag_keys.exists():
            secret = urlsafe_b64encode(secrets.token_bytes(32)).decode()
            write_private(self.tag_keys, json.dumps({"current": "local-1", "keys": {"local-1": secret}}))

    def _draw_consumers(self, tenants: Iterable[str]) -> None:
        consumers = list(read_consumers(self.consumers)) if self.consumers.exists() else []
        known = {consumer.get("username") for consumer in consumers}
        drawn: list[Mapping[str, Any]] = [
            {
                "username": tenant,
                "jwt_secrets": [{"key": tenant, "algorithm": "HS256", "secret": secrets.token_urlsafe(36)}],
            }
            for tenant in tenants
            if tenant not in known
        ]
        if drawn:
            write_private(self.consumers, yaml.safe_dump({"consumers": [*consumers, *drawn]}))


def write_private(path: Path, text: str) -> None:
    """Write ``text`` so that nobody else reads it and nobody sees half of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)
