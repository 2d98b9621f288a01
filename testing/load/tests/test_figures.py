"""Medians, ratios and their table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from testing.load.figures import Sample, figures
from testing.load.options import Options, parse
from testing.load.report import Report


def sample(per_second: float, cpu_ms: float = 1.0) -> Sample:
    return Sample(100, per_second, 1.0, 2.0, cpu_ms, None, None)


def test_the_ratio_is_of_the_same_round() -> None:
    bare = [sample(1000), sample(100), sample(1000)]
    own = [sample(100), sample(10), sample(200)]
    row = figures(system="x", model="m", stream=False, clients=1, samples=own, beside=bare)
    assert row.ratio == 10
    assert row.per_second == 100
    assert row.spread == pytest.approx(1.9)
    assert row.requests == 300


def test_without_processor_time_there_is_no_ratio_of_it() -> None:
    none = [sample(10, cpu_ms=0)]
    row = figures(system="x", model="m", stream=False, clients=1, samples=none, beside=none)
    assert row.cpu_ratio is None
    report = Report(Options(), [row], {"x": {"own": 1.0, "children": 0.0, "all": 1.0}}, (0.0, 0.0))
    assert "1.0x" in report.as_text()


def test_the_table_has_a_line_a_row_and_says_how_noisy_it_was() -> None:
    bare = [sample(1234), sample(1000)]
    own = [
        replace(sample(50), first_event_ms=3.0, events=52.6),
        replace(sample(40), first_event_ms=3, events=53),
    ]
    rows = [
        figures(system="pass-through", model="m", stream=False, clients=1, samples=bare, beside=bare),
        figures(system="portcullis", model="m", stream=True, clients=8, samples=own, beside=bare),
    ]
    memory = {"portcullis, ready": {"own": 200.4, "children": 20.4, "all": 220.8}}
    lines = Report(Options(rounds=2), rows, memory, (1.0, 2.0)).as_text().splitlines()
    assert lines[1].split()[:5] == ["JSON", "1", "pass-through", "m", "1,117"]
    assert lines[2].split()[:5] == ["streams", "8", "portcullis", "m", "45.0"]
    assert lines[2].split()[-5:] == ["3.00", "53", "24.8x", "1.0x", "22%"]
    assert lines[5].split() == ["portcullis,", "ready", "200", "20", "221"]
    assert lines[-1].startswith("Noise: rounds of one row differ by up to 22%")


def test_options_are_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse([]) == Options()
    assert parse(["--clients", "2,2,4"]).clients == (2, 4)
    for wrong in (["--seconds", "0"], ["--seconds", "inf"], ["--clients", "0"], ["--body-size", "9999999"]):
        with pytest.raises(SystemExit):
            parse(wrong)
        assert "is not between" in capsys.readouterr().err
