"""The pictures are what their source draws."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from testing.project.repository import ROOT, read

PICTURES = ("request-flow", "deployment")
SVG = "{http://www.w3.org/2000/svg}"


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / "architecture-diagram.py"), "--check"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    folder = tmp_path / "diagrams"
    shutil.copytree(ROOT / "diagrams", folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_none_is_stale() -> None:
    checked = check(ROOT / "diagrams")
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("picture", PICTURES)
def test_a_changed_source_makes_both_files_stale(picture: str, copied: Path) -> None:
    title = ElementTree.parse(ROOT / f"diagrams/{picture}.svg").getroot().findtext(f"{SVG}title")
    source = (copied / "pictures.py").read_text(encoding="utf-8")
    assert f'title="{title}"' in source
    (copied / "pictures.py").write_text(source.replace(f'"{title}"', '"Another"'), encoding="utf-8")
    checked = check(copied)
    assert checked.returncode == 1
    assert re.findall(r"diagrams/(\S+) is stale", checked.stderr) == [f"{picture}.svg", f"{picture}.png"]


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_a_missing_file_is_stale(suffix: str, copied: Path) -> None:
    (copied / f"deployment.{suffix}").unlink()
    assert f"diagrams/deployment.{suffix} is stale" in check(copied).stderr


@pytest.mark.parametrize("picture", PICTURES)
def test_a_picture_is_drawn_and_described(picture: str) -> None:
    drawing = ElementTree.parse(ROOT / f"diagrams/{picture}.svg").getroot()
    assert drawing.tag == f"{SVG}svg"
    assert drawing.get("viewBox")
    assert drawing.findtext(f"{SVG}title")
    assert drawing.findtext(f"{SVG}desc")
    assert (ROOT / f"diagrams/{picture}.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize("picture", PICTURES)
def test_nothing_is_drawn_outside_of_it(picture: str) -> None:
    drawing = ElementTree.parse(ROOT / f"diagrams/{picture}.svg").getroot()
    _, _, width, height = map(float, str(drawing.get("viewBox")).split())
    rectangles = list(drawing.iter(f"{SVG}rect"))
    assert len(rectangles) > 10
    for box in rectangles:
        x, y, wide, high = (float(str(box.get(name))) for name in ("x", "y", "width", "height"))
        assert 0 <= x <= x + wide <= width
        assert 0 <= y <= y + high <= height


def test_the_steps_are_those_of_the_code() -> None:
    drawn = read("diagrams/pictures.py")
    for step in ("3  verify the tag", "5  policy", "8  route", "9  ask", "10  cost"):
        assert step in drawn
