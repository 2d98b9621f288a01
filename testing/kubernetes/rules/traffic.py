"""The way of a request: routes lead to Services, and no pod on it ends before its streams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from testing.kubernetes.model import Cluster, matches, namespace, spec_of
from testing.kubernetes.rendering import Resource
from testing.kubernetes.rules import Fault, Rule, of_workload
from testing.kubernetes.schemas import named

LONGEST_STREAM_S = 600
ON_THE_WAY = frozenset(
    {"portcullis-backend", "kong", "litellm", "ollama", "egress-proxy"}
    | {"oauth2-proxy", "oauth2-proxy-admin"}
)
"""Who carries a stream, by app.kubernetes.io/name without `portcullis-`."""
KONG = "konghq.com/"


def grace_periods(cluster: Cluster) -> Iterator[Fault]:
    for workload in cluster.workloads:
        name = workload.labels.get("app.kubernetes.io/name", "")
        if not workload.lasts or not {name, name.removeprefix("portcullis-")} & ON_THE_WAY:
            continue
        grace = workload.pod.get("terminationGracePeriodSeconds", 30)
        if grace <= LONGEST_STREAM_S:
            yield of_workload(workload, f"is ended after {grace} s, its streams with it")
        if workload.kind == "Deployment" and spec_of(workload.resource).get("strategy", {}).get("type") != (
            "Recreate"
        ):
            rolling = spec_of(workload.resource).get("strategy", {}).get("rollingUpdate", {})
            if rolling.get("maxUnavailable", "25%") != 0:
                yield of_workload(workload, "may have too few pods while it is updated")


def routes(cluster: Cluster) -> Iterator[Fault]:
    """What an Ingress or HTTPRoute sends to is there, and so is what it asks of Kong."""
    for ingress in cluster.of_kind("Ingress"):
        for rule in spec_of(ingress).get("rules") or ():
            for path in rule["http"]["paths"]:
                port = path["backend"]["service"]["port"]
                yield from _leads(
                    cluster, ingress, path["backend"]["service"]["name"], next(iter(port.values()))
                )
    for route in cluster.of_kind("HTTPRoute"):
        for row in spec_of(route).get("parentRefs") or ():
            yield from _is_attached(cluster, route, row)
        for rule in spec_of(route).get("rules") or ():
            for row in rule.get("backendRefs") or ():
                yield from _leads(cluster, route, row["name"], row["port"])
            for row in rule.get("filters") or ():
                reference = row.get("extensionRef")
                if reference and cluster.find("KongPlugin", reference["name"], namespace(route)) is None:
                    yield Fault(named(route), f"there is no {reference['kind']} {reference['name']}")
    yield from _annotations(cluster)


def _leads(cluster: Cluster, route: Resource, name: str, port: int | str) -> Iterator[Fault]:
    service = cluster.find("Service", name, namespace(route))
    if service is None:
        yield Fault(named(route), f"leads to Service {name}, which is not there")
    elif not any(port in (row.get("name"), row["port"]) for row in spec_of(service)["ports"]):
        yield Fault(named(route), f"leads to port {port} of Service {name}, which it does not have")


def _is_attached(cluster: Cluster, route: Resource, row: Mapping[str, Any]) -> Iterator[Fault]:
    gateway = cluster.find("Gateway", row["name"], row.get("namespace", namespace(route)))
    if gateway is None:
        yield Fault(named(route), f"there is no Gateway {row['name']}")
        return
    listeners = spec_of(gateway)["listeners"]
    if "sectionName" in row and row["sectionName"] not in [listener["name"] for listener in listeners]:
        yield Fault(named(route), f"Gateway {row['name']} has no listener {row['sectionName']}")


def _annotations(cluster: Cluster) -> Iterator[Fault]:
    if not any(cluster.of_kind("KongPlugin", "KongUpstreamPolicy")):
        return  # nobody reads them
    for resource in cluster.resources:
        given = resource["metadata"].get("annotations") or {}
        wanted = [("KongPlugin", name) for name in given.get(f"{KONG}plugins", "").split(",") if name]
        if policy := given.get(f"{KONG}upstream-policy"):
            wanted.append(("KongUpstreamPolicy", policy))
        for kind, name in wanted:
            if cluster.find(kind, name, namespace(resource)) is None:
                yield Fault(named(resource), f"there is no {kind} {name}")


def monitors(cluster: Cluster) -> Iterator[Fault]:
    """A ServiceMonitor finds a Service with that port, and each pod once."""
    for monitor in cluster.of_kind("ServiceMonitor"):
        spec = spec_of(monitor)
        spaces = (spec.get("namespaceSelector") or {}).get("matchNames", [namespace(monitor)])
        found = [
            service
            for service in cluster.of_kind("Service")
            if namespace(service) in spaces
            and matches(spec["selector"], service["metadata"].get("labels") or {})
        ]
        # Kong's own Service is its chart's.
        if not found and "kong" not in spaces:
            yield Fault(named(monitor), "finds no Service")
        asked: Counter[str] = Counter()
        for service in found:
            pods = cluster.selected({"matchLabels": spec_of(service)["selector"]}, namespace(service))
            asked.update(workload.name for workload in pods)
            for endpoint in spec["endpoints"]:
                names = [row.get("name") for row in spec_of(service)["ports"]]
                inside = "targetPort" in endpoint and any(w.declares(endpoint["targetPort"]) for w in pods)
                if endpoint.get("port") not in names and not inside:
                    yield Fault(named(monitor), f"asks {dict(endpoint)} of {named(service)}")
        for name, count in asked.items():
            if count > 1:
                yield Fault(named(monitor), f"counts {name} {count} times, by as many Services")


RULES: Mapping[str, Rule] = {"grace-periods": grace_periods, "routes": routes, "monitors": monitors}
