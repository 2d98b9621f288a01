"""configs/kubernetes/README.md: its table is complete, and what it has people run does what it says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from testing.kubernetes.model import Cluster
from testing.kubernetes.rendering import Combination, components, conflicts, render
from testing.kubernetes.rules.references import referred_secrets
from testing.project.repository import ROOT, read, read_yaml

README = read("configs/kubernetes/README.md")


def test_every_component_is_in_the_table() -> None:
    rows = re.findall(r"^\| (`[^|]+`) \|", README, re.MULTILINE)
    assert sorted(name for row in rows for name in re.findall(r"`([\w-]+)`", row)) == components()


def test_conflicts_and_needs_are_of_components() -> None:
    needs = read_yaml("configs/kubernetes/conflicts.yaml")["needs"]
    named = {name for pair in conflicts() for name in pair} | needs.keys()
    assert named | {name for row in needs.values() for name in row} <= set(components())


@pytest.mark.usefixtures("kubectl")
def test_the_secrets_that_it_has_people_make_are_those_that_dev_wants(tmp_path: Path) -> None:
    [script] = [block for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) if "values()" in block]
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(f'#!/bin/sh\n[ "$1" = create ] || cat >>{tmp_path}/applied\n')
    kubectl.chmod(0o755)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f'PATH="{tmp_path}:$PATH"\n{script}'],
        cwd=tmp_path,
        timeout=30,
        check=True,
    )
    documents = list(filter(None, yaml.safe_load_all((tmp_path / "applied").read_text())))
    made = {(row["metadata"]["namespace"], row["metadata"]["name"]) for row in documents}
    cluster = Cluster(render(Combination("dev")))
    by_cert_manager = {
        (row["metadata"]["namespace"], row["spec"]["secretName"]) for row in cluster.of_kind("Certificate")
    }
    wanted = set(referred_secrets(cluster)) - by_cert_manager
    # Kong's own pods are the chart's; a provider's key may be missing.
    assert made - {("kong", "portcullis-tag-keys")} == wanted - {("portcullis", "llm-api-keys")}
    declared = {row["name"]: row["keys"] for row in read_yaml("configs/kubernetes/secrets.yaml")["secrets"]}
    for row in documents:
        assert set(declared.get(row["metadata"]["name"], ())) - {"ca.crt"} <= row["data"].keys()
    assert not [path for path in (tmp_path / ".local").rglob("*") if path.stat().st_mode & 0o077]
