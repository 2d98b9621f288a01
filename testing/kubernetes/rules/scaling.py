"""Autoscalers, disruption budgets and how pods are spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from testing.kubernetes.model import Cluster, Workload, namespace, spec_of
from testing.kubernetes.rendering import Resource
from testing.kubernetes.rules import Fault, Rule, of_workload
from testing.kubernetes.schemas import named


def target_of(cluster: Cluster, autoscaler: Resource) -> Workload | None:
    row = spec_of(autoscaler)["scaleTargetRef"]
    found = cluster.find(row["kind"], row["name"], namespace(autoscaler))
    return next((w for w in cluster.workloads if w.resource is found), None)


def autoscalers(cluster: Cluster) -> Iterator[Fault]:
    """Each has one target, which leaves the number of its pods to it, and asks for what it is scaled by."""
    targets: Counter[str] = Counter()
    for autoscaler in cluster.of_kind("HorizontalPodAutoscaler"):
        spec, target = spec_of(autoscaler), target_of(cluster, autoscaler)
        if target is None:
            yield Fault(named(autoscaler), "scales what is not there")
            continue
        targets[target.name] += 1
        if targets[target.name] > 1:
            yield Fault(named(autoscaler), f"{target.name} has another autoscaler")
        if spec.get("minReplicas", 1) > spec["maxReplicas"]:
            yield Fault(named(autoscaler), "has a minimum above its maximum")
        if "replicas" in spec_of(target.resource):
            yield Fault(named(autoscaler), f"{target.name} sets its number of pods back with each apply")
        for name in sorted(_scaled_by(spec)):
            if any(name not in _requests(c.spec) for c in target.containers if c.serves):
                yield Fault(named(autoscaler), f"scales by {name}, for which a container has no request")


def _scaled_by(spec: Mapping[str, Any]) -> set[str]:
    return {
        row["resource"]["name"]
        for row in spec.get("metrics", ())
        if row["type"] == "Resource" and row["resource"]["target"]["type"] == "Utilization"
    }


def _requests(container: Mapping[str, Any]) -> Mapping[str, Any]:
    given = container.get("resources") or {}
    return {**(given.get("limits") or {}), **(given.get("requests") or {})}


def replicas(cluster: Cluster, workload: Workload) -> int:
    """The fewest pods that it has."""
    for autoscaler in cluster.of_kind("HorizontalPodAutoscaler"):
        target = target_of(cluster, autoscaler)
        if target is not None and target.resource is workload.resource:
            return int(spec_of(autoscaler).get("minReplicas", 1))
    return int(spec_of(workload.resource).get("replicas", 1))


def budgets(cluster: Cluster) -> Iterator[Fault]:
    """A budget lets a node be drained; a pod has one."""
    held: Counter[str] = Counter()
    for budget in cluster.of_kind("PodDisruptionBudget"):
        spec = spec_of(budget)
        found = cluster.selected(spec["selector"], namespace(budget))
        if not found:
            yield Fault(named(budget), "is about pods that are not there")
        held.update(workload.name for workload in found)
        there = sum(replicas(cluster, workload) for workload in found)
        if not _allows_one(spec, there):
            yield Fault(named(budget), f"never lets any of {there} pods go")
    for name, count in held.items():
        if count > 1:
            yield Fault(name, "has more than one disruption budget, so that no pod of it can be evicted")


def _allows_one(spec: Mapping[str, Any], there: int) -> bool:
    if "maxUnavailable" in spec:
        value = spec["maxUnavailable"]
        return int(str(value).rstrip("%")) > 0
    value = spec["minAvailable"]
    # Rounded up, as Kubernetes does.
    kept = -(-there * int(value.rstrip("%")) // 100) if isinstance(value, str) else value
    return bool(kept < there)


def spread(cluster: Cluster) -> Iterator[Fault]:
    """More than one pod of a kind: not on one node, not in one zone; and one may go at a time."""
    budgeted = {
        w.name
        for budget in cluster.of_kind("PodDisruptionBudget")
        for w in cluster.selected(spec_of(budget)["selector"], namespace(budget))
    }
    for workload in cluster.workloads:
        if not workload.lasts or replicas(cluster, workload) < 2:
            continue
        if not _is_spread(workload):
            yield of_workload(workload, "may have all its pods on one node")
        if workload.name not in budgeted:
            yield of_workload(workload, "may lose all its pods to drained nodes at once")


def _is_spread(workload: Workload) -> bool:
    affinity = (workload.pod.get("affinity") or {}).get("podAntiAffinity") or {}
    terms = list(affinity.get("requiredDuringSchedulingIgnoredDuringExecution", ()))
    preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution", ())
    terms += [row["podAffinityTerm"] for row in preferred]
    keys = {term["topologyKey"] for term in terms}
    keys |= {row["topologyKey"] for row in workload.pod.get("topologySpreadConstraints") or ()}
    return "kubernetes.io/hostname" in keys


RULES: Mapping[str, Rule] = {"autoscalers": autoscalers, "budgets": budgets, "spread": spread}
