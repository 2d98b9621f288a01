"""Each alert fires when its fault is made in a running gateway, and not before.

With the true expressions and thresholds, and times that are a sixtieth (`tools.shortened`): a minute is a
second. The true times are promtool's (`cases/`). Kong's alerts need a real Kong (KONG_COMMAND).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.e2e.waiting import eventually
from testing.prometheus.faults import (
    at_providers,
    expensive,
    regulated_to_who_may_not,
    slow_body,
    stutter,
    without_tag,
)
from testing.prometheus.live import ORDINARY, Live, asking, kong_command, live
from testing.prometheus.tools import alerts, program

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

WITHIN_S = 90
NAMES = {row["alert"] for row in alerts()}
OF_KONG = {name for name in NAMES if name.startswith("Kong")}
#: What `live` is configured with; these fire whatever happens.
CONFIGURED = {"AgreementExpiresSoon", "AgreementExpired", "CertificateExpiresSoon"}
BY_CALLERS_AND_PROVIDERS = {
    "GatewayErrorBudgetBurnFast",
    "GatewayErrorBudgetBurnSlow",
    "GatewayLatencyHigh",
    "ProviderDown",
    "ProviderRateLimited",
    "TagFailures",
    "NoEligibleDeployment",
    "CostSpike",
}
BY_THE_PROCESS = {"GatewayDown", "GatewayNotReady", "GatewayLoopLagging", "GatewayMetricsMissing"}


def test_each_alert_has_its_fault_here() -> None:
    assert NAMES == CONFIGURED | BY_CALLERS_AND_PROVIDERS | BY_THE_PROCESS | OF_KONG


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Live]:
    program("prometheus")
    with live(tmp_path) as running:
        yield running


@pytest.fixture
def made_of_two(tmp_path: Path) -> Iterator[Live]:
    program("prometheus")
    with live(tmp_path, second_backend=True) as running:
        yield running


def _fire(running: Live, *names: str) -> None:
    """Waits until all of them fire; their texts are then as people get them."""
    wanted = set(names)
    eventually(lambda: wanted <= running.prometheus.firing().keys(), f"{wanted} fire", WITHIN_S)
    for name, found in running.prometheus.firing().items():
        for alert in found:
            told = " ".join(alert["annotations"].values())
            assert "{{" not in told, name
            assert "<" not in told, name
            assert "NaN" not in told, name
    assert running.prometheus.broken_rules() == []


def _well(running: Live, expected: set[str]) -> None:
    """Nothing else fires once the rules have looked at more than any alert waits for."""
    shown = 'count_over_time((sum(rate(portcullis_requests_total{status="200"}[5s])) > 0)[30s:1s]) >= 20'
    eventually(lambda: running.prometheus.ask(shown), "twenty good seconds", WITHIN_S)
    assert running.prometheus.firing().keys() - OF_KONG <= expected


def test_what_callers_and_providers_do(made: Live) -> None:
    with asking(made, ORDINARY):
        _fire(made, *CONFIGURED)
        _well(made, CONFIGURED)
    ends = {alert["labels"]["deployment"] for alert in made.prometheus.firing()["AgreementExpiresSoon"]}
    ended = {alert["labels"]["deployment"] for alert in made.prometheus.firing()["AgreementExpired"]}
    assert (ends, ended) == ({"openai-gpt-4o"}, {"bedrock-claude-sonnet"})

    asks = (without_tag(made), slow_body(made), regulated_to_who_may_not, expensive)
    with at_providers(made) as at_them, asking(made, (*at_them, *asks)):
        _fire(made, *BY_CALLERS_AND_PROVIDERS)
        firing = made.prometheus.firing()
    down = {alert["labels"]["deployment"] for alert in firing["ProviderDown"]}
    assert {"anthropic-claude-sonnet", "openai-gpt-4o-mini"} <= down
    assert "vertex-gemini-flash" not in down
    assert [alert["labels"]["deployment"] for alert in firing["ProviderRateLimited"]] == [
        "vertex-gemini-flash"
    ]
    assert [alert["labels"]["reason"] for alert in firing["TagFailures"]] == ["missing"]
    assert [alert["labels"]["tenant"] for alert in firing["CostSpike"]] == ["demo"]
    [nobody] = firing["NoEligibleDeployment"]
    assert nobody["labels"]["obligation"] == "cleared_for"


def test_what_becomes_of_the_process(made_of_two: Live) -> None:
    running = made_of_two
    with asking(running, ORDINARY):
        _fire(running, "GatewayNotReady")
        _well(running, CONFIGURED | {"GatewayNotReady"})
        with stutter(running.backend_pid):
            _fire(running, "GatewayLoopLagging")
        running.stop_second()
        _fire(running, "GatewayMetricsMissing")
        assert "GatewayDown" not in running.prometheus.firing()
        running.stop_backend()
        _fire(running, "GatewayDown")


@pytest.mark.skipif(kong_command() is None, reason=f"KONG_COMMAND starts no real Kong for {sorted(OF_KONG)}")
def test_kong(made: Live) -> None:
    assert made.stop_kong is not None
    with asking(made, ORDINARY):
        _well(made, CONFIGURED)
        assert not made.prometheus.firing().keys() & OF_KONG
        made.stop_backend()
        _fire(made, "KongUpstreamUnhealthy", "KongErrors", "GatewayErrorBudgetBurnFast")
    made.stop_kong()
    _fire(made, "KongDown")
