"""The rules: Prometheus takes them, each alert fires when it should and only then, each is complete.

The cases in `cases/` hold for the true durations. That an alert fires when its fault is made in a running
gateway is shown with shortened ones, in `test_alerts_fire.py`.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from configs.prometheus import resource
from configs.prometheus.resource import RULES
from testing.project.repository import ROOT, read_yaml
from testing.prometheus.tools import (
    CASES,
    FOLDER,
    alerts,
    rules,
    run,
    without_annotations,
    write_rules,
)

ALERTS = sorted({row["alert"] for row in alerts()})
GUIDE = "diagrams/GCP-Gateway-Architecture-Guide.md"
FILES = sorted(CASES.glob("*.yaml"))


def test_prometheus_takes_its_configuration_with_the_rules() -> None:
    checked = run("promtool", "check", "config", FOLDER / "prometheus.yml")
    assert checked.returncode == 0, checked.stderr
    for file in RULES.glob("*.yaml"):
        assert str(file) in checked.stdout


def test_no_rule_stands_twice() -> None:
    checked = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", *sorted(RULES.glob("*.yaml")))
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    "file",
    [pytest.param(file, marks=[pytest.mark.long] * file.stem.endswith("_long")) for file in FILES],
    ids=lambda file: file.stem,
)
def test_cases(file: Path, tmp_path: Path) -> None:
    write_rules(tmp_path / "rules", without_annotations())
    (tmp_path / "cases").mkdir()
    copied = shutil.copy(file, tmp_path / "cases")
    tested = run("promtool", "test", "rules", copied)
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_there_is_a_case_in_which_it_fires_and_one_in_which_it_does_not(alert: str) -> None:
    asked = [
        case
        for file in FILES
        for test in yaml.safe_load(file.read_text("utf-8"))["tests"]
        for case in test["alert_rule_test"]
        if case["alertname"] == alert
    ]
    severities = {row["labels"]["severity"] for row in alerts() if row["alert"] == alert}
    fired = {found["exp_labels"]["severity"] for case in asked for found in case["exp_alerts"]}
    assert fired == severities
    assert any(not case["exp_alerts"] for case in asked)


@pytest.mark.parametrize("row", alerts(), ids=lambda row: f"{row['alert']} {row['labels']['severity']}")
def test_a_row_says_who_is_told_and_what_to_do(row: dict[str, Any]) -> None:
    assert row["labels"] in ({"severity": "page"}, {"severity": "ticket"})
    told = row["annotations"]
    assert told.keys() == {"summary", "description", "runbook_url"}
    assert len(told["summary"]) <= 120
    assert not told["summary"].endswith(".")
    assert len(told["description"]) >= 100
    page = f"https://github.com/portcullis-gateway/portcullis/blob/main/{GUIDE}#{row['alert'].lower()}"
    assert told["runbook_url"] == page


def test_every_alert_has_its_page_in_the_guide() -> None:
    if not (ROOT / GUIDE).exists():
        pytest.skip(f"{GUIDE} is not there")
    headings = re.findall(r"^#+ (.+)$", (ROOT / GUIDE).read_text("utf-8"), re.MULTILINE)
    assert set(ALERTS) <= {heading.strip("` ") for heading in headings}


def test_rows_of_one_name_differ_in_who_is_told() -> None:
    counted = Counter((row["alert"], row["labels"]["severity"]) for row in alerts())
    assert max(counted.values()) == 1


def test_what_is_recorded_seldom_is_never_older_than_prometheus_looks_back() -> None:
    for file in RULES.glob("*.yaml"):
        for group in yaml.safe_load(file.read_text("utf-8"))["groups"]:
            assert group.get("interval", "15s") in {"15s", "1m", "2m", "4m"}, group["name"]


def test_what_is_recorded_is_named_for_its_level_and_operation() -> None:
    recorded = [rule["record"] for rule in rules() if "record" in rule]
    assert len(recorded) == len(set(recorded))
    for name in recorded:
        assert re.fullmatch(r"(gateway|deployment|tenant):portcullis_\w+:[a-z]+_?\w*", name)


def test_the_operators_resource_is_made_of_these_rules() -> None:
    """`python -m configs.prometheus.resource` makes it anew."""
    assert resource.RESOURCE.read_text("utf-8") == resource.resource()
    made = read_yaml(resource.RESOURCE.relative_to(ROOT))["spec"]["groups"]
    assert [rule for group in made for rule in group["rules"]] == rules()


def test_the_operators_resource_is_part_of_what_is_applied() -> None:
    listed = read_yaml("configs/prometheus/kustomization.yaml")["resources"]
    assert set(listed) == {"servicemonitor-backend.yaml", "servicemonitor-kong.yaml", resource.RESOURCE.name}


@pytest.mark.parametrize("job", ["portcullis", "kong"])
def test_the_jobs_are_the_same_with_and_without_the_operator(job: str) -> None:
    known = {row["job_name"] for row in read_yaml("configs/prometheus/prometheus.yml")["scrape_configs"]}
    assert job in known
    name = {"portcullis": "backend", "kong": "kong"}[job]
    [endpoint] = read_yaml(f"configs/prometheus/servicemonitor-{name}.yaml")["spec"]["endpoints"]
    assert {"targetLabel": "job", "replacement": job} in endpoint["relabelings"]
