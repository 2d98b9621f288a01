"""configs/kong for the ingress controller, read as the controller reads it: into Kong's own document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from testing.project.repository import read, read_yaml

FOLDER = "configs/kong"
GATEWAY = "konghq.com/"
REDIS = {"host": "redis.test", "port": 6379, "database": 0, "ssl": True, "ssl_verify": True}
ISSUERS = {"issuers": [{"issuer": "https://idp.test", "consumer": "demo", "audience": ["portcullis"]}]}
SECRETS: Mapping[tuple[str, str], Any] = {
    ("portcullis-kong-redis", "redis"): REDIS,
    ("portcullis-issuers", "config"): ISSUERS,
}
"""What a person puts beside the resources."""

Resource = dict[str, Any]


def load(name: str) -> list[Resource]:
    """Every document of a file in configs/kong."""
    return [document for document in yaml.safe_load_all(read(f"{FOLDER}/{name}")) if document]


def base() -> list[Resource]:
    """With the backend's Service, to which Kong's part is added."""
    service: Resource = read_yaml("configs/kubernetes/base/service.yaml")
    [kongs] = load("service.yaml")
    assert identity(service) == identity(kongs)
    merge(service, kongs)
    return [*load("kong-plugins.yaml"), service]


def with_oidc() -> list[Resource]:
    """The base with the component laid over it, as kustomize does it."""
    component = load("oidc/kustomization.yaml")[0]
    found = [*base(), *(resource for name in component["resources"] for resource in load(f"oidc/{name}"))]
    for patch in (document for row in component["patches"] for document in load(f"oidc/{row['path']}")):
        [target] = [resource for resource in found if identity(resource) == identity(patch)]
        merge(target, patch)
    return found


def identity(resource: Resource) -> tuple[str, str]:
    return resource["kind"], resource["metadata"]["name"]


def merge(target: dict[str, Any], patch: Mapping[str, Any]) -> None:
    """A strategic merge without lists."""
    for key, value in patch.items():
        if isinstance(value, Mapping) and isinstance(target.get(key), dict):
            merge(target[key], value)
        else:
            assert not isinstance(value, list)
            target[key] = value


def of_kind(resources: Iterable[Resource], *kinds: str) -> dict[str, Resource]:
    return {resource["metadata"]["name"]: resource for resource in resources if resource["kind"] in kinds}


def plugin(resource: Resource) -> tuple[str, Any]:
    """Name and configuration, with what its Secrets hold."""
    if "configFrom" in resource:
        return resource["plugin"], _secret(resource["configFrom"])
    config = dict(resource.get("config", {}))
    for patch in resource.get("configPatches", ()):
        config[patch["path"].removeprefix("/")] = _secret(patch["valueFrom"])
    return resource["plugin"], config


def _secret(source: Mapping[str, Any]) -> Any:
    reference = source["secretKeyRef"]
    return SECRETS[reference["name"], reference["key"]]


def annotation(resource: Resource, name: str) -> str | None:
    found: str | None = resource["metadata"].get("annotations", {}).get(GATEWAY + name)
    return found


def annotated(resource: Resource) -> set[str]:
    """The names of those that are Kong's."""
    given = resource["metadata"].get("annotations", {})
    return {name.removeprefix(GATEWAY) for name in given if name.startswith(GATEWAY)}


def kong_path(path: Mapping[str, str]) -> str:
    """The controller's translation of a path; other kinds are not ours."""
    if path["pathType"] == "Exact":
        return f"~{re.escape(path['path'])}$"
    assert (path["pathType"], path["path"]) == ("Prefix", "/")
    return "/"


def route(ingress: Resource, resources: list[Resource]) -> dict[str, Any]:
    """The route that an Ingress of one path makes."""
    [rule] = ingress["spec"]["rules"]
    [path] = rule["http"]["paths"]
    assert "host" not in rule
    plugins = of_kind(resources, "KongPlugin")
    names = [name for name in (annotation(ingress, "plugins") or "").split(",") if name]
    return {
        "paths": [kong_path(path)],
        "methods": _words(annotation(ingress, "methods")),
        "protocols": _words(annotation(ingress, "protocols")) or {"http", "https"},
        "https_redirect_status_code": int(annotation(ingress, "https-redirect-status-code") or 426),
        "strip_path": annotation(ingress, "strip-path") == "true",
        # The controller's defaults are Kong's but for this one.
        "preserve_host": annotation(ingress, "preserve-host") != "false",
        "response_buffering": annotation(ingress, "response-buffering") != "false",
        "plugins": dict(plugin(plugins[name]) for name in names),
    }


def _words(text: str | None) -> set[str]:
    return set(text.split(",")) if text else set()
