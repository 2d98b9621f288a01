"""What Kong's chart would take, by its own values, where these are at hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from testing.project.repository import ROOT, read

SCHEMAS = ROOT.parent / "shared" / "crds"
pytestmark = pytest.mark.skipif(not SCHEMAS.is_dir(), reason="the schemas of other projects are not here")

CHART = "kong-chart-3.4.1-values.yaml"
FREE = {
    "env",
    "annotations",
    "resources",
    "behavior",
    "metrics",
    "parameters",
    "topologySpreadConstraints",
} | {
    "userDefinedVolumes",
    "namespaceSelector",
    "updateStrategy",
}
"""Whatever stands below these is not the chart's: it is passed on."""


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


PATHS = sorted(
    {
        path
        for name in ("kong-values.yaml", "kong-values-managed-redis.yaml")
        for path in keys(yaml.safe_load(read(f"configs/kong/{name}")))
    }
)


@pytest.mark.parametrize("path", PATHS, ids=".".join)
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
