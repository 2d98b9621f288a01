"""The programs of Prometheus and Alertmanager, where they are, and the rules in forms that tests need."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from configs.prometheus.resource import RULES
from testing.project.repository import ROOT

FOLDER = ROOT / "configs/prometheus"
CASES = Path(__file__).with_name("cases")
#: Debian calls the server of Alertmanager otherwise than its makers do.
NAMES = {"alertmanager": ("alertmanager", "prometheus-alertmanager")}
PACKAGES = {"alertmanager": "prometheus-alertmanager", "amtool": "prometheus-alertmanager"}

Rule = dict[str, Any]


def program(name: str) -> str:
    """Where it is; the test skips without it."""
    for known in NAMES.get(name, (name,)):
        if found := shutil.which(known):
            return found
    pytest.skip(f"{name} is not installed (Debian: {PACKAGES.get(name, 'prometheus')})")


def run(name: str, *arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """One of the tools, with what it wrote."""
    command = [program(name), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def rule_files() -> dict[str, dict[str, Any]]:
    """Every rule file by its name."""
    return {file.name: yaml.safe_load(file.read_text("utf-8")) for file in sorted(RULES.glob("*.yaml"))}


def rules() -> list[Rule]:
    """Every rule of every file."""
    return [rule for file in rule_files().values() for group in file["groups"] for rule in group["rules"]]


def alerts() -> list[Rule]:
    """The rows of the alerts; some names have two."""
    return [rule for rule in rules() if "alert" in rule]


def write_rules(folder: Path, files: dict[str, dict[str, Any]]) -> None:
    """Rule files in a new folder."""
    folder.mkdir()
    for name, document in files.items():
        (folder / name).write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")


def without_annotations() -> dict[str, dict[str, Any]]:
    """The rules without their texts, which promtool's cases would have to repeat word for word."""
    files = rule_files()
    for rule in _rules_in(files):
        rule.pop("annotations", None)
    return files


def shortened(factor: float, least_s: float) -> dict[str, dict[str, Any]]:
    """The same rules with every time in them divided by ``factor``, ranges not below ``least_s``.

    For faults that a test can wait for. Numbers in expressions (thresholds, days until an end) stay.
    """
    files = rule_files()
    for document in files.values():
        for group in document["groups"]:
            group["interval"] = "1s"
    for rule in _rules_in(files):
        rule["expr"] = re.sub(
            r"(?<=\[)\w+(?=\])|(?<=offset )\w+",
            lambda found: _shorter(found[0], factor, least_s),
            rule["expr"],
        )
        promql_parser.parse(rule["expr"])
        if "for" in rule:
            rule["for"] = _shorter(rule["for"], factor, 1)
    return files


def _rules_in(files: dict[str, dict[str, Any]]) -> Iterator[Rule]:
    for document in files.values():
        for group in document["groups"]:
            yield from group["rules"]


def _shorter(text: str, factor: float, least_s: float) -> str:
    seconds = max(least_s, promql_parser.parse_duration(text).total_seconds() / factor)
    return promql_parser.display_duration(timedelta(seconds=round(seconds)))
