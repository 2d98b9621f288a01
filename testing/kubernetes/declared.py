"""What the project declares of itself: Secrets that are made elsewhere, exceptions with their reasons."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from functools import cache

from testing.kubernetes.rendering import KUBERNETES
from testing.project.repository import read_yaml


@dataclass(frozen=True)
class Secret:
    """One that no manifest makes. `name` may hold a * for a tenant; no keys: its maker chooses them."""

    name: str
    namespaces: tuple[str, ...]
    keys: frozenset[str]


@dataclass(frozen=True)
class Exemption:
    """A rule that does not hold for a container (or the whole workload, where none is named), and why not."""

    rule: str
    workload: str
    container: str | None
    reason: str


@cache
def secrets() -> tuple[Secret, ...]:
    rows = read_yaml(KUBERNETES / "secrets.yaml")["secrets"]
    return tuple(Secret(row["name"], tuple(row["namespaces"]), frozenset(row["keys"])) for row in rows)


def secret(name: str, namespace: str) -> Secret | None:
    for row in secrets():
        if namespace in row.namespaces and fnmatch.fnmatchcase(name, row.name):
            return row
    return None


@cache
def exemptions() -> tuple[Exemption, ...]:
    rows = read_yaml(KUBERNETES / "exceptions.yaml")["exceptions"] or ()
    return tuple(Exemption(row["rule"], row["workload"], row.get("container"), row["reason"]) for row in rows)
