"""Writes the rules as the Prometheus operator's resource: `python -m configs.prometheus.resource`.

The truth is in `rules/`; `prometheusrule.yaml` is made of it and a test says when it is stale.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parent
RULES = FOLDER / "rules"
RESOURCE = FOLDER / "prometheusrule.yaml"
NOTE = "# Made of rules/ by `python -m configs.prometheus.resource`: change it there.\n"


class _Readable(yaml.SafeDumper):
    """Lists stand in from their key, and long texts below it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - PyYAML's
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else ">" if len(text) > 80 else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Readable.add_representer(str, _text)


def rule_groups() -> list[dict[str, Any]]:
    """The groups of every rule file, in the order of the files' names."""
    files = sorted(RULES.glob("*.yaml"))
    return [group for file in files for group in yaml.safe_load(file.read_text("utf-8"))["groups"]]


def resource() -> str:
    """The resource's text."""
    document = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "portcullis", "namespace": "portcullis"},
        "spec": {"groups": rule_groups()},
    }
    return NOTE + yaml.dump(document, Dumper=_Readable, sort_keys=False, width=100, allow_unicode=True)


def main() -> None:
    """Write it, by rename."""
    new = RESOURCE.with_suffix(".new")
    new.write_text(resource(), "utf-8")
    new.replace(RESOURCE)


if __name__ == "__main__":
    main()
