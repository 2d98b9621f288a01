"""The ingress controller's resources and kong.yaml mean the same."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gateway.kong_config import KONG_YAML, render
from testing.kong import resources
from testing.kong.resources import ISSUERS, Resource, annotated, annotation, of_kind, plugin, route
from testing.project.repository import read_yaml

TENANTS = set(read_yaml("configs/gateway/gateway.yaml")["tenants"])
CONSUMERS: list[Any] = [
    {"username": name, "jwt_secrets": [{"key": name, "secret": "x"}]} for name in sorted(TENANTS)
]


@pytest.fixture(params=["without oidc", "with oidc"])
def both(request: pytest.FixtureRequest) -> tuple[list[Resource], dict[str, Any]]:
    """The resources, and the document that a start renders for the same."""
    oidc = request.param == "with oidc"
    document = render(
        read_yaml(KONG_YAML),
        consumers=CONSUMERS,
        service_url="https://portcullis-backend:8081",
        service_ca="-----BEGIN CERTIFICATE-----\nof our own authority\n-----END CERTIFICATE-----",
        tag_keys_file="/etc/portcullis/tag-keys.json",
        issuers=ISSUERS if oidc else None,
        redis_url="rediss://redis.test:6379/0",
        tls=True,
    )
    return resources.with_oidc() if oidc else resources.base(), document


def configured(plugins: list[dict[str, Any]]) -> dict[str, Any]:
    return {row["name"]: row["config"] for row in plugins}


def test_the_same_plugins_for_everything(both: tuple[list[Resource], dict[str, Any]]) -> None:
    found, document = both
    globally = of_kind(found, "KongClusterPlugin")
    for resource in globally.values():
        assert resource["metadata"]["labels"] == {"global": "true"}
        assert resource["metadata"]["annotations"] == {"kubernetes.io/ingress.class": "kong"}
    assert dict(map(plugin, globally.values())) == configured(document["plugins"])


@pytest.mark.parametrize("name", ["health", "api"])
def test_the_same_routes_with_the_same_plugins(
    name: str, both: tuple[list[Resource], dict[str, Any]]
) -> None:
    found, document = both
    [service] = document["services"]
    [wanted] = [row for row in service["routes"] if row["name"] == name]
    ingress = of_kind(found, "Ingress")[f"portcullis-{name}"]
    assert ingress["spec"]["ingressClassName"] == "kong"
    assert route(ingress, found) == {
        "paths": wanted["paths"],
        "methods": set(wanted.get("methods", ())),
        "protocols": set(wanted.get("protocols", ("http", "https"))),
        "https_redirect_status_code": wanted.get("https_redirect_status_code", 426),
        "strip_path": wanted.get("strip_path", True),
        "preserve_host": wanted.get("preserve_host", False),
        "response_buffering": wanted.get("response_buffering", True),
        "plugins": configured(wanted.get("plugins", [])),
    }


def test_there_is_no_route_and_no_plugin_beside_them(both: tuple[list[Resource], dict[str, Any]]) -> None:
    found, document = both
    [service] = document["services"]
    assert len(of_kind(found, "Ingress")) == len(service["routes"])
    used = {
        name
        for ingress in of_kind(found, "Ingress").values()
        for name in (annotation(ingress, "plugins") or "").split(",")
        if name
    }
    assert used == of_kind(found, "KongPlugin").keys()


def test_the_same_service(both: tuple[list[Resource], dict[str, Any]]) -> None:
    found, document = both
    [wanted] = document["services"]
    [service] = of_kind(found, "Service").values()
    for ours, theirs in (
        ("connect-timeout", "connect_timeout"),
        ("write-timeout", "write_timeout"),
        ("read-timeout", "read_timeout"),
        ("retries", "retries"),
    ):
        assert annotation(service, ours) == str(wanted[theirs]), ours
    assert annotation(service, "protocol") == wanted["protocol"]
    # A pod is asked by its address, and known by the name of the Service.
    name, space = service["metadata"]["name"], service["metadata"]["namespace"]
    assert annotation(service, "host-header") == f"{name}.{space}.svc"
    assert annotation(service, "tls-verify") == str(wanted["tls_verify"]).lower()
    assert annotated(service) == {
        "protocol",
        "host-header",
        "tls-verify",
        "connect-timeout",
        "write-timeout",
        "read-timeout",
        "retries",
        "upstream-policy",
    }
    for ingress in of_kind(found, "Ingress").values():
        [rule] = ingress["spec"]["rules"]
        assert rule["http"]["paths"][0]["backend"]["service"] == {
            "name": service["metadata"]["name"],
            "port": {"name": service["spec"]["ports"][0]["name"]},
        }


def test_the_same_upstream(both: tuple[list[Resource], dict[str, Any]]) -> None:
    found, document = both
    [service] = of_kind(found, "Service").values()
    policy = of_kind(found, "KongUpstreamPolicy")[annotation(service, "upstream-policy") or ""]
    if "upstreams" not in document:
        pytest.skip("kong.yaml names no upstream")
    [upstream] = document["upstreams"]
    settings = {key: value for key, value in upstream.items() if key not in ("name", "targets")}
    assert snake(policy["spec"]) == settings


def snake(value: Any) -> Any:
    """Kubernetes' spelling of a name as Kong's."""
    if isinstance(value, dict):
        return {
            re.sub("[A-Z]", lambda c: f"_{c[0].lower()}", key): snake(item) for key, item in value.items()
        }
    return value


def test_the_same_consumers(both: tuple[list[Resource], dict[str, Any]]) -> None:
    found, document = both
    consumers = of_kind(found, "KongConsumer")
    names = {resource["username"] for resource in consumers.values()}
    assert names == {row["username"] for row in document["consumers"]}
    for name, resource in consumers.items():
        tenant = resource["username"]
        assert name == f"portcullis-{tenant}"
        credentials = resource.get("credentials", [])
        assert credentials == ([f"portcullis-{tenant}-jwt"] if tenant in TENANTS else [])


def test_no_secret_stands_in_them() -> None:
    assert not of_kind(resources.with_oidc(), "Secret")


def test_the_key_of_the_tag_is_where_the_chart_mounts_it() -> None:
    [values] = resources.load("kong-values.yaml")
    [mounted] = values["extraSecrets"]
    tag = of_kind(resources.base(), "KongPlugin")["portcullis-compliance-tag"]
    assert tag["config"]["tag_keys_file"] == f"{mounted['mountPath']}/tag-keys.json"
