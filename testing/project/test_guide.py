"""The guide and the other pages of a folder: what they name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

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
    assert {"gke", "eks", "status", "verify", "rollback", "destroy"} <= asked | known
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


def test_the_table_of_secrets_is_named() -> None:
    assert "../configs/kubernetes/secrets.yaml" in read(GUIDE)
