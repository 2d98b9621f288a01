"""The embedded edge against recordings of a real Kong 3.9.3: every byte but the volatile ones.

`corpus/` holds the recordings; `KONG_CORPUS` names another folder of the same form.
"""

import os
from pathlib import Path
from typing import Any

import pytest

from embedded_edge.app import Edge
from embedded_edge.config import load_config
from testing.conformance import replay, upstreams
from testing.conformance.serving import serving

HERE = Path(__file__).parent
CASES = list(replay.load_cases(Path(os.environ.get("KONG_CORPUS", HERE / "corpus"))))

_TRANSFORMER = "request-transformer is not built yet; the document is refused by the plugin's name"
_REDIS = "policy redis is not built yet; the document is refused by the option's name"
_UPSTREAMS = "upstreams with targets and health checks are not built yet; refused by the field's name"

# Each is expected to fail; one that passes fails the run, so that the table stays true.
NOT_YET = {
    "request-transformer/remove-client-headers": _TRANSFORMER,
    "request-transformer/replace-append-rename": _TRANSFORMER,
    "request-transformer/jwt-then-remove-authorization": _TRANSFORMER,
    "plugin-order/python-plugin-at-905-between": _TRANSFORMER,
    "plugin-order/jwt-rejects-before-python": _TRANSFORMER,
    "plugin-order/client-sends-the-header-python-sets": _TRANSFORMER,
    "plugin-order/non-utf8-header-bypasses-python": "a fault of the stock plugin server, and no target",
    "rate-limiting/redis-minute-2": _REDIS,
    "rate-limiting/redis-down-fault-tolerant": _REDIS,
    "rate-limiting/redis-down-not-fault-tolerant": _REDIS,
    "upstream-errors/503-upstream-without-targets": _UPSTREAMS,
    "upstream-errors/503-all-targets-unhealthy": _UPSTREAMS,
    "upstream-errors/garbage-answer": "Kong passes garbage on as HTTP/0.9; the edge answers 502 on purpose",
}

# Where only the order of the rate-limit fields among themselves may differ: it is that of a Lua table, and
# changes with how many fields the process has ever had. A real Kong gives several orders; the edge has the
# most frequent.
LUA_ORDER = {"rate-limiting/ip-minute-3"}


def _parameters() -> list[Any]:
    return [
        pytest.param(
            case,
            id=case.id,
            marks=[pytest.mark.xfail(reason=NOT_YET[case.id], strict=True)] if case.id in NOT_YET else [],
        )
        for case in CASES
    ]


class Clock:
    """The time of the recorded exchange: tokens and windows are relative to it."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("case", _parameters())
async def test_the_edge_answers_as_kong_did(case: replay.Case) -> None:
    clock = Clock()
    async with upstreams.running() as behind:
        document = replay.on_ports(case.kong_config, behind.ports)
        edge = Edge(load_config(document, [HERE / "plugins"], clock=clock))
        async with serving(edge) as port:
            for number, recorded in enumerate(case.exchanges):
                clock.now = recorded["at"]
                behind.received.clear()
                await _check(f"exchange {number}", recorded, port, behind, any_order=case.id in LUA_ORDER)


async def _check(
    where: str, recorded: Any, port: int, behind: upstreams.Upstreams, *, any_order: bool
) -> None:
    request, wanted = recorded["request"], recorded["response"]
    got = await replay.exchange(port, replay.request_bytes(request), head_only=request["method"] == "HEAD")
    ports = behind.ports
    assert got.status_line == wanted["status_line"], where
    headers, expected = (
        replay.comparable(got.headers, port, ports),
        replay.comparable(wanted["headers"], 18000, {}),
    )
    if any_order:
        headers, expected = replay.sort_rate_limits(headers), replay.sort_rate_limits(expected)
    assert headers == expected, where
    assert replay.comparable_body(got.body) == replay.comparable_body(wanted["body"]), where
    assert len(behind.received) == len(recorded["upstream_requests"]), where
    for sent, up in zip(behind.received, recorded["upstream_requests"], strict=True):
        assert sent.request_line == up["request_line"], where
        assert replay.comparable(sent.headers, port, ports) == replay.comparable(up["headers"], 18000, {}), (
            where
        )
        assert sent.body == up["body"], where


def test_the_table_names_only_cases_that_exist() -> None:
    if "KONG_CORPUS" not in os.environ:
        assert NOT_YET.keys() | LUA_ORDER <= {case.id for case in CASES}
