"""How much is found, on the project's own prompts and on the public sets where they are at hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from testing.detection import report
from testing.detection.samples import (
    DATA_VARIABLE,
    Sample,
    asq_phi,
    business,
    clinical,
    clinical_held_back,
    data_folder,
    presidio,
    without_dates,
)

REPORT = Path(report.__file__)


@pytest.fixture
def data() -> Path:
    folder = data_folder()
    if folder is None or not (folder / "asq-phi").is_dir() or not (folder / "presidio-research").is_dir():
        pytest.skip(f"no asq-phi/ and presidio-research/: name their folder in {DATA_VARIABLE}")
    return folder


def test_there_are_as_many_prompts_as_we_say() -> None:
    assert len(business()) == 300
    assert len([one for one in clinical() if one.kinds]) >= 200
    assert len({one.text for one in (*clinical(), *clinical_held_back(), *business())}) == len(
        (*clinical(), *clinical_held_back(), *business())
    )


def test_clinical_prompts_without_dates() -> None:
    score = report.phi("own", clinical())
    assert score.recall is not None
    assert score.specificity is not None
    assert score.recall >= 0.95, score.misses
    assert score.specificity >= 0.95, score.alarms


def test_business_prompts_with_names_and_dates_are_no_health_records() -> None:
    score = report.never_phi("business", business())
    assert score.specificity is not None
    assert score.specificity >= 0.95, score.alarms


def test_asq_phi(data: Path) -> None:
    queries = asq_phi(data)
    score = report.phi("asq-phi", queries)
    assert score.recall is not None
    assert score.specificity is not None
    assert score.recall >= 0.99, score.misses
    assert score.specificity >= 0.90, score.alarms
    undated = report.phi("without dates", without_dates(queries))
    assert undated.recall is not None
    assert undated.recall >= 0.95, undated.misses


def test_presidio(data: Path) -> None:
    sentences = presidio(data)
    score = report.never_phi("sentences", sentences)
    assert score.specificity is not None
    assert score.specificity >= 0.95, score.alarms
    for kind in report.identifiers(sentences):
        assert kind.recall is not None
        assert kind.specificity is not None
        assert kind.specificity >= 0.95, kind.alarms
        if not kind.name.endswith("PHONE_NUMBER"):
            assert kind.recall >= 0.97, kind.misses


def test_dates_are_cut_out_and_only_they() -> None:
    sample = Sample("x", "seen on May 5 by Ann", frozenset({"DATE", "NAME"}), ("May 5",))
    (cut,) = without_dates([sample])
    assert (cut.text, cut.kinds) == ("seen on  by Ann", frozenset({"NAME"}))
    only_dated = Sample("y", "seen on May 5", frozenset({"DATE"}), ("May 5",))
    assert without_dates([only_dated]) == []


def test_the_command_prints_tables_and_says_what_is_left_out(tmp_path: Path) -> None:
    printed = subprocess.run(
        [sys.executable, str(REPORT), "--data", str(tmp_path), "--hostile", "1"],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    ).stdout
    assert "own business prompts" in printed
    assert "left out: asq-phi" in printed
    assert "1 kB, English" in printed


def test_the_command_prints_json_of_the_data(tmp_path: Path) -> None:
    (tmp_path / "asq-phi").mkdir()
    (tmp_path / "asq-phi" / "queries.txt").write_text(
        "===QUERY===\nmetformin for John Smith on May 5, 2020\n===PHI_TAGS===\n"
        '{"identifier_type": "DATE", "value": "May 5, 2020"}\n'
        '{"identifier_type": "NAME", "value": "John Smith"}\n\n'
        "===QUERY===\nmetformin and alcohol\n===PHI_TAGS===\n"
    )
    (tmp_path / "presidio-research").mkdir()
    (tmp_path / "presidio-research" / "a.json").write_text(
        json.dumps([{"full_text": "write to a@b.org", "spans": [{"entity_type": "EMAIL_ADDRESS"}]}])
    )
    printed = subprocess.run(
        [sys.executable, str(REPORT), "--data", str(tmp_path), "--json", "--hostile", "1"],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    ).stdout
    document = json.loads(printed)
    assert document["left_out"] == []
    scores = {score["name"]: score for score in document["scores"]}
    assert (scores["asq-phi"]["recall"], scores["asq-phi"]["specificity"]) == (1.0, 1.0)
    assert scores["asq-phi, dates cut out"]["positives"] == 1
    assert scores["presidio: EMAIL_ADDRESS"]["recall"] == 1.0
