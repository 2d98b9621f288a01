"""Where things belong, who signs, who may what, and which pods are whose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from testing.kubernetes.model import CLUSTER_WIDE, Cluster, Workload, matches, namespace, spec_of
from testing.kubernetes.outside import NAMESPACES
from testing.kubernetes.rules import Fault, Rule, of_workload
from testing.kubernetes.schemas import named

# The component cert-manager makes them; others only ask them for a certificate.
ISSUERS = frozenset({("ClusterIssuer", "letsencrypt"), ("ClusterIssuer", "portcullis-ca")})


def namespaces(cluster: Cluster) -> Iterator[Fault]:
    """Each resource says where it belongs: a namespace that is made here and holds pods to `restricted`."""
    for resource in cluster.resources:
        space = namespace(resource)
        if resource["kind"] not in CLUSTER_WIDE and not space:
            yield Fault(named(resource), "names no namespace")
        elif resource["kind"] in CLUSTER_WIDE and resource["metadata"].get("namespace"):
            yield Fault(named(resource), "belongs to no namespace")
        elif space and space not in cluster.namespaces.keys() | NAMESPACES:
            yield Fault(named(resource), f"namespace {space} is not made here")
    for name, labels in cluster.namespaces.items():
        if labels.get("pod-security.kubernetes.io/enforce") != "restricted":
            yield Fault(f"Namespace/{name}", "does not enforce the restricted pod security standard")


def issuers(cluster: Cluster) -> Iterator[Fault]:
    for certificate in cluster.of_kind("Certificate"):
        reference = certificate["spec"]["issuerRef"]
        kind, name = reference.get("kind", "Issuer"), reference["name"]
        space = "" if kind == "ClusterIssuer" else namespace(certificate)
        if cluster.find(kind, name, space) is None and (kind, name) not in ISSUERS:
            yield Fault(named(certificate), f"there is no {kind} {name}")


def roles(cluster: Cluster) -> Iterator[Fault]:
    """Bindings bind what is there; roles name what they allow."""
    for binding in cluster.of_kind("RoleBinding", "ClusterRoleBinding"):
        row = binding["roleRef"]
        space = namespace(binding) if row["kind"] == "Role" else ""
        if cluster.find(row["kind"], row["name"], space) is None and not row["name"].startswith("system:"):
            yield Fault(named(binding), f"there is no {row['kind']} {row['name']}")
        for subject in binding.get("subjects") or ():
            known = cluster.find("ServiceAccount", subject["name"], subject.get("namespace", ""))
            if subject["kind"] == "ServiceAccount" and known is None:
                yield Fault(named(binding), f"there is no ServiceAccount {subject['name']}")
    for role in cluster.of_kind("Role", "ClusterRole"):
        for rule in role.get("rules") or ():
            if "*" in (*rule["verbs"], *rule.get("resources", ()), *rule.get("apiGroups", ())):
                yield Fault(named(role), "allows everything of something")


def selectors(cluster: Cluster) -> Iterator[Fault]:
    """A workload finds its own pods, and no other one's."""
    lasting = [w for w in cluster.workloads if w.lasts]
    for workload in lasting:
        selector = spec_of(workload.resource)["selector"]
        if not matches(selector, workload.labels):
            yield of_workload(workload, "does not select its own pods")
        for other in lasting:
            if other is not workload and _both(workload, other):
                yield of_workload(workload, f"selects the pods of {other.name}")


def _both(workload: Workload, other: Workload) -> bool:
    selector = spec_of(workload.resource)["selector"]
    return workload.namespace == other.namespace and matches(selector, other.labels)


RULES: Mapping[str, Rule] = {
    "namespaces": namespaces,
    "issuers": issuers,
    "roles": roles,
    "selectors": selectors,
}
