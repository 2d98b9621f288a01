"""Kubernetes' own schemas and custom resources', strict: a field nobody knows is refused, not dropped."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import kubernetes_validate  # type: ignore[import-untyped]
import referencing
import yaml

from testing.kubernetes import cel
from testing.kubernetes.rendering import Resource
from testing.project.repository import ROOT

VERSIONS = ("1.32", "1.33", "1.34", "1.35", "1.36")
CUSTOM = ROOT.parent / "shared" / "crds"
WITHOUT_CUSTOM = "the shared data is not beside this checkout"
NATIVE_GROUPS = frozenset(
    {
        *("", "apps", "batch", "autoscaling", "policy"),
        *(f"{name}.k8s.io" for name in ("networking", "rbac.authorization", "storage", "scheduling")),
        *(f"{name}.k8s.io" for name in ("admissionregistration", "apiregistration", "discovery")),
    }
)

_known: dict[str, list[str]] = {}


def faults(resource: Resource) -> list[str]:
    """What any of the versions, or the resource's definition, has against it. The same one is asked once."""
    key = hashlib.sha256(json.dumps(resource, sort_keys=True, default=str).encode()).hexdigest()
    if key not in _known:
        _known[key] = [f"{named(resource)}: {fault}" for fault in _faults(resource)]
    return _known[key]


def named(resource: Resource) -> str:
    return f"{resource['kind']}/{resource['metadata']['name']}"


def is_native(resource: Resource) -> bool:
    return group(resource) in NATIVE_GROUPS


def group(resource: Resource) -> str:
    version: str = resource["apiVersion"]
    return version.rpartition("/")[0]


def has_schema(resource: Resource) -> bool:
    """Whether there is something to hold it to."""
    return is_native(resource) or (resource["apiVersion"], resource["kind"]) in definitions()


def _faults(resource: Resource) -> Iterator[str]:
    if is_native(resource):
        for version in VERSIONS:
            validator = native(version, resource["kind"], resource["apiVersion"])
            if validator is None:
                yield f"there is no {resource['apiVersion']} {resource['kind']} in Kubernetes {version}"
                continue
            for error in validator.iter_errors(resource):
                yield f"{error.json_path}: {error.message[:300]} (Kubernetes {version})"
    elif has_schema(resource):
        schema, validator = definitions()[resource["apiVersion"], resource["kind"]]
        for error in validator.iter_errors(resource):
            yield f"{error.json_path}: {error.message[:300]}"
        yield from cel.faults(schema, with_defaults(schema, resource))


@cache
def _folder(version: str) -> Path:
    root = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    return root / f"v{version}.0-local-strict"


@cache
def _registry(version: str) -> Any:
    shared = json.loads((_folder(version) / "_definitions.json").read_text())
    return referencing.Resource.from_contents(shared) @ referencing.Registry()


@cache
def native(version: str, kind: str, api_version: str) -> Any:
    """The validator of a kind in a Kubernetes version, None where that version does not have it."""
    name, _, number = api_version.rpartition("/")
    stem = "-".join(filter(None, (kind.lower(), name.split(".")[0], number)))
    file = _folder(version) / f"{stem}.json"
    if not file.is_file():
        return None
    return jsonschema.Draft202012Validator(json.loads(file.read_text()), registry=_registry(version))


@cache
def definitions() -> dict[tuple[str, str], tuple[Any, Any]]:
    """By apiVersion and kind: the schema as it stands, and its strict validator."""
    found = {}
    for file in sorted(CUSTOM.glob("*.yaml")):
        for crd in yaml.load_all(file.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if not isinstance(crd, dict) or crd.get("kind") != "CustomResourceDefinition":
                continue
            for version in crd["spec"]["versions"]:
                if not version["served"]:
                    continue
                schema = version["schema"]["openAPIV3Schema"]
                schema["properties"]["metadata"] = {"type": "object"}
                key = (f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"])
                found[key] = (schema, jsonschema.Draft202012Validator(strict(schema)))
    return found


def strict(schema: Any) -> Any:
    """A definition's schema as JSON schema, which refuses a field that the API server would silently drop."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {
        key: {name: strict(inner) for name, inner in value.items()} if key == "properties" else strict(value)
        for key, value in schema.items()
    }
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
        made["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if schema.get("nullable") and "type" in made:
        made["type"] = [made["type"], "null"]
    open_ended = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if schema.get("type") == "object" and "properties" in schema and not open_ended:
        made["additionalProperties"] = False
    return made


def with_defaults(schema: Any, value: Any) -> Any:
    """A copy with the schema's defaults filled in, as the API server does before it asks the rules."""
    if isinstance(value, dict):
        inner = schema.get("properties", {})
        made = {
            name: with_defaults(inner.get(name) or schema.get("additionalProperties") or {}, item)
            for name, item in value.items()
        }
        for name, part in inner.items():
            if name not in made and isinstance(part, dict) and "default" in part:
                made[name] = with_defaults(part, copy.deepcopy(part["default"]))
        return made
    if isinstance(value, list) and isinstance(schema, dict):
        return [with_defaults(schema.get("items") or {}, item) for item in value]
    return value
