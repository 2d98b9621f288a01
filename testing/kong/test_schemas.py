"""What the chart and the cluster would take, by their own schemas, where these are at hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from testing.kong import resources
from testing.kong.resources import Resource
from testing.project.repository import ROOT, read

SCHEMAS = ROOT.parent / "shared" / "crds"
pytestmark = pytest.mark.skipif(not SCHEMAS.is_dir(), reason="the schemas of other projects are not here")

CHART = "kong-chart-3.4.1-values.yaml"
FREE = {"env", "annotations", "resources", "behavior", "metrics", "parameters", "topologySpreadConstraints"}
"""Whatever stands below these is not the chart's: it is passed on."""


def strict(schema: Any) -> Any:
    """A CRD's schema as JSON schema, which refuses a field that the API server would drop without a word."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) if key != "properties" else properties(value) for key, value in schema.items()}
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
    closed = not schema.get("x-kubernetes-preserve-unknown-fields") and "additionalProperties" not in schema
    if schema.get("type") == "object" and "properties" in schema and closed:
        made["additionalProperties"] = False
    return made


def properties(given: dict[str, Any]) -> dict[str, Any]:
    return {name: strict(schema) for name, schema in given.items()}


@cache
def validators() -> dict[tuple[str, str], Any]:
    """By apiVersion and kind."""
    found = {}
    for file in SCHEMAS.glob("*.yaml"):
        if file.name == CHART:
            continue
        for crd in yaml.safe_load_all(file.read_text()):
            for version in (crd or {}).get("spec", {}).get("versions", ()):
                schema = strict(version["schema"]["openAPIV3Schema"])
                schema["properties"]["metadata"] = {"type": "object"}
                key = (f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"])
                found[key] = jsonschema.Draft202012Validator(schema)
    return found


def custom() -> Iterator[Resource]:
    for resource in (*resources.with_oidc(), *resources.load("certificate.yaml")):
        if "." in resource["apiVersion"] and not resource["apiVersion"].startswith("networking.k8s.io/"):
            yield resource


@pytest.mark.parametrize(
    "resource", list(custom()), ids=lambda resource: "/".join(resources.identity(resource))
)
def test_a_resource_is_what_its_definition_says(resource: Resource) -> None:
    validator = validators()[resource["apiVersion"], resource["kind"]]
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(resource)] == []


@pytest.mark.parametrize(
    "change",
    [{"pluginn": "x"}, {"plugin": None}, {"config": "text"}, {"configPatches": [{"path": "/x", "value": 1}]}],
)
def test_a_resource_that_is_not_is_found(change: dict[str, Any]) -> None:
    validator = validators()["configuration.konghq.com/v1", "KongPlugin"]
    good = resources.of_kind(resources.base(), "KongPlugin")["portcullis-jwt"]
    assert list(validator.iter_errors(good)) == []
    assert list(validator.iter_errors({**good, **change}))


@cache
def chart_values() -> Any:
    return yaml.safe_load((SCHEMAS / CHART).read_text())


def chart_knows(path: tuple[str, ...]) -> bool:
    """Whether the chart's values have that key, set or in a comment at its place."""
    values: Any = chart_values()
    for name in path[:-1]:
        values = values.get(name) if isinstance(values, dict) else None
    if isinstance(values, dict) and path[-1] in values:
        return True
    lines = (SCHEMAS / CHART).read_text().splitlines()
    for depth, name in enumerate(path[:-1]):
        start = next(i for i, line in enumerate(lines) if line.startswith(f"{'  ' * depth}{name}:"))
        rest = lines[start + 1 :]
        end = next((i for i, line in enumerate(rest) if re.match(rf"(  ){{0,{depth}}}\w", line)), len(rest))
        lines = rest[:end]
    comment = re.compile(rf"{'  ' * (len(path) - 1)}#{{1,2}} {path[-1]}:")
    return any(comment.match(line) for line in lines)


def keys(values: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in values.items():
        yield (*above, name)
        if isinstance(value, dict) and name not in FREE:
            yield from keys(value, (*above, name))


VALUES = yaml.safe_load(read("configs/kong/kong-values.yaml"))


@pytest.mark.parametrize("path", list(keys(VALUES)), ids=".".join)
def test_the_chart_knows_a_value(path: tuple[str, ...]) -> None:
    """Helm says nothing of one that it does not."""
    if path[:1] == ("securityContext",):
        # The pod's own, passed on.
        assert path[1:] in ((), ("fsGroup",))
        return
    assert chart_knows(path)


@pytest.mark.parametrize(
    "path",
    [
        ("envs",),
        ("image", "name"),
        ("proxy", "https"),
        ("maxUnavailable",),
        ("proxy", "topologySpreadConstraints"),
    ],
)
def test_a_value_that_the_chart_does_not_know_is_found(path: tuple[str, ...]) -> None:
    assert not chart_knows(path)
