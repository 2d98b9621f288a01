"""`upstreams:` of the declarative document: targets, weights and health checks, parsed once and frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedded_edge.entities import META
from embedded_edge.schema import ConfigError, Option, read_options

_HEALTHY = (200, 302)
_UNHEALTHY = (429, 404, 500, 501, 502, 503, 504, 505)
_PASSIVE_HEALTHY = (*range(200, 209), 226, *range(300, 309))
_PASSIVE_UNHEALTHY = (429, 500, 503)


@dataclass(frozen=True, slots=True)
class Target:
    """An address; a weight of 0 takes no request. Kong's port where none is given is 8000."""

    host: str
    port: int
    weight: int

    @property
    def authority(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Limits:
    """How often in a row something has to happen until the health of a target changes; 0 is never."""

    healthy_statuses: frozenset[int]
    unhealthy_statuses: frozenset[int]
    successes: int
    tcp_failures: int
    timeouts: int
    http_failures: int


@dataclass(frozen=True, slots=True)
class ActiveChecks:
    """Requests (`http`, `https`) or connections (`tcp`) made only to see whether a target is well.

    An interval of 0 s asks no target of that health.
    """

    kind: str
    path: str
    timeout_s: float
    healthy_interval_s: float
    unhealthy_interval_s: float
    headers: tuple[tuple[str, str], ...]
    verify_certificate: bool
    server_name: str | None
    limits: Limits


@dataclass(frozen=True, slots=True)
class Upstream:
    name: str
    algorithm: str
    host_header: str | None
    targets: tuple[Target, ...]
    passive: Limits
    active: ActiveChecks
    threshold_percent: float  # of the weight that has to be healthy for any request to be sent


_UPSTREAM = {
    "name": Option(str, required=True),
    "algorithm": Option(str, "round-robin", one_of=("round-robin", "least-connections")),
    "hash_on": Option(str, "none", one_of=("none",)),
    "hash_fallback": Option(str, "none", one_of=("none",)),
    "slots": Option(int, 10000),
    "host_header": Option(str),
    "healthchecks": Option(dict, {}),
    "targets": Option(list, []),
    **{name: Option(object) for name in META},
}
_TARGET = {
    "target": Option(str, required=True),
    "weight": Option(int, 100),
    **{name: Option(object) for name in META},
}
_CHECKS = {"active": Option(dict, {}), "passive": Option(dict, {}), "threshold": Option(float, 0)}
_ACTIVE = {
    "type": Option(str, "http", one_of=("tcp", "http", "https")),
    "timeout": Option(float, 1),
    "concurrency": Option(int, 10),
    "http_path": Option(str, "/"),
    "https_sni": Option(str),
    "https_verify_certificate": Option(bool, True),
    "headers": Option(dict, {}),
    "healthy": Option(dict, {}),
    "unhealthy": Option(dict, {}),
}
_PASSIVE = {
    "type": Option(str, "http", one_of=("tcp", "http", "https")),
    "healthy": Option(dict, {}),
    "unhealthy": Option(dict, {}),
}


def read_upstream(entry: Mapping[str, Any]) -> Upstream:
    """ConfigError names the upstream and the option that is not known or not right."""
    owner = f"upstream {entry.get('name')!r}"
    given = read_options(owner, entry, _UPSTREAM)
    checks = read_options(f"{owner}: healthchecks", given["healthchecks"], _CHECKS)
    passive = read_options(f"{owner}: healthchecks.passive", checks["passive"], _PASSIVE)
    return Upstream(
        name=given["name"],
        algorithm=given["algorithm"],
        host_header=given["host_header"],
        targets=tuple(_read_target(owner, row) for row in given["targets"]),
        passive=_limits(f"{owner}: healthchecks.passive", passive, _PASSIVE_HEALTHY, _PASSIVE_UNHEALTHY),
        active=_read_active(f"{owner}: healthchecks.active", checks["active"]),
        threshold_percent=checks["threshold"],
    )


def _read_target(owner: str, entry: Mapping[str, Any]) -> Target:
    given = read_options(f"{owner}: targets", entry, _TARGET)
    host, mark, port = given["target"].rpartition(":")
    if not mark:
        host, port = given["target"], "8000"
    if not host or not port.isdigit():
        raise ConfigError(f"{owner}: target must be host:port, not {given['target']!r}")
    return Target(host.strip("[]"), int(port), given["weight"])


def _read_active(owner: str, entry: Mapping[str, Any]) -> ActiveChecks:
    given = read_options(owner, entry, _ACTIVE)
    headers = [(name, str(value)) for name, values in given["headers"].items() for value in values]
    return ActiveChecks(
        kind=given["type"],
        path=given["http_path"],
        timeout_s=given["timeout"],
        healthy_interval_s=(given["healthy"] or {}).get("interval", 0),
        unhealthy_interval_s=(given["unhealthy"] or {}).get("interval", 0),
        headers=tuple(headers),
        verify_certificate=given["https_verify_certificate"],
        server_name=given["https_sni"],
        limits=_limits(owner, given, _HEALTHY, _UNHEALTHY, Option(float, 0)),
    )


def _limits(
    owner: str,
    given: Mapping[str, Any],
    healthy: tuple[int, ...],
    unhealthy: tuple[int, ...],
    interval: Option | None = None,
) -> Limits:
    known = {"interval": interval} if interval else {}
    well = read_options(
        f"{owner}.healthy",
        given["healthy"],
        {"http_statuses": Option(list, list(healthy), item=int), "successes": Option(int, 0), **known},
    )
    ill = read_options(
        f"{owner}.unhealthy",
        given["unhealthy"],
        {
            "http_statuses": Option(list, list(unhealthy), item=int),
            **{name: Option(int, 0) for name in ("tcp_failures", "timeouts", "http_failures")},
            **known,
        },
    )
    return Limits(
        frozenset(well["http_statuses"]),
        frozenset(ill["http_statuses"]),
        well["successes"],
        ill["tcp_failures"],
        ill["timeouts"],
        ill["http_failures"],
    )
