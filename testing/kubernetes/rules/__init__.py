"""What every set of manifests has to keep, each rule a function from a cluster to what is wrong with it.

A rule about a container says which one it found, so that configs/kubernetes/exceptions.yaml can name it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from testing.kubernetes.model import Cluster, Container, Workload


@dataclass(frozen=True)
class Fault:
    where: str
    what: str
    container: str | None = None

    def __str__(self) -> str:
        inside = f" ({self.container})" if self.container else ""
        return f"{self.where}{inside}: {self.what}"


Rule = Callable[[Cluster], Iterator[Fault]]


def of_workload(workload: Workload, what: str, container: Container | None = None) -> Fault:
    return Fault(workload.name, what, container.name if container else None)


def all_rules() -> Mapping[str, Rule]:
    """By the name under which an exception asks for one."""
    from testing.kubernetes.rules import belonging, containers, networking, references, scaling, traffic

    return {
        **containers.RULES,
        **belonging.RULES,
        **references.RULES,
        **networking.RULES,
        **scaling.RULES,
        **traffic.RULES,
    }
