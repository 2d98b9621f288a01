"""The embedded edge against recordings of a real Kong 3.9: every byte but the volatile ones.

`corpus/` holds the recordings: those that came with the task, and `*-more.json`, which `record.py` made.
`KONG_CORPUS` names another folder of the same form. With `KONG_URL` and `KONG_ADMIN_URL` the same cases go to
a real Kong instead of the edge.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from embedded_edge.app import Edge
from embedded_edge.config import load_config
from embedded_edge.proxy import KONG
from testing.conformance import replay, upstreams
from testing.conformance.comparing import Comparing
from testing.conformance.real_kong import RealKong
from testing.conformance.serving import serving
from testing.conformance.store import redis_running

HERE = Path(__file__).parent
CASES = list(replay.load_cases(Path(os.environ.get("KONG_CORPUS", HERE / "corpus"))))
EDGE_VERSION = KONG.decode().removeprefix("kong/")

_STRICT = "the parser of requests is stricter than nginx; what is no HTTP is answered 400"

# What the edge does not do on purpose. Each is expected to fail; one that passes fails the run, so that the
# table stays true.
FAULT = "plugin-order/non-utf8-header-bypasses-python"
OMITTED = {
    FAULT: "a fault of the stock plugin server, and no target",
    "routing-more/method-that-nobody-knows": _STRICT,
    "routing-more/lines-that-end-in-lf": _STRICT,
    "routing-more/http-1-2": _STRICT,
    "routing-more/http-0-9": "HTTP/0.9 is answered 505: no client of ours speaks it",
    "routing-more/header-without-colon": _STRICT,
    "routing-more/control-byte-in-a-header": _STRICT,
    "routing-more/header-name-not-ascii": _STRICT,
    "cors-more/empty-origin-header": "Kong's cors raises on an empty Origin and cuts the connection",
    "request-size-limiting-more/accept-grpc": "gRPC clients are not served: they get JSON",
}


def _parameters() -> list[Any]:
    return [
        pytest.param(
            case,
            id=case.id,
            marks=[pytest.mark.xfail(reason=OMITTED[case.id], strict=True)] if case.id in OMITTED else [],
        )
        for case in CASES
    ]


REAL = [pytest.param(case, id=case.id) for case in CASES if "KONG_URL" in os.environ and case.id != FAULT]


class Clock:
    """The time of the recorded exchange: tokens and windows are relative to it."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def behind(case: replay.Case, *, fixed: bool) -> AsyncIterator[upstreams.Upstreams]:
    """The upstreams, and a Redis where the case wants one."""
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(upstreams.running(fixed=fixed))
        if "redis" in str(case.kong_config):
            running.ports[16379] = await stack.enter_async_context(redis_running(16379 if fixed else 0))
        yield running


@pytest.mark.skipif("KONG_URL" in os.environ, reason="KONG_URL is set: the cases go to a real Kong")
@pytest.mark.parametrize("case", _parameters())
async def test_the_edge_answers_as_kong_did(case: replay.Case) -> None:
    clock = Clock()
    async with behind(case, fixed=False) as up:
        document = replay.on_ports(case.kong_config, up.ports)
        edge = Edge(load_config(document, [HERE / "plugins"], clock=clock))
        async with serving(edge) as port:

            async def ask(recorded: Any) -> replay.Response:
                if clock.now and "'active'" in str(document):
                    await asyncio.sleep(min(5.0, recorded["at"] - clock.now))
                clock.now = recorded["at"]
                return await replay.exchange(port, recorded["request"])

            await _hold(case, ask, up, Comparing(case, port, up.ports, EDGE_VERSION))


@pytest.mark.skipif("KONG_URL" not in os.environ, reason="KONG_URL names no real Kong")
@pytest.mark.parametrize("case", REAL)
async def test_a_real_kong_answers_so(case: replay.Case) -> None:
    kong = RealKong.from_environment()
    assert kong is not None
    if replay.has_plugin(case.kong_config, "pyhdr") and "pyhdr" not in os.environ.get("KONG_PLUGINS", ""):
        pytest.skip("pyhdr is not in KONG_PLUGINS: this Kong does not run the recordings' own plugin")
    async with behind(case, fixed=True) as up:
        await kong.configure(case.kong_config)
        await _hold(case, kong.ask, up, Comparing(case, kong.port, up.ports, await kong.version(), real=True))


async def _hold(
    case: replay.Case,
    ask: Callable[[Any], Awaitable[replay.Response]],
    up: upstreams.Upstreams,
    comparing: Comparing,
) -> None:
    for recorded in case.before:
        await ask(recorded)
    for number, recorded in enumerate(case.exchanges):
        up.received.clear()
        answer = await ask(recorded)
        assert comparing.got(answer, up.received) == comparing.wanted(recorded), f"exchange {number}"


def test_the_table_names_only_cases_that_exist() -> None:
    if "KONG_CORPUS" not in os.environ:
        assert OMITTED.keys() <= {case.id for case in CASES}
