"""A caller who leaves cancels the request upstream: nobody pays for what nobody reads."""

from __future__ import annotations

import httpx
import pytest

from testing.e2e.caller import CHAT, Caller
from testing.e2e.kinds import Kind
from testing.e2e.log import Log
from testing.e2e.simulators import Simulators
from testing.e2e.waiting import eventually


def test_in_a_stream(caller: Caller, simulators: Simulators, log: Log, kind: Kind) -> None:
    simulators.fault(kind.name, "stall", after=6)
    body = {"model": kind.model, "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"Authorization": f"Bearer {caller.token()}"}
    with (
        httpx.Client(timeout=20, trust_env=False) as leaving,
        leaving.stream("POST", caller.gateway.url + CHAT, json=body, headers=headers) as answer,
    ):
        assert answer.status_code == 200
        assert next(answer.iter_lines()).startswith("data: {")
        request_id = answer.headers["x-request-id"]
    assert simulators.wait_for_leaving(kind.name)
    assert log.request(request_id)["outcome"] == "stream_abandoned"


def test_before_the_answer(caller: Caller, simulators: Simulators, kind: Kind) -> None:
    simulators.fault(kind.name, "never")
    for streaming in (False, True):
        simulators.forget()
        body = {"model": kind.model, "stream": streaming, "messages": [{"role": "user", "content": "Hello"}]}
        headers = {"Authorization": f"Bearer {caller.token()}"}
        with (
            httpx.Client(timeout=httpx.Timeout(20, read=0.5), trust_env=False) as leaving,
            pytest.raises(httpx.ReadTimeout),
        ):
            leaving.post(caller.gateway.url + CHAT, json=body, headers=headers)
        assert simulators.wait_for_leaving(kind.name)


def test_nothing_stays_behind(caller: Caller, management_url: str, simulators: Simulators) -> None:
    """After all that no request is in flight."""

    def idle() -> bool:
        metrics = caller.client.get(f"{management_url}/metrics").text
        return "\nportcullis_in_flight_requests 0.0" in metrics

    assert eventually(idle, "no request in flight")
