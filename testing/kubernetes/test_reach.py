"""Who reaches whom, by all policies of an installation at once; whatever is not listed is closed."""

from __future__ import annotations

import ipaddress
import itertools
from typing import Any

import pytest

from testing.kubernetes import outside, reach
from testing.kubernetes.checking import rendered
from testing.kubernetes.good import GOOD, broken
from testing.kubernetes.model import Cluster, matches
from testing.kubernetes.rendering import BASE, Combination

BACKEND = "Deployment/portcullis-backend"
Connection = tuple[str, str, int]

ALWAYS = {("kong", BACKEND, 8081), ("prometheus", BACKEND, 8082)}
# What a component adds to it.
WAYS: dict[str, set[Connection]] = {
    "redis": {
        (BACKEND, "StatefulSet/portcullis-redis", 6379),
        ("kong", "StatefulSet/portcullis-redis", 6379),
    },
    "postgresql": {(BACKEND, "StatefulSet/portcullis-postgresql", 5432)},
    "qdrant": {(BACKEND, "StatefulSet/portcullis-qdrant", 6333)},
    "litellm": {(BACKEND, "Deployment/portcullis-litellm", 4000)},
    "ollama": {(BACKEND, "Deployment/portcullis-ollama", 8443)},
    "egress-proxy": {(BACKEND, "Deployment/portcullis-egress-proxy", 3128)},
    "oauth2-proxy": {
        ("kong", "Deployment/portcullis-oauth2-proxy", 4443),
        ("kong", "Deployment/portcullis-oauth2-proxy-admin", 4443),
    },
    "oauth2-proxy/nginx": {
        ("ingress-nginx", "Deployment/portcullis-oauth2-proxy", 4443),
        ("ingress-nginx", "Deployment/portcullis-oauth2-proxy-admin", 4443),
    },
}
# Who may reach addresses on the internet.
OUT: dict[tuple[str, ...], set[str]] = {
    ("kong",): set(),
    ("kong", "../../kong/oidc"): {"kong"},
    ("egress-direct",): {BACKEND},
    ("egress-proxy",): {"Deployment/portcullis-egress-proxy"},
    ("air-gapped",): set(),
}


def connections(cluster: Cluster) -> set[tuple[str, str, int]]:
    """Every pair of pods of which at least one is ours, with the ports that are open between them."""
    pods = reach.pods(cluster)
    ours = {workload.name for workload in cluster.workloads}
    known = {pod.name for pod in pods} - ours
    # An outsider's own policies are not here to be read.
    return {
        (source.name, target.name, port)
        for source, target in itertools.permutations(pods, 2)
        if target.name in ours and (source.name in ours | known)
        for port in target.ports
        if reach.allows(cluster, source, target, port)
    }


def ways_out(cluster: Cluster) -> set[str]:
    """Whose policies let them out to addresses that are not private ones."""
    return {
        pod.name
        for pod in reach.pods(cluster)
        for policy in reach.policies_for(cluster, pod, "Egress")
        for rule in policy["spec"].get("egress") or ()
        for row in rule.get("to") or ()
        if "ipBlock" in row and not ipaddress.ip_network(row["ipBlock"]["cidr"]).is_private
    }


@pytest.mark.usefixtures("kubectl")
@pytest.mark.parametrize("way_in", ["kong", "gateway-api"])
def test_only_kong_and_prometheus_reach_the_backend(way_in: str) -> None:
    assert connections(Cluster(rendered(Combination(BASE, (way_in,))))) == ALWAYS


@pytest.mark.usefixtures("kubectl")
@pytest.mark.parametrize("component", WAYS)
def test_a_component_is_reached_by_whom_it_serves(component: str) -> None:
    brings = ["oauth2-proxy", component] if component == "oauth2-proxy/nginx" else [component]
    cluster = Cluster(rendered(Combination(BASE, ("kong", *brings))))
    assert connections(cluster) == ALWAYS.union(*(WAYS[name] for name in brings))


@pytest.mark.usefixtures("kubectl")
@pytest.mark.parametrize("components", OUT, ids="+".join)
def test_who_reaches_the_internet(components: tuple[str, ...]) -> None:
    assert ways_out(Cluster(rendered(Combination(BASE, components)))) == OUT[components]


KONG_ONLY = ("kong", "Deployment/app", 8081)


def test_what_a_policy_opens_is_open_and_nothing_else() -> None:
    found = connections(Cluster(GOOD))
    # The store has no policy of its own but the one that denies.
    assert found == {KONG_ONLY}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.ingress.0.ports.0.port", 8082),
        ("spec.podSelector.matchLabels", {"app.kubernetes.io/name": "store"}),
        ("spec.ingress.0.from.0.namespaceSelector.matchLabels", {"team": "other"}),
        ("spec.ingress.0.from.0.podSelector.matchLabels", {"app.kubernetes.io/name": "grafana"}),
        ("spec.ingress", []),
    ],
)
def test_a_policy_that_closes_shows(path: str, value: Any) -> None:
    assert KONG_ONLY not in connections(Cluster(broken("NetworkPolicy/app", path, value)))


@pytest.mark.parametrize(
    ("path", "value", "opened"),
    [
        ("spec.ingress.0.from", [], ("grafana", "Deployment/app", 8081)),
        ("spec.ingress.0.from.0.podSelector", {}, ("acme-solver", "Deployment/app", 8081)),
        ("spec.ingress.0.from.0", {"namespaceSelector": {}}, ("vllm", "Deployment/app", 8081)),
    ],
)
def test_a_policy_that_opens_shows(path: str, value: Any, opened: Connection) -> None:
    assert opened in connections(Cluster(broken("NetworkPolicy/app", path, value)))


def test_an_open_namespace_shows() -> None:
    """Without the policy that denies everything, the store is open to all."""
    open_to_all = tuple(r for r in GOOD if r["metadata"]["name"] != "default-deny")
    assert {("kong", "StatefulSet/store", 6379), ("grafana", "StatefulSet/store", 6379)} <= connections(
        Cluster(open_to_all)
    )


@pytest.mark.usefixtures("kubectl")
def test_whom_our_policies_take_for_redis_is_ours() -> None:
    [known] = [row for row in outside.KNOWN if row.name == "redis"]
    cluster = Cluster(rendered(Combination(BASE, ("redis",))))
    [workload] = [w for w in cluster.workloads if matches({"matchLabels": dict(known.labels)}, w.labels)]
    assert known.ports == reach.of_workload(cluster, workload).ports.keys()


@pytest.mark.usefixtures("kubectl")
@pytest.mark.parametrize("component", ["kong", *WAYS])
def test_policies_say_ports_by_number(component: str) -> None:
    """A name may be another number in another pod: Kong's `proxy` is 8000. Cilium and AWS mix them up."""
    brings = ["oauth2-proxy", component] if component == "oauth2-proxy/nginx" else [component]
    ports = [
        (policy["metadata"]["name"], port["port"])
        for policy in Cluster(rendered(Combination(BASE, tuple(brings)))).of_kind("NetworkPolicy")
        for direction in ("ingress", "egress")
        for rule in policy["spec"].get(direction) or ()
        for port in rule.get("ports") or ()
    ]
    assert ports
    assert [(name, port) for name, port in ports if not isinstance(port, int)] == []
