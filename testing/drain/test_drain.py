"""SIGTERM to backends under load: no request is lost or cut. On a real Kong: `python -m testing.drain`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from testing.drain.fleet import Fleet, Plan, fleet
from testing.drain.load import CLIENTS, WORDS
from testing.drain.scenarios import Report, one_of_two, rolling
from testing.e2e.waiting import eventually

#: Between the end of the delay, or of the last stream, and that of the process.
SLACK_S = 20


def whole(report: Report, plan: Plan) -> bool:
    """Every answer was right, no request was answered twice, and who was to end did so in time."""
    assert report.problems == {}
    assert report.answered == report.requests + report.streams
    longest_s = plan.drain_delay_s + WORDS * plan.pace_ms / 1000
    for ended in report.ended:
        assert ended.status == 0
        assert plan.drain_delay_s <= ended.seconds < longest_s + SLACK_S
        assert ended.streams_open > 0
        assert ended.answered_meanwhile > 0
        assert ended.asked_for_s < plan.drain_delay_s
    return True


def certificate_ends(made: Fleet) -> float:
    text = httpx.get(f"http://127.0.0.1:{made.members[0].management_port}/metrics", trust_env=False).text
    name = 'portcullis_tls_certificate_expiry_timestamp_seconds{listener="backend"}'
    [line] = [line for line in text.splitlines() if line.startswith(name)]
    return float(line.split()[1])


@pytest.mark.timeout(300)
async def test_one_of_two_backends_ends_under_load(tmp_path: Path) -> None:
    """With TLS between edge and backend, a new certificate, and shorter times than those that are shipped."""
    plan = Plan(pace_ms=200, drain_delay_s=6, checks_s=1, tls=True)
    with fleet(plan, tmp_path) as made:
        first = certificate_ends(made)
        made.renew_certificate(days=3)
        eventually(lambda: certificate_ends(made) > first, "the new certificate is shown", SLACK_S)
        assert whole(await one_of_two(made), plan)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("scenario", [one_of_two, rolling])
async def test_with_long_streams_and_the_shipped_times(
    scenario: Callable[[Fleet], object], tmp_path: Path
) -> None:
    plan = Plan(pace_ms=3000, drain_delay_s=15, tls=scenario is rolling)
    with fleet(plan, tmp_path) as made:
        report = await scenario(made)  # type: ignore[misc]
        assert whole(report, plan)
        assert report.streams >= CLIENTS
