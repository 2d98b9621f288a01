"""Prometheus and Grafana: what they ask for is there, and the dashboards are what their rows say."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from grafana_foundation_sdk.models import units

from configs.grafana.source import pages
from configs.grafana.source.rows import Kind, Needs, Panel
from testing.project.emitted import OF_A_CLUSTER, known, of_kong, ours
from testing.project.grafana_schema import faults
from testing.project.promql import Fault, Known, Series, labels_of, names_in
from testing.project.repository import ROOT, read, read_yaml
from testing.prometheus.tools import rules

FILES = sorted(pages.PAGES)
PANELS = [(file, panel) for file, page in pages.PAGES.items() for panel in page.panels]
PANEL_IDS = [f"{file.removesuffix('.json')}: {panel.title}" for file, panel in PANELS]
UNITS = {value for name, value in vars(units).items() if isinstance(value, str) and name[0].isupper()}
every_panel = pytest.mark.parametrize("panel", [panel for _, panel in PANELS], ids=PANEL_IDS)
every_file = pytest.mark.parametrize("file", FILES)


@cache
def all_known() -> Known:
    return known()


def test_the_files_are_what_the_rows_say() -> None:
    """`python -m configs.grafana.source` writes them anew."""
    written = {file.name: file.read_text("utf-8") for file in pages.FOLDER.iterdir()}
    assert written == pages.texts()


@every_file
def test_grafanas_schema_takes_it(file: str) -> None:
    assert faults(json.loads(pages.texts()[file])) == []


MISTAKES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a field that a dashboard does not have": lambda page: page.update(titel="x"),
    "a title that is no text": lambda page: page.update(title=1),
    "a version that is a text": lambda page: page.update(schemaVersion="41"),
    "a place with a text in it": lambda page: page["panels"][1]["gridPos"].update(w="12"),
    "a field that a panel does not have": lambda page: page["panels"][1].update(unit="s"),
    "a plugin that is not there": lambda page: page["panels"][1].update(type="graf"),
    "an option of another plugin": lambda page: page["panels"][1]["options"].update(legend={}),
    "a mode that is not there": lambda page: page["panels"][1]["options"].update(graphMode="lines"),
    "a unit in the wrong place": lambda page: page["panels"][1]["fieldConfig"].update(unit="s"),
    "a threshold without a number": lambda page: page["panels"][1]["fieldConfig"]["defaults"]["thresholds"][
        "steps"
    ].append({"color": "red", "value": "5"}),
    "a query's field that is not there": lambda page: page["panels"][1]["targets"][0].update(expression="up"),
    "a variable of no kind": lambda page: page["templating"]["list"][0].update(type="querry"),
    "a link of no kind": lambda page: page["links"][0].update(type="page"),
    "a mark without a place for its query": lambda page: page["annotations"]["list"][0].update(query="x"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_grafanas_schema_refuses(mistake: str) -> None:
    page = copy.deepcopy(json.loads(pages.texts()["overview.json"]))
    MISTAKES[mistake](page)
    assert len(faults(page)) == 1


@every_panel
def test_a_panel_asks_for_what_is_emitted_with_these_labels(panel: Panel) -> None:
    there = {**OF_A_CLUSTER, **all_known()} if panel.needs is Needs.CLUSTER else all_known()
    assert panel.queries
    for query in panel.queries:
        labels = labels_of(query.expression, there)
        named = {word.partition("}}")[0] for word in query.legend.split("{{")[1:]}
        assert named <= labels, query.legend
        assert query.legend


@every_panel
def test_a_panel_is_marked_with_what_it_needs(panel: Panel) -> None:
    asked = frozenset().union(*(names_in(query.expression) for query in panel.queries))
    wanted = Needs.GATEWAY
    if asked & of_kong().keys():
        wanted = Needs.KONG
    if asked & OF_A_CLUSTER.keys():
        wanted = Needs.CLUSTER
    assert panel.needs is wanted


@every_panel
def test_a_panel_says_what_it_shows(panel: Panel) -> None:
    assert panel.unit in UNITS
    assert panel.title
    assert panel.description.endswith(".")
    assert len(panel.description) >= 10
    values = [value for value, _ in panel.steps]
    assert values == sorted(values)
    assert panel.width <= 24


def test_the_infrastructure_panels_are_listed_as_not_proven() -> None:
    unproven = [panel.title for _, panel in PANELS if panel.needs is Needs.CLUSTER]
    listed = read("configs/grafana/README.md").partition("## Not proven")[2]
    rows = [line.split("|")[1].strip() for line in listed.splitlines() if line.startswith("| ")]
    assert rows[1:] == unproven
    assert len(unproven) == len(pages.PAGES["infrastructure.json"].panels)


@every_file
def test_titles_differ_and_panels_do_not_overlap(file: str) -> None:
    page = json.loads(pages.texts()[file])
    titles = [panel["title"] for panel in page["panels"]]
    assert len(titles) == len(set(titles))
    taken: set[tuple[int, int]] = set()
    for panel in page["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert taken.isdisjoint(cells), panel["title"]
        taken |= cells


@every_file
def test_every_choice_is_used_and_has_values(file: str) -> None:
    text = pages.texts()[file]
    for variable in pages.PAGES[file].variables:
        assert f"${variable.name}" in text
        assert variable.name in all_known()[variable.metric].labels
    used = {word for word in ("$deployment", "$tenant") if word in text}
    assert used == {f"${variable.name}" for variable in pages.PAGES[file].variables}


@every_file
def test_it_asks_the_chosen_source_which_is_first_the_provisioned_one(file: str) -> None:
    [source] = read_yaml("configs/grafana/provisioning/datasources/prometheus.yaml")["datasources"]
    page = json.loads(pages.texts()[file])
    chosen = page["templating"]["list"][0]
    assert (chosen["type"], chosen["query"], chosen["current"]["value"]) == (
        "datasource",
        source["type"],
        source["uid"],
    )
    for panel in page["panels"]:
        if panel["type"] != "row":
            assert panel["datasource"] == {"type": source["type"], "uid": "${datasource}"}


def test_every_metric_of_ours_is_shown_or_alerted_on() -> None:
    asked = frozenset().union(
        *(names_in(query.expression) for _, panel in PANELS for query in panel.queries),
        *(names_in(rule["expr"]) for rule in rules()),
    )
    families = {name.removesuffix(suffix) for name in asked for suffix in ("_bucket", "_count", "_sum", "")}
    wanted = {
        name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum")
        for name in ours()
        if name.startswith("portcullis_")
    }
    assert wanted - families == set()


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_asks_for_what_is_emitted_with_these_labels(rule: dict[str, Any]) -> None:
    labels = labels_of(rule["expr"], all_known())
    told = " ".join(rule.get("annotations", {}).values())
    named = {word.partition(" ")[0].rstrip("}") for word in told.split("$labels.")[1:]}
    assert {name.rstrip("})") for name in named} <= labels
    if "record" in rule:
        level = rule["record"].partition(":")[0]
        assert labels == (frozenset() if level == "gateway" else {level})


def _wrong() -> Iterator[tuple[str, str]]:
    yield "nobody emits portcullis_request_total", "sum(portcullis_request_total)"
    yield "has no label state", 'portcullis_requests_total{state="200"}'
    yield "is never 'outcom'", 'portcullis_refusals_total{code="outcom"}'
    yield "is never 'reject'", 'portcullis_attempts_total{outcome=~"ok|reject"}'
    yield "grouped by model", "sum by (model) (rate(portcullis_attempts_total[5m]))"
    yield "grouped by deployment", "sum by (deployment) (sum(rate(portcullis_attempts_total[5m])))"
    yield "no counter", "rate(portcullis_ready[5m])"
    yield "no le", "histogram_quantile(0.9, sum(rate(portcullis_overhead_seconds_bucket[5m])))"
    yield "never meets", "sum by (deployment) (portcullis_attempts_total) / portcullis_ready"
    yield "both sides do not have", "portcullis_ready * on (deployment) portcullis_deployment_info"
    yield (
        "takes tier from",
        (
            "sum by (deployment) (portcullis_attempts_total) * on (deployment) group_left (tier) "
            "portcullis_deployment_info"
        ),
    )
    yield "unclosed left parenthesis", "sum(rate(portcullis_requests_total[5m]"


@pytest.mark.parametrize(("said", "expression"), list(_wrong()))
def test_the_check_finds(said: str, expression: str) -> None:
    with pytest.raises(Fault, match=said):
        labels_of(expression, all_known())


def test_the_check_knows_what_a_rule_records() -> None:
    assert all_known()["deployment:portcullis_attempts:rate5m"] == Series(frozenset({"deployment"}))


def test_prometheus_asks_services_of_compose() -> None:
    services = read_yaml("compose.yaml")["services"]
    document = read_yaml("configs/prometheus/prometheus.yml")
    targets = [
        target
        for job in document["scrape_configs"]
        for config in job["static_configs"]
        for target in config["targets"]
    ]
    hosts = dict(target.split(":") for target in targets)
    assert hosts.keys() == {"backend", "kong"}
    assert hosts["backend"] == str(services["backend"]["environment"]["PORTCULLIS_MANAGEMENT_PORT"])
    assert services["kong"]["environment"]["KONG_STATUS_LISTEN"] == f"0.0.0.0:{hosts['kong']}"
    [manager] = document["alerting"]["alertmanagers"]
    [told] = manager["static_configs"][0]["targets"]
    assert services[told.partition(":")[0]]["ports"] == ["127.0.0.1:9093:9093"]


def test_compose_mounts_the_rules_where_prometheus_looks() -> None:
    """Relative names are taken from the folder that its configuration is in."""
    [pattern] = read_yaml("configs/prometheus/prometheus.yml")["rule_files"]
    mounts = _mounts("prometheus")
    assert mounts["./configs/prometheus/prometheus.yml"] == "/etc/prometheus/prometheus.yml"
    assert mounts["./configs/prometheus/rules"] == f"/etc/prometheus/{pattern.partition('/')[0]}"


def test_grafana_finds_its_dashboards_where_compose_mounts_them() -> None:
    grafana = read_yaml("compose.yaml")["services"]["grafana"]
    [provider] = read_yaml("configs/grafana/provisioning/dashboards/portcullis.yaml")["providers"]
    [folder] = [at for at, target in _mounts("grafana").items() if target == provider["options"]["path"]]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (ROOT / folder / home.rpartition("/")[2]).is_file()


def _mounts(service: str) -> dict[str, str]:
    volumes = read_yaml("compose.yaml")["services"][service]["volumes"]
    return dict(volume.removesuffix(":ro").split(":") for volume in volumes)


def test_a_cluster_gets_every_dashboard_under_the_label_that_is_looked_for() -> None:
    document = read_yaml("configs/grafana/kustomization.yaml")
    assert document["generatorOptions"]["labels"]["grafana_dashboard"] == "1"
    listed = [file for row in document["configMapGenerator"] for file in row["files"]]
    assert sorted(listed) == [f"dashboards/{file}" for file in FILES]
    for file in listed:
        # What `kubectl apply` keeps in an annotation may be 256 KiB, quotation marks escaped.
        assert len(json.dumps((ROOT / "configs/grafana" / file).read_text("utf-8"))) < 200_000


def test_the_stat_panels_have_thresholds_or_none_at_all() -> None:
    """A colour that never changes says nothing: then there is none."""
    for file in FILES:
        for panel in json.loads(pages.texts()[file])["panels"]:
            if panel["type"] == Kind.STAT:
                steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
                assert panel["options"]["colorMode"] == ("none" if len(steps) == 1 else "value")
