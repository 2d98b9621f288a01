"""Pods and namespaces that are on a cluster beside ours, as our policies name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from testing.kubernetes.model import matches


@dataclass(frozen=True)
class Outside:
    """A pod of somebody else, as its own project labels it."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    ports: frozenset[int | str]

    def is_named(self, namespaces: Mapping[str, object], pods: Mapping[str, object] | None) -> bool:
        space = {"kubernetes.io/metadata.name": self.namespace}
        return matches(namespaces, space) and matches(pods, self.labels)


def _named(name: str, **more: str) -> dict[str, str]:
    labels = {"app.kubernetes.io/name": name}
    return labels | {f"app.kubernetes.io/{key}": value for key, value in more.items()}


NAMESPACES = frozenset({"kong", "cert-manager", "monitoring"})
"""Those into which we put something whether or not they are made here."""

KNOWN = (
    Outside("kube-dns", "kube-system", {"k8s-app": "kube-dns"}, frozenset({53})),
    Outside("node-local-dns", "kube-system", {"k8s-app": "node-local-dns"}, frozenset({53})),
    # Kong's chart: held to what helm renders in test_chart.py.
    Outside(
        "kong",
        "kong",
        _named("kong", component="app", instance="kong"),
        frozenset({8000, 8443, 8080, 8100, 10254, 10255}),
    ),
    # Where cert-manager shows who asks that the name is ours.
    Outside("acme-solver", "kong", {"acme.cert-manager.io/http01-solver": "true"}, frozenset({8089})),
    # Ours, in the component redis: Kong may reach it whether it is there or the cloud runs the store.
    Outside("redis", "portcullis", _named("portcullis-redis"), frozenset({6379})),
    # Models that somebody else runs on the cluster, by vLLM or KServe.
    Outside("vllm", "models", {}, frozenset({8000})),
    Outside("prometheus", "monitoring", _named("prometheus"), frozenset({9090})),
    Outside("prometheus-adapter", "monitoring", _named("prometheus-adapter"), frozenset({6443})),
    Outside("collector", "monitoring", _named("opentelemetry-collector"), frozenset({4318})),
    Outside("grafana", "monitoring", _named("grafana"), frozenset({3000})),
    Outside(
        "ingress-nginx",
        "ingress-nginx",
        _named("ingress-nginx", component="controller"),
        frozenset({80, 443, 8443}),
    ),
    Outside("cert-manager", "cert-manager", _named("cert-manager", component="controller"), frozenset()),
)
