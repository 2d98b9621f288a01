"""Services and NetworkPolicies: what they select is there, and nothing is let through that nobody named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from testing.kubernetes import reach
from testing.kubernetes.model import Cluster, matches, namespace, spec_of
from testing.kubernetes.rendering import Resource
from testing.kubernetes.rules import Fault, Rule
from testing.kubernetes.schemas import named


def services(cluster: Cluster) -> Iterator[Fault]:
    """A Service has pods, which have its ports."""
    for service in cluster.of_kind("Service"):
        spec = spec_of(service)
        if spec.get("type") == "ExternalName":
            continue
        if not spec.get("selector"):
            yield Fault(named(service), "selects nothing")
            continue
        found = cluster.selected({"matchLabels": spec["selector"]}, namespace(service))
        if not found:
            yield Fault(named(service), "selects pods that are not there")
        for row in spec["ports"]:
            port = row.get("targetPort", row["port"])
            for workload in found:
                if not workload.declares(port):
                    yield Fault(
                        named(service), f"asks {workload.name} on port {port}, which it does not have"
                    )


def default_deny(cluster: Cluster) -> Iterator[Fault]:
    """Every pod is under a policy that lets nothing in or out."""
    denied = {namespace(p) for p in cluster.of_kind("NetworkPolicy") if _denies(p)}
    for space in sorted({w.namespace for w in cluster.workloads} | cluster.namespaces.keys()):
        if space not in denied:
            yield Fault(f"Namespace/{space}", "has no policy that denies everything")


def _denies(policy: Resource) -> bool:
    spec = policy["spec"]
    both = {"Ingress", "Egress"} == set(spec.get("policyTypes", ()))
    return matches(spec["podSelector"], {}) and both and not spec.get("ingress") and not spec.get("egress")


def policy_selectors(cluster: Cluster) -> Iterator[Fault]:
    """What a policy names, on either side, is there."""
    pods = reach.pods(cluster)
    for policy in cluster.of_kind("NetworkPolicy"):
        spec, space = policy["spec"], namespace(policy)
        chosen = [pod for pod in pods if pod.namespace == space and matches(spec["podSelector"], pod.labels)]
        if not chosen:
            yield Fault(named(policy), f"is about pods that are not there: {spec['podSelector']}")
        for direction, side in (("ingress", "from"), ("egress", "to")):
            if spec.get(direction) and direction.capitalize() not in reach.directions(policy):
                yield Fault(named(policy), f"has {direction} that its policyTypes leave out")
            for rule in spec.get(direction) or ():
                yield from _of_rule(policy, rule, side, chosen, pods)


def _of_rule(
    policy: Resource, rule: Mapping[str, Any], side: str, chosen: list[reach.Pod], pods: list[reach.Pod]
) -> Iterator[Fault]:
    peers = rule.get(side) or ()
    if not peers and side == "to":
        yield Fault(named(policy), "lets everything out")
    listening = chosen if side == "from" else []
    for row in peers:
        found = [pod for pod in pods if reach.is_peer(row, policy, pod)]
        if "ipBlock" not in row and not found:
            yield Fault(named(policy), f"lets {side} pods that are not there: {dict(row)}")
        listening = listening if side == "from" else [*listening, *found]
    if not rule.get("ports"):
        yield Fault(named(policy), f"lets {side} every port")
    # The peers of one rule may listen on different ports, but no port may be nobody's.
    for row in rule.get("ports") or ():
        if listening and not any(pod.number(row.get("port", 0)) for pod in listening):
            yield Fault(named(policy), f"lets {side} port {row.get('port')}, which nobody there has")


def whole_internet(cluster: Cluster) -> Iterator[Fault]:
    """A way out to any address leaves out the machine's metadata, which hands out its credentials."""
    for policy in cluster.of_kind("NetworkPolicy"):
        for rule in policy["spec"].get("egress") or ():
            for row in rule.get("to") or ():
                block = row.get("ipBlock") or {}
                if block.get("cidr") == "0.0.0.0/0" and "169.254.0.0/16" not in block.get("except", ()):
                    yield Fault(named(policy), "lets to the metadata of the machine")


RULES: Mapping[str, Rule] = {
    "services": services,
    "default-deny": default_deny,
    "policy-selectors": policy_selectors,
    "whole-internet": whole_internet,
}
