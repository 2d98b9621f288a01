"""Whatever is named is there: made here, made by cert-manager, or a Secret that the project documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from testing.kubernetes import declared
from testing.kubernetes.model import Cluster, namespace, spec_of
from testing.kubernetes.rendering import Resource
from testing.kubernetes.rules import Fault, Rule, of_workload
from testing.kubernetes.schemas import named

FROM_A_CERTIFICATE = frozenset({"tls.crt", "tls.key", "ca.crt"})
IN_EVERY_NAMESPACE = {"kube-root-ca.crt": frozenset({"ca.crt"})}


@dataclass(frozen=True)
class Reference:
    kind: str
    name: str
    key: str | None = None
    optional: bool = False


def of_pod(pod: Mapping[str, Any]) -> Iterator[Reference]:
    """Everything that the kubelet has to find before it starts a pod."""
    for row in pod.get("imagePullSecrets") or ():
        yield Reference("Secret", row["name"])
    yield Reference("ServiceAccount", pod.get("serviceAccountName", "default"))
    for volume in pod.get("volumes") or ():
        yield from _of_volume(volume)
    for container in (*pod.get("initContainers", ()), *pod["containers"]):
        for row in container.get("envFrom") or ():
            for field, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
                if field in row:
                    yield Reference(kind, row[field]["name"], None, row[field].get("optional", False))
        for row in container.get("env") or ():
            source = row.get("valueFrom") or {}
            for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
                if field in source:
                    given = source[field]
                    yield Reference(kind, given["name"], given["key"], given.get("optional", False))


def _of_volume(volume: Mapping[str, Any]) -> Iterator[Reference]:
    if "persistentVolumeClaim" in volume:
        yield Reference("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])
    sources = [volume, *(volume.get("projected") or {}).get("sources", ())]
    for source in sources:
        for field, kind, name in (
            ("secret", "Secret", "secretName" if source is volume else "name"),
            ("configMap", "ConfigMap", "name"),
        ):
            if field in source:
                given = source[field]
                keys = [row["key"] for row in given.get("items", ())] or [None]
                for key in keys:
                    yield Reference(kind, given[name], key, given.get("optional", False))


def of_resource(resource: Resource) -> Iterator[Reference]:
    """What a resource that makes no pod refers to, in its own namespace."""
    kind, spec = resource["kind"], spec_of(resource)
    if kind == "Ingress":
        for row in spec.get("tls") or ():
            yield Reference("Secret", row["secretName"], "tls.key")
    elif kind in ("KongPlugin", "KongClusterPlugin"):
        sources = [resource.get("configFrom"), *(p["valueFrom"] for p in resource.get("configPatches", ()))]
        for source in filter(None, sources):
            yield Reference("Secret", source["secretKeyRef"]["name"], source["secretKeyRef"]["key"])
    elif kind == "KongConsumer":
        for name in resource.get("credentials") or ():
            yield Reference("Secret", name)
    elif kind == "Gateway":
        for listener in spec["listeners"]:
            for row in (listener.get("tls") or {}).get("certificateRefs", ()):
                yield Reference("Secret", row["name"], "tls.key")


def is_there(cluster: Cluster, reference: Reference, space: str) -> str | None:
    """None when it is, else what is missing."""
    found = cluster.find(reference.kind, reference.name, space)
    keys: frozenset[str] | None = None
    if reference.kind == "ServiceAccount" and reference.name == "default":
        return None
    if found is not None:
        keys = frozenset(
            {**found.get("data", {}), **found.get("binaryData", {}), **found.get("stringData", {})}
        )
    elif reference.kind == "ConfigMap" and reference.name in IN_EVERY_NAMESPACE:
        keys = IN_EVERY_NAMESPACE[reference.name]
    elif reference.kind == "Secret":
        keys = _keys_of_secret(cluster, reference.name, space)
    if found is None and keys is None:
        return f"there is no {reference.kind} {reference.name}"
    if reference.key is not None and keys and reference.key not in keys:
        return f"{reference.kind} {reference.name} has no {reference.key}"
    return None


def _keys_of_secret(cluster: Cluster, name: str, space: str) -> frozenset[str] | None:
    for certificate in cluster.of_kind("Certificate"):
        if namespace(certificate) == space and certificate["spec"]["secretName"] == name:
            return FROM_A_CERTIFICATE
    row = declared.secret(name, space)
    return row.keys if row else None


def references(cluster: Cluster) -> Iterator[Fault]:
    """ConfigMaps, Secrets, volume claims, service accounts, with the keys that are asked of them."""
    for workload in cluster.workloads:
        for reference in of_pod(workload.pod):
            what = is_there(cluster, reference, workload.namespace)
            # One that may be missing still has to be one that somebody might make.
            if what:
                yield of_workload(workload, what)
    for resource in cluster.resources:
        for reference in of_resource(resource):
            if what := is_there(cluster, reference, namespace(resource)):
                yield Fault(named(resource), what)


def referred_secrets(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """Namespace and name of every Secret that anything refers to."""
    for workload in cluster.workloads:
        yield from ((workload.namespace, r.name) for r in of_pod(workload.pod) if r.kind == "Secret")
    for resource in cluster.resources:
        yield from ((namespace(resource), r.name) for r in of_resource(resource) if r.kind == "Secret")


def mounts(cluster: Cluster) -> Iterator[Fault]:
    """Each mount has its volume, each volume is mounted."""
    for workload in cluster.workloads:
        claims = spec_of(workload.resource).get("volumeClaimTemplates") or ()
        volumes = {row["name"] for row in workload.pod.get("volumes") or ()}
        volumes |= {row["metadata"]["name"] for row in claims}
        used = {row["name"] for c in workload.containers for row in c.spec.get("volumeMounts") or ()}
        for name in sorted(used ^ volumes):
            yield of_workload(workload, f"volume {name} is {'not there' if name in used else 'not mounted'}")


RULES: Mapping[str, Rule] = {
    "references": references,
    "mounts": mounts,
}
