"""What a container may do, what it may use, and how one sees that it is well."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from testing.kubernetes.model import Cluster, Container, Workload
from testing.kubernetes.rules import Fault, Rule, of_workload

# Their releases have two numbers.
TWO_NUMBERS = frozenset({"postgres"})
PROBES = ("livenessProbe", "readinessProbe")


def each(check: Callable[[Workload, Container], str | None]) -> Rule:
    """A rule that asks every container by itself."""

    def rule(cluster: Cluster) -> Iterator[Fault]:
        for workload in cluster.workloads:
            for container in workload.containers:
                if what := check(workload, container):
                    yield of_workload(workload, what, container)

    rule.__doc__ = check.__doc__
    return rule


def setting(workload: Workload, container: Container, name: str) -> Any:
    """Of the container, else of its pod."""
    own = container.spec.get("securityContext") or {}
    return own.get(name, (workload.pod.get("securityContext") or {}).get(name))


def resources(workload: Workload, container: Container) -> str | None:
    """Requests for the scheduler and the autoscaler; a limit of memory, or one pod ends its neighbours."""
    given = container.spec.get("resources") or {}
    wanted = (("requests", "cpu"), ("requests", "memory"), ("limits", "memory"))
    missing = [f"{kind}.{name}" for kind, name in wanted if name not in (given.get(kind) or {})]
    return f"has no {', '.join(missing)}" if missing else None


def probes(workload: Workload, container: Container) -> str | None:
    """Nobody sends to what is not ready, and what hangs is started again."""
    if not container.serves:
        return None
    missing = [name for name in PROBES if not container.spec.get(name)]
    return f"has no {', '.join(missing)}" if missing else None


def probe_ports(workload: Workload, container: Container) -> str | None:
    declared = {*container.ports, *filter(None, container.ports.values())}
    for name in (*PROBES, "startupProbe"):
        probe: Mapping[str, Any] = container.spec.get(name) or {}
        for kind in ("httpGet", "tcpSocket", "grpc"):
            if kind in probe and probe[kind]["port"] not in declared:
                return f"{name} asks port {probe[kind]['port']}, which it does not declare"
    return None


def non_root(workload: Workload, container: Container) -> str | None:
    if setting(workload, container, "runAsNonRoot") is not True:
        return "may run as root"
    return "runs as root" if setting(workload, container, "runAsUser") == 0 else None


def no_escalation(workload: Workload, container: Container) -> str | None:
    own = container.spec.get("securityContext") or {}
    if own.get("privileged"):
        return "is privileged"
    return None if own.get("allowPrivilegeEscalation") is False else "may gain privileges"


def seccomp(workload: Workload, container: Container) -> str | None:
    profile = (setting(workload, container, "seccompProfile") or {}).get("type")
    return None if profile in ("RuntimeDefault", "Localhost") else "may make any system call"


def capabilities(workload: Workload, container: Container) -> str | None:
    given = (container.spec.get("securityContext") or {}).get("capabilities") or {}
    if given.get("add"):
        return f"has {given['add']}"
    return None if given.get("drop") == ["ALL"] else "keeps capabilities"


def read_only_root(workload: Workload, container: Container) -> str | None:
    own = container.spec.get("securityContext") or {}
    return None if own.get("readOnlyRootFilesystem") is True else "may write to its image"


def exact_image(workload: Workload, container: Container) -> str | None:
    image = container.spec["image"]
    if re.search(r"@sha256:[0-9a-f]{64}$", image):
        return None
    name, _, tag = image.rpartition(":")
    if not name or "/" in tag:
        return f"{image} has no tag"
    numbers = 2 if name.rpartition("/")[2] in TWO_NUMBERS else 3
    return None if re.match(rf"v?\d+(\.\d+){{{numbers - 1},}}([-+.]|$)", tag) else f"{image} may change"


def host(cluster: Cluster) -> Iterator[Fault]:
    """Nothing of the node."""
    for workload in cluster.workloads:
        for name in ("hostNetwork", "hostPID", "hostIPC"):
            if workload.pod.get(name):
                yield of_workload(workload, name)
        for volume in workload.pod.get("volumes") or ():
            if "hostPath" in volume:
                yield of_workload(workload, f"mounts {volume['hostPath']['path']} of the node")


def service_account_token(cluster: Cluster) -> Iterator[Fault]:
    """Only who asks the API for something, by a role, holds a token for it."""
    bound = {
        (row.get("namespace", ""), row["name"])
        for binding in cluster.of_kind("RoleBinding", "ClusterRoleBinding")
        for row in binding.get("subjects") or ()
    }
    for workload in cluster.workloads:
        account = workload.pod.get("serviceAccountName", "default")
        made = cluster.find("ServiceAccount", account, workload.namespace) or {}
        mounts = workload.pod.get(
            "automountServiceAccountToken", made.get("automountServiceAccountToken", True)
        )
        if mounts and (workload.namespace, account) not in bound:
            yield of_workload(workload, f"has a token of {account}, which may do nothing")


RULES: Mapping[str, Rule] = {
    "resources": each(resources),
    "probes": each(probes),
    "probe-ports": each(probe_ports),
    "non-root": each(non_root),
    "no-escalation": each(no_escalation),
    "seccomp": each(seccomp),
    "capabilities": each(capabilities),
    "read-only-root": each(read_only_root),
    "exact-image": each(exact_image),
    "host": host,
    "service-account-token": service_account_token,
}
