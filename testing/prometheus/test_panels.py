"""Every expression of the panels has data, with a gateway under load; Kong's with a real Kong.

Kong's are tried where KONG_COMMAND starts one in the foreground (testing/prometheus/README.md). What needs a
cluster is listed in configs/grafana/README.md, and tried nowhere.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import pytest

from configs.grafana.source.pages import PAGES
from configs.grafana.source.rows import Needs
from testing.e2e.waiting import eventually
from testing.prometheus.faults import without_tag
from testing.prometheus.live import ORDINARY, Live, asking, kong_command, live
from testing.prometheus.tools import program

WITHIN_S = 45
PANELS = [(name.removesuffix(".json"), panel) for name, page in PAGES.items() for panel in page.panels]
_TIMES = {"$__rate_interval": "10s", "$__range": "1m", "$deployment": ".*", "$tenant": ".*"}


def _with_choices(expression: str) -> str:
    """As Grafana sends it, with all deployments and tenants chosen. What is no variable (`$1`) it leaves."""
    return re.sub(r"\$[a-z_]+", lambda found: _TIMES[found[0]], expression)


def _shows_a_number(running: Live, expression: str) -> bool:
    found = running.prometheus.ask(_with_choices(expression))
    return any(math.isfinite(float(row["value"][1])) for row in found)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    program("prometheus")
    with live(tmp_path_factory.mktemp("live")) as made, asking(made, (*ORDINARY, without_tag(made))):
        yield made


def _have_data(running: Live, needs: Needs) -> None:
    """One test for all: one after the other they would only wait for the same seconds."""
    waiting = {
        f"{name}: {panel.title}: {query.legend}": query.expression
        for name, panel in PANELS
        if panel.needs is needs
        for query in panel.queries
    }
    assert len(waiting) >= 15

    def all_have() -> bool:
        for title, expression in list(waiting.items()):
            if _shows_a_number(running, expression):
                del waiting[title]
        return not waiting

    try:
        eventually(all_have, "every expression shows a number", WITHIN_S)
    except AssertionError:
        pytest.fail(f"without data: {waiting}")
    assert running.prometheus.broken_rules() == []


def test_the_gateways_panels_have_data(running: Live) -> None:
    _have_data(running, Needs.GATEWAY)


@pytest.mark.skipif(kong_command() is None, reason="KONG_COMMAND does not say what starts a real Kong")
def test_kongs_panels_have_data(running: Live) -> None:
    _have_data(running, Needs.KONG)


def test_a_panel_without_data_would_be_found(running: Live) -> None:
    assert not _shows_a_number(running, "portcullis_no_such_metric")
    assert not _shows_a_number(running, "vector(0) / 0")
