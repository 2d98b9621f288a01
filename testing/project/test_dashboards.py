"""Prometheus and Grafana: what they ask for is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.metrics import MetricWrapperBase

from gateway.observability import Metrics
from testing.project.repository import ROOT, files, read, read_yaml

DASHBOARDS = [str(path) for path in files() if path.match("configs/grafana/dashboards/*.json")]
SUFFIXES: dict[str | None, tuple[str, ...]] = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_count", "_sum"),
    "gauge": ("",),
}

_PLACE = frozenset({"service", "route", "workspace"})
KONG = {
    "kong_http_requests_total": _PLACE | {"code", "source", "consumer"},
    "kong_bandwidth_bytes": _PLACE | {"direction", "consumer"},
    **{
        f"kong_{what}_latency_ms{suffix}": _PLACE
        for what in ("kong", "upstream", "request")
        for suffix in SUFFIXES["histogram"]
    },
}
"""Of Kong's prometheus plugin, 3.9."""


def emitted() -> dict[str, frozenset[str]]:
    """Every series of the gateway and of Kong, with its labels."""
    ours = [metric for metric in vars(Metrics()).values() if isinstance(metric, MetricWrapperBase)]
    assert len(ours) >= 5
    return KONG | {
        f"{metric._name}{suffix}": frozenset(metric._labelnames)
        for metric in ours
        for suffix in SUFFIXES[metric._type]
    }


def expressions(dashboard: str) -> Iterator[str]:
    parsed: dict[str, Any] = json.loads(read(dashboard))
    for panel in parsed["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


@pytest.mark.parametrize("dashboard", DASHBOARDS)
def test_every_series_on_it_is_emitted_with_these_labels(dashboard: str) -> None:
    known = emitted()
    for expression in expressions(dashboard):
        names = re.findall(r"\b(?:portcullis|kong)_\w+", expression)
        assert names, expression
        for name in names:
            assert name in known, f"{name} in {expression}"
        labels = {
            label.strip()
            for group in re.findall(r"\bby \(([^)]*)\)", expression)
            for label in group.split(",")
        }
        labels |= set(re.findall(r"[{,]\s*(\w+)\s*[=!]", expression))
        allowed = frozenset({"le"}).union(*(known[name] for name in names))
        assert labels <= allowed, expression


@pytest.mark.parametrize("dashboard", DASHBOARDS)
def test_its_panels_ask_the_provisioned_source_and_do_not_overlap(dashboard: str) -> None:
    [source] = read_yaml("configs/grafana/provisioning/datasources/prometheus.yaml")["datasources"]
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(read(dashboard))["panels"]:
        assert panel["datasource"]["uid"] == source["uid"], panel["title"]
        assert panel["title"]
        assert panel["description"]
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert taken.isdisjoint(cells), panel["title"]
        taken |= cells


def test_prometheus_asks_services_of_compose() -> None:
    services = read_yaml("compose.yaml")["services"]
    jobs = read_yaml("configs/prometheus/prometheus.yml")["scrape_configs"]
    targets = [target for job in jobs for config in job["static_configs"] for target in config["targets"]]
    hosts = dict(target.split(":") for target in targets)
    assert hosts.keys() == {"backend", "kong"}
    assert hosts["backend"] == str(services["backend"]["environment"]["PORTCULLIS_MANAGEMENT_PORT"])
    assert services["kong"]["environment"]["KONG_STATUS_LISTEN"] == f"0.0.0.0:{hosts['kong']}"


def test_grafana_finds_its_dashboards_where_compose_mounts_them() -> None:
    grafana = read_yaml("compose.yaml")["services"]["grafana"]
    [provider] = read_yaml("configs/grafana/provisioning/dashboards/portcullis.yaml")["providers"]
    mounts = dict(volume.removesuffix(":ro").split(":") for volume in grafana["volumes"])
    [folder] = [source for source, target in mounts.items() if target == provider["options"]["path"]]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (ROOT / folder / home.rpartition("/")[2]).is_file()
