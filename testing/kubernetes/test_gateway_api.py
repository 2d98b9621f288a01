"""The Gateway API's routes and the Ingresses mean the same to Kong."""

from __future__ import annotations

import re
from typing import Any

import pytest

from testing.kong import resources as kong
from testing.kubernetes.checking import rendered
from testing.kubernetes.model import Cluster
from testing.kubernetes.rendering import BASE, Combination, Resource

pytestmark = pytest.mark.usefixtures("kubectl")

WAYS_IN = ("kong", "gateway-api")
NAMES = ("portcullis-health", "portcullis-api")
ON_BOTH = {"strip-path", "preserve-host", "response-buffering"}


def installed(way_in: str, *more: str) -> Cluster:
    return Cluster(rendered(Combination(BASE, (way_in, *more))))


def route(http_route: Resource, found: tuple[Resource, ...]) -> dict[str, Any]:
    """What the controller makes of an HTTPRoute with one rule, as testing/kong says it of an Ingress."""
    [rule] = http_route["spec"]["rules"]
    [path] = {(match["path"]["type"], match["path"]["value"]) for match in rule["matches"]}
    plugins = kong.of_kind(found, "KongPlugin")
    names = [name for name in (kong.annotation(http_route, "plugins") or "").split(",") if name]
    protocols = kong.annotation(http_route, "protocols")
    return {
        "paths": [f"~{re.escape(path[1])}$" if path[0] == "Exact" else path[1]],
        "methods": {match["method"] for match in rule["matches"] if "method" in match},
        "protocols": set(protocols.split(",")) if protocols else {"http", "https"},
        "https_redirect_status_code": int(kong.annotation(http_route, "https-redirect-status-code") or 426),
        "strip_path": kong.annotation(http_route, "strip-path") == "true",
        "preserve_host": kong.annotation(http_route, "preserve-host") != "false",
        "response_buffering": kong.annotation(http_route, "response-buffering") != "false",
        "plugins": dict(kong.plugin(plugins[name]) for name in names),
    }


@pytest.mark.parametrize("more", [(), ("../../kong/oidc",)], ids=["without oidc", "with oidc"])
@pytest.mark.parametrize("name", NAMES)
def test_the_same_routes_with_the_same_plugins(name: str, more: tuple[str, ...]) -> None:
    by_ingress, by_gateway = installed("kong", *more), installed("gateway-api", *more)
    ingress = by_ingress.find("Ingress", name, "portcullis")
    http_route = by_gateway.find("HTTPRoute", name, "portcullis")
    assert ingress is not None
    assert http_route is not None
    wanted = kong.route(ingress, list(by_ingress.resources))
    assert route(http_route, by_gateway.resources) == wanted
    assert ("oidc-jwt" in wanted["plugins"]) == bool(more and name == "portcullis-api")
    # Nothing of either that the other leaves out, but for the methods, which the Gateway API has itself.
    assert kong.annotated(http_route) == kong.annotated(ingress) - {"methods"}
    assert kong.annotated(http_route) >= ON_BOTH


def test_they_lead_to_the_same_service() -> None:
    for name in NAMES:
        ingress = installed("kong").find("Ingress", name, "portcullis")
        http_route = installed("gateway-api").find("HTTPRoute", name, "portcullis")
        assert ingress is not None
        assert http_route is not None
        service = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
        [backend] = http_route["spec"]["rules"][0]["backendRefs"]
        assert backend == {"name": service["name"], "port": 8081}


def test_nothing_else_differs() -> None:
    """Plugins, consumers, the Service, policies and certificates: the very same."""
    by_ingress, by_gateway = installed("kong").resources, installed("gateway-api").resources
    own = {"Ingress", "HTTPRoute", "Gateway", "GatewayClass"}
    assert [r for r in by_gateway if r["kind"] not in own] == [r for r in by_ingress if r["kind"] not in own]


def test_there_is_no_second_way_in() -> None:
    assert {r["metadata"]["name"] for r in installed("kong").of_kind("Ingress")} == set(NAMES)
    assert not list(installed("gateway-api").of_kind("Ingress"))
    assert {r["metadata"]["name"] for r in installed("gateway-api").of_kind("HTTPRoute")} == set(NAMES)


def test_the_gateway_takes_routes_of_our_namespace_only_and_ends_tls() -> None:
    [gateway] = installed("gateway-api").of_kind("Gateway")
    listeners = {row["name"]: row for row in gateway["spec"]["listeners"]}
    assert listeners.keys() == {"http", "https"}
    for listener in listeners.values():
        [(key, value)] = listener["allowedRoutes"]["namespaces"]["selector"]["matchLabels"].items()
        assert (key, value) == ("kubernetes.io/metadata.name", "portcullis")
    assert listeners["https"]["tls"] == {
        "mode": "Terminate",
        "certificateRefs": [{"name": "portcullis-tls"}],
    }
