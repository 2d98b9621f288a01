"""What a set of resources is: the pods that come of it, what selects them, and what they refer to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from testing.kubernetes.rendering import Resource

LONG_RUNNING = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")
FINITE = ("Job", "CronJob")
CLUSTER_WIDE = frozenset({"Namespace", "ClusterRole", "ClusterRoleBinding", "APIService"}) | {
    *("StorageClass", "PriorityClass", "IngressClass", "GatewayClass", "PersistentVolume"),
    *("ClusterIssuer", "KongClusterPlugin", "CustomResourceDefinition"),
    *("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"),
}


@dataclass(frozen=True)
class Container:
    spec: Mapping[str, Any]
    serves: bool
    """Whether it runs as long as its pod: not one that ends before the others start."""

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def ports(self) -> dict[int, str | None]:
        """Each declared port with its name."""
        return {row["containerPort"]: row.get("name") for row in self.spec.get("ports", ())}


@dataclass(frozen=True)
class Workload:
    """A resource that makes pods."""

    resource: Resource
    template: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return str(self.resource["kind"])

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.resource['metadata']['name']}"

    @property
    def namespace(self) -> str:
        return namespace(self.resource)

    @property
    def labels(self) -> Mapping[str, str]:
        return self.template.get("metadata", {}).get("labels", {}) or {}

    @property
    def pod(self) -> Mapping[str, Any]:
        spec: Mapping[str, Any] = self.template["spec"]
        return spec

    @property
    def lasts(self) -> bool:
        return self.kind in LONG_RUNNING

    @cached_property
    def containers(self) -> tuple[Container, ...]:
        before = (
            Container(spec, self.lasts and spec.get("restartPolicy") == "Always")
            for spec in self.pod.get("initContainers", ())
        )
        return (*before, *(Container(spec, self.lasts) for spec in self.pod["containers"]))

    def declares(self, port: int | str) -> bool:
        """Whether a container names that port, or has it."""
        return any(
            port in container.ports or port in container.ports.values() for container in self.containers
        )


@dataclass(frozen=True)
class Cluster:
    """Everything that is applied together."""

    resources: tuple[Resource, ...]

    def of_kind(self, *kinds: str) -> Iterator[Resource]:
        return (resource for resource in self.resources if resource["kind"] in kinds)

    @cached_property
    def workloads(self) -> tuple[Workload, ...]:
        return tuple(
            Workload(r, template) for r in self.resources if (template := pod_template(r)) is not None
        )

    @cached_property
    def _index(self) -> dict[tuple[str, str, str], Resource]:
        return {(r["kind"], namespace(r), r["metadata"]["name"]): r for r in self.resources}

    def find(self, kind: str, name: str, space: str = "") -> Resource | None:
        return self._index.get((kind, space, name))

    def selected(self, selector: Mapping[str, Any] | None, space: str) -> list[Workload]:
        """Whose pods a label selector takes in a namespace."""
        return [w for w in self.workloads if w.namespace == space and matches(selector, w.labels)]

    @cached_property
    def namespaces(self) -> Mapping[str, Mapping[str, str]]:
        """Those that are made here, with their labels."""
        return {
            r["metadata"]["name"]: {
                "kubernetes.io/metadata.name": r["metadata"]["name"],
                **(r["metadata"].get("labels") or {}),
            }
            for r in self.of_kind("Namespace")
        }


def namespace(resource: Resource) -> str:
    """Empty for what belongs to no namespace, and for what does not say."""
    if resource["kind"] in CLUSTER_WIDE:
        return ""
    return str(resource["metadata"].get("namespace", ""))


def pod_template(resource: Resource) -> Mapping[str, Any] | None:
    kind, spec = resource["kind"], resource.get("spec", {})
    if kind == "Pod":
        return resource
    template: Mapping[str, Any] | None = None
    if kind == "CronJob":
        template = spec["jobTemplate"]["spec"]["template"]
    elif kind in (*LONG_RUNNING, *FINITE):
        template = spec["template"]
    return template


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """A LabelSelector as Kubernetes reads it: an empty one takes everything."""
    selector = selector or {}
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_holds(row, labels) for row in selector.get("matchExpressions") or ())


def _holds(row: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, operator, values = row["key"], row["operator"], row.get("values", ())
    if operator == "In":
        return bool(labels.get(key) in values)
    if operator == "NotIn":
        return bool(labels.get(key) not in values)
    return bool((key in labels) == (operator == "Exists"))


def spec_of(resource: Resource) -> Mapping[str, Any]:
    spec: Mapping[str, Any] = resource.get("spec") or {}
    return spec


def names(resources: Iterable[Resource]) -> set[str]:
    return {str(resource["metadata"]["name"]) for resource in resources}
