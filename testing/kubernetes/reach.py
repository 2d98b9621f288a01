"""Who may talk to whom: NetworkPolicies as a network that keeps them reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from testing.kubernetes.model import Cluster, Workload, matches, namespace
from testing.kubernetes.outside import KNOWN, Outside
from testing.kubernetes.rendering import Resource


@dataclass(frozen=True)
class Pod:
    """One end of a connection."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    ports: Mapping[int, str | None]
    space: Mapping[str, str] = field(default_factory=dict)
    """The labels of its namespace."""

    def number(self, port: int | str) -> int | None:
        """What a named port is here."""
        if isinstance(port, int):
            return port if port in self.ports else None
        return next((number for number, name in self.ports.items() if name == port), None)


def pods(cluster: Cluster) -> list[Pod]:
    """Ours, and those of others that are known to stand beside them."""
    return [*(of_workload(cluster, w) for w in cluster.workloads), *map(of_outside, KNOWN)]


def of_workload(cluster: Cluster, workload: Workload) -> Pod:
    ports = {number: name for container in workload.containers for number, name in container.ports.items()}
    space = cluster.namespaces.get(workload.namespace, {})
    return Pod(workload.name, workload.namespace, workload.labels, ports, space)


def of_outside(known: Outside) -> Pod:
    ports = {port: None for port in known.ports if isinstance(port, int)}
    space = {"kubernetes.io/metadata.name": known.namespace}
    return Pod(known.name, known.namespace, known.labels, ports, space)


def policies_for(cluster: Cluster, pod: Pod, direction: str) -> list[Resource]:
    """Those that restrict a pod in a direction (Ingress, Egress)."""
    return [
        policy
        for policy in cluster.of_kind("NetworkPolicy")
        if namespace(policy) == pod.namespace
        and matches(policy["spec"]["podSelector"], pod.labels)
        and direction in directions(policy)
    ]


def directions(policy: Resource) -> list[str]:
    spec = policy["spec"]
    implied = ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    given: list[str] = spec.get("policyTypes", implied)
    return given


def is_peer(row: Mapping[str, Any], policy: Resource, pod: Pod) -> bool:
    """Whether a `from` or `to` means that pod. Addresses mean none."""
    if "ipBlock" in row:
        return False
    if "namespaceSelector" in row:
        return matches(row["namespaceSelector"], pod.space) and matches(row.get("podSelector"), pod.labels)
    return pod.namespace == namespace(policy) and matches(row["podSelector"], pod.labels)


def allows(cluster: Cluster, source: Pod, target: Pod, port: int) -> bool:
    """Whether a connection is let out at one end and in at the other."""
    return _lets(cluster, source, target, port, "Egress") and _lets(cluster, target, source, port, "Ingress")


def _lets(cluster: Cluster, at: Pod, peer: Pod, port: int, direction: str) -> bool:
    held_by = policies_for(cluster, at, direction)
    side, rules = ("from", "ingress") if direction == "Ingress" else ("to", "egress")
    listens = at if direction == "Ingress" else peer
    return not held_by or any(
        _has_peer(rule.get(side), policy, peer) and _has_port(rule.get("ports"), listens, port)
        for policy in held_by
        for rule in policy["spec"].get(rules) or ()
    )


def _has_peer(rows: Iterable[Mapping[str, Any]] | None, policy: Resource, pod: Pod) -> bool:
    return not rows or any(is_peer(row, policy, pod) for row in rows)


def _has_port(rows: Iterable[Mapping[str, Any]] | None, listens: Pod, port: int) -> bool:
    if not rows:
        return True
    return any(
        row.get("protocol", "TCP") == "TCP"
        and ("port" not in row or row["port"] == port or listens.number(row["port"]) == port)
        for row in rows
    )
