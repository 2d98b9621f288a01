"""The guide and the other pages of a folder: what they name is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from testing.project.repository import ROOT, files, read

GUIDE = "diagrams/GCP-Gateway-Architecture-Guide.md"
PAGES = [str(path) for path in files() if path.suffix == ".md" and "corpus" not in path.parts]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_of_a_page_lead_somewhere(page: str) -> None:
    here = ROOT / page
    for link in re.findall(r"\]\(([^)\s]+)\)", here.read_text("utf-8")):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (here.parent / name).resolve() if name else here
        assert target.exists(), link
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), link


def test_the_commands_of_the_guide_exist() -> None:
    listed = set(re.findall(r"^    ([a-z| ]+)\)", read("deploy.sh"), re.MULTILINE))
    known = {word for row in listed for word in re.findall(r"[a-z]+", row)}
    asked = set(re.findall(r"\./deploy\.sh ([a-z]+)", read(GUIDE)))
    assert {"gke", "eks", "status", "verify", "rollback", "destroy"} <= asked
    assert asked <= known


def test_the_files_that_the_guide_uses_exist() -> None:
    named = set(re.findall(r"(?<![\w/.])((?:configs|terraform|testing)/[\w./-]+)", read(GUIDE)))
    assert len(named) > 5
    for name in sorted(named):
        assert (ROOT / name.rstrip(".")).exists(), name


def test_the_charts_of_the_guide_are_those_of_deploy_sh() -> None:
    text, cluster = read(GUIDE), read("configs/deploy/cluster.sh")
    for version in re.findall(r"_CHART=(\S+)", cluster):
        assert f"--version {version}" in text, version


@pytest.mark.parametrize("page", [GUIDE, "configs/kubernetes/README.md"])
def test_no_chart_is_taken_in_whichever_version(page: str) -> None:
    commands = re.sub(r"\\\n *", "", read(page))
    charts = re.findall(r"^helm .*--repo .*$", commands, re.MULTILINE)
    assert charts
    versions = set(re.findall(r"_CHART=(\S+)", read("configs/deploy/cluster.sh")))
    for chart in charts:
        [version] = re.findall(r"--version (\S+)", chart)
        assert version in versions, chart


def test_the_first_apis_are_those_that_deploy_sh_switches_on() -> None:
    [listed] = re.findall(r"^FIRST_APIS=\((.+)\)$", read("configs/deploy/gke.sh"), re.MULTILINE)
    assert set(re.findall(r"(\w+)\.googleapis\.com", read(GUIDE))) == set(listed.split())


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_the_overlay_of_the_guide_renders(tmp_path: Path) -> None:
    [overlay] = re.findall(r"```yaml\n# my-overlay/kustomization.yaml\n(.*?)```", read(GUIDE), re.DOTALL)
    configs = os.path.relpath(ROOT / "configs", tmp_path)
    overlay = overlay.replace("../configs", configs).replace("sha256:...", f"sha256:{'a' * 64}")
    (tmp_path / "kustomization.yaml").write_text(overlay, "utf-8")
    run = subprocess.run(
        ["kubectl", "kustomize", str(tmp_path)], check=False, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    documents = list(yaml.safe_load_all(run.stdout))
    [certificate] = [
        row
        for row in documents
        if (row["kind"], row["metadata"]["name"]) == ("Certificate", "portcullis-tls")
    ]
    assert certificate["spec"]["dnsNames"] == ["ai.example.com"]
    assert certificate["metadata"]["annotations"] == {"cert-manager.io/issue-temporary-certificate": "true"}
    assert "REGISTRY/portcullis-backend@sha256" in run.stdout
    assert "BACKEND_SERVICE_ACCOUNT" in run.stdout
