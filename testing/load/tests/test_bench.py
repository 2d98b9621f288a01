"""The bench runs and tells everything. How fast anything is stays out of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from testing.load.processes import members

BENCH = Path(__file__).resolve().parents[1] / "bench.py"
SHORT = ("--seconds", "0.2", "--warm-up", "0.05", "--rounds", "1", "--clients", "1,3", "--body-size", "700")


def bench(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCH), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    done = bench(*SHORT, "--json", "--model", "openai/gpt-4o", "--model", "ollama/llama3.2:1b")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_case_has_a_row(report: dict[str, Any]) -> None:
    rows = [(row["stream"], row["clients"], row["system"], row["model"]) for row in report["figures"]]
    assert rows == [
        (stream, clients, system, model)
        for stream in (False, True)
        for clients in (1, 3)
        for system, model in (
            ("pass-through", "openai/gpt-4o"),
            ("portcullis", "openai/gpt-4o"),
            ("portcullis", "ollama/llama3.2:1b"),
        )
    ]


def test_the_figures_of_a_row_fit_each_other(report: dict[str, Any]) -> None:
    for row in report["figures"]:
        assert row["rounds"] == 1
        assert row["requests"] >= row["clients"]
        assert 0 < row["p50_ms"] <= row["p99_ms"]
        assert row["cpu_ms"] >= 0
        assert row["spread"] >= 0
        assert row["ratio"] == 1 if row["system"] == "pass-through" else row["ratio"] > 0


def test_streams_have_events_and_answers_have_none(report: dict[str, Any]) -> None:
    for row in report["figures"]:
        if row["stream"]:
            assert 45 <= row["events"] <= 60
            assert 0 < row["first_event_ms"] <= row["p99_ms"]
        else:
            assert row["events"] is None
            assert row["first_event_ms"] is None


def test_memory_is_that_of_all_processes(report: dict[str, Any]) -> None:
    memory = report["memory_mb"]
    assert set(memory) == {
        "portcullis, ready",
        "portcullis, after",
        "pass-through, ready",
        "pass-through, after",
    }
    for name, parts in memory.items():
        assert parts["all"] == pytest.approx(parts["own"] + parts["children"])
        assert parts["own"] > 5
        # The simulators are children of the gateway; the pass-through has none.
        assert (parts["children"] > 5) == name.startswith("portcullis")


def test_an_answer_that_is_not_right_ends_it() -> None:
    done = bench(*SHORT, "--model", "no-such-model")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "portcullis, answers of no-such-model: an answer has the status 404" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_that_it_started(number: signal.Signals) -> None:
    command = [sys.executable, str(BENCH), "--rounds", "100"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "warming up" in line:
                break
        started = leaders_under(process.pid)
        assert len(started) >= 2
        os.kill(process.pid, number)
        process.communicate(timeout=60)
    assert process.returncode == 130
    # Those whom the end of their parent ends are gone a moment later.
    deadline = time.monotonic() + 10
    while any(map(members, started)):
        assert time.monotonic() < deadline, [members(leader) for leader in started]
        time.sleep(0.01)


def leaders_under(parent: int) -> list[int]:
    """The children of a process."""
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
