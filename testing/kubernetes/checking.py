"""Everything that is asked of one way of putting the manifests together."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from testing.kubernetes import declared, schemas
from testing.kubernetes.model import Cluster
from testing.kubernetes.rendering import Combination, Resource, render
from testing.kubernetes.rules import Fault, all_rules


@cache
def rendered(combination: Combination) -> tuple[Resource, ...]:
    """Each is rendered once in a run."""
    return render(combination)


def schema_faults(resources: tuple[Resource, ...]) -> list[str]:
    return [fault for resource in resources for fault in schemas.faults(resource)]


def exempts(row: declared.Exemption, rule: str, fault: Fault) -> bool:
    return (row.rule, row.workload) == (rule, fault.where) and row.container in (None, fault.container)


def rule_faults(resources: tuple[Resource, ...]) -> list[str]:
    """Without those that are declared, with their reasons, as exceptions."""
    return [
        f"{rule}: {fault}"
        for rule, fault in broken_rules(resources)
        if not any(exempts(row, rule, fault) for row in declared.exemptions())
    ]


def broken_rules(resources: tuple[Resource, ...]) -> Iterator[tuple[str, Fault]]:
    cluster = Cluster(resources)
    for name, rule in all_rules().items():
        for fault in rule(cluster):
            yield name, fault
