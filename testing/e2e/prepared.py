"""What a gateway under test starts with: `gateway.yaml` with more rows, and secrets that the suite knows.

The rows of `configs/gateway/gateway.yaml` are all there unchanged. Beside them stand a twin of each chat
model with short deadlines (`impatient-…`), and tenants, so that no test uses up another one's limits.
"""

from __future__ import annotations

import copy
import json
import os
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from testing.e2e.under_test import POOL

REPOSITORY = Path(__file__).resolve().parents[2]
POOL_SIZE = 100
#: In seconds. Long enough for a busy machine, short enough to wait for in a test.
SHORT = {"total_s": 1.5, "first_chunk_s": 1.5, "stall_s": 1.5, "stream_s": 6}

TENANTS: dict[str, dict[str, Any]] = {
    "limited": {"models": ["gpt-4o-mini", "ollama/*"]},
    "at-home": {"residency": ["own"]},
    "unprivileged": {"scopes": ["inference"]},
    **{f"counted-{number}": {} for number in range(1, 4)},
    "rs256": {},
    "es256": {},
    **{f"{POOL}{number:03}": {"scopes": ["inference", "admin"]} for number in range(POOL_SIZE)},
}
STRANGER = "stranger"
"""A consumer of Kong that has no row in gateway.yaml."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The files, all in one folder that nobody else may read."""

    folder: Path

    @property
    def gateway_yaml(self) -> Path:
        return self.folder / "gateway.yaml"

    @property
    def consumers(self) -> Path:
        return self.folder / "secrets" / "consumers.yaml"

    @property
    def tag_keys(self) -> Path:
        return self.folder / "secrets" / "tag-keys.json"


def prepare(folder: Path) -> Prepared:
    """Write the files below ``folder``, where `portcullis local --state` expects its secrets."""
    prepared = Prepared(folder)
    (folder / "secrets").mkdir(mode=0o700, parents=True)
    document = yaml.safe_load((REPOSITORY / "configs/gateway/gateway.yaml").read_text(encoding="utf-8"))
    document["deployments"] += [_twin(row) for row in document["deployments"] if "operations" not in row]
    document["tenants"] |= TENANTS
    _write(prepared.gateway_yaml, yaml.safe_dump(document, sort_keys=False))
    consumers = [_consumer(name, folder / "secrets") for name in (*document["tenants"], STRANGER)]
    _write(prepared.consumers, yaml.safe_dump({"consumers": consumers}, sort_keys=False))
    keys = {"e2e": urlsafe_b64encode(secrets.token_bytes(32)).decode()}
    _write(prepared.tag_keys, json.dumps({"current": "e2e", "keys": keys}))
    return prepared


def impatient(model: str) -> str:
    """The name of a model's twin with short deadlines."""
    return f"impatient-{model}"


def _twin(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **copy.deepcopy(row),
        "id": f"{row['id']}-impatient",
        "model": impatient(row["model"]),
        "upstream_model": row.get("upstream_model", row["model"]),
        "timeouts": SHORT,
    }


def _consumer(name: str, folder: Path) -> dict[str, Any]:
    credential: dict[str, Any] = {"key": name, "algorithm": name.upper() if name.endswith("256") else "HS256"}
    if credential["algorithm"] == "HS256":
        credential["secret"] = secrets.token_urlsafe(36)
    else:
        credential["rsa_public_key"] = _key_pair(name, folder)
    return {"username": name, "jwt_secrets": [credential]}


def _key_pair(name: str, folder: Path) -> str:
    """Draw a pair, keep the private key beside the consumers, and return the public one."""
    key = (
        rsa.generate_private_key(65537, 2048) if name == "rs256" else ec.generate_private_key(ec.SECP256R1())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(folder / f"{name}.pem", private.decode())
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
