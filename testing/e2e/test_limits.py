"""The 101st request of a minute is refused, as Kong refuses it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest

from testing.e2e.caller import Caller
from testing.e2e.simulators import Simulators

LIMIT = 100


@dataclass(frozen=True, slots=True)
class Exhausted:
    """A caller, its first 429, and how many of its requests passed in that minute."""

    caller: Caller
    refused: httpx.Response
    passed: int


@pytest.fixture
def exhausted(
    request: pytest.FixtureRequest, caller_for: Callable[[str], Caller], simulators: Simulators
) -> Exhausted:
    """A tenant that has just been refused; each test has one of its own."""
    caller = caller_for(request.param)
    answer = caller.get("/v1/models")
    if answer.status_code == 200 and "ratelimit-limit" not in answer.headers:
        pytest.skip("the gateway runs without limits")
    if answer.status_code == 429:
        pytest.skip("this tenant has used up its minute in another run")
    passed = 0
    # A minute may begin on the way: then the count begins again, once.
    for _ in range(2 * LIMIT + 2):
        if answer.status_code == 429:
            return Exhausted(caller, answer, passed)
        assert answer.status_code == 200, answer.text
        passed = LIMIT - int(answer.headers["ratelimit-remaining"])
        answer = caller.get("/v1/models")
    raise AssertionError("never refused")


@pytest.mark.parametrize("exhausted", ["counted-1"], indirect=True)
def test_the_101st_request_of_a_minute(exhausted: Exhausted) -> None:
    refused = exhausted.refused
    assert exhausted.passed == LIMIT
    assert refused.json() == {
        "message": "API rate limit exceeded",
        "request_id": refused.headers["x-kong-request-id"],
    }
    assert refused.headers["content-type"] == "application/json; charset=utf-8"
    assert refused.headers["ratelimit-limit"] == "100"
    assert refused.headers["ratelimit-remaining"] == "0"
    reset = int(refused.headers["ratelimit-reset"])
    assert 0 < reset <= 60
    assert refused.headers["retry-after"] == str(reset)
    for window, limit in (("minute", "100"), ("hour", "1000"), ("day", "10000")):
        assert refused.headers[f"x-ratelimit-limit-{window}"] == limit
    assert refused.headers["x-ratelimit-remaining-minute"] == "0"
    assert refused.headers["x-request-id"]
    assert "x-gateway-deployment" not in refused.headers


@pytest.mark.parametrize("exhausted", ["counted-2"], indirect=True)
def test_a_limit_is_one_tenants(exhausted: Exhausted, caller: Caller) -> None:
    """Whatever a caller says of itself, it is counted as the tenant of its token."""
    for headers in ({"X-Consumer-Username": "demo"}, {"X-Forwarded-For": "203.0.113.9"}):
        assert exhausted.caller.get("/v1/models", headers=headers).status_code == 429
    assert exhausted.caller.get("/v1/models", claims={"sub": "somebody else"}).status_code == 429
    assert caller.get("/v1/models").status_code == 200


@pytest.mark.parametrize("exhausted", ["counted-3"], indirect=True)
def test_a_refused_request_is_not_sent(exhausted: Exhausted, simulators: Simulators) -> None:
    assert exhausted.caller.chat("gpt-4o").status_code == 429
    assert simulators.asked() == set()
