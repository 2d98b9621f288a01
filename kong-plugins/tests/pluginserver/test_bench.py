"""The load program compares what it says it compares."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from .driving import ROOT

BENCH = ROOT.parent / "testing" / "load" / "pluginserver_bench.py"


def bench(*flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(BENCH), "--json", *flags],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_all_three_are_driven() -> None:
    ran = bench("--seconds", "0.2", "--rounds", "1")
    assert ran.returncode in (0, 1), ran.stderr
    told = json.loads(ran.stdout)
    assert set(told["events_per_second"]) == {"ours", "stock, threads", "stock, gevent"}
    assert all(rate > 0 for rate in told["events_per_second"].values())
    assert told["ours_is_times"]["ours"] == 1
    assert set(told["cpu_us_per_event"]) == set(told["events_per_second"])


@pytest.mark.long
@pytest.mark.timeout(300)
def test_four_times_the_stock_servers_default_and_no_slower_than_its_gevent_mode() -> None:
    """By what an event costs, because beside other tests the rates are those of the machine."""
    ran = bench("--seconds", "3", "--rounds", "5")
    cost = json.loads(ran.stdout)["cpu_us_per_event"]
    assert cost["stock, threads"] / cost["ours"] >= 4, ran.stdout
    assert cost["stock, gevent"] / cost["ours"] >= 1, ran.stdout
