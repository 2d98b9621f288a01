"""A provider that fails: a typed error, in time, with the id, and the gateway as well as before."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from testing.e2e.broken import SOON_S, was_asked, was_broken
from testing.e2e.caller import Caller, error_of
from testing.e2e.kinds import Kind
from testing.e2e.log import Log
from testing.e2e.simulators import Simulators
from testing.e2e.waiting import eventually

GROWN_KB = 8 * 1024
"""What may lie about between two rounds of the collector; 140 requests that leak 64 kB each are more."""

STATUSES = [
    (400, 400, "provider_rejected"),
    (401, 502, "provider_misconfigured"),
    (403, 502, "provider_misconfigured"),
    (429, 429, "provider_rate_limited"),
    (500, 502, "provider_error"),
    (503, 503, "provider_overloaded"),
]
#: Before the first byte reaches the caller, a stream fails as JSON does.
EARLY: list[tuple[dict[str, Any], set[str]]] = [
    ({"fault": "refuse"}, {"provider_unreachable"}),
    ({"fault": "garbage"}, {"provider_bad_answer"}),
    ({"fault": "cut", "after": 0}, {"provider_unreachable", "provider_error", "provider_bad_answer"}),
    ({"fault": "reset", "after": 0}, {"provider_unreachable", "provider_error", "provider_bad_answer"}),
]
LATE: list[tuple[dict[str, Any], set[str]]] = [
    ({"fault": "cut", "after": 6}, {"stream_interrupted"}),
    ({"fault": "reset", "after": 6}, {"stream_interrupted"}),
    ({"fault": "malformed", "after": 6}, {"stream_interrupted", "provider_bad_answer"}),
    ({"fault": "error-event", "after": 6}, {"stream_interrupted", "provider_error", "provider_overloaded"}),
    ({"fault": "no-terminator"}, {"stream_interrupted"}),
]
FLAT = (("openai", "gpt-4o"), ("ollama", "llama3.2:1b"), ("vertex_ai", "gemini-3.5-flash-lite"))
#: Their `[DONE]` adds nothing: a stream is complete once it has said why it ended.
OPENAIS_DIALECT = {"openai", "groq", "openai_compatible", "vertex_endpoint"}


def _name(fault: Any) -> str:
    return (
        f"{fault['fault']}" + (f"-{fault['after']}" if "after" in fault else "")
        if isinstance(fault, dict)
        else ""
    )


@pytest.mark.parametrize(("upstream", "status", "code"), STATUSES)
def test_statuses(
    caller: Caller, simulators: Simulators, kind: Kind, upstream: int, status: int, code: str
) -> None:
    simulators.fault(kind.name, "status", status=upstream, retry_after=7)
    answer = caller.chat(kind.model)
    assert answer.status_code == status, answer.text
    error = error_of(answer)
    assert error["code"] == code
    assert kind.provider in error["message"]
    was_asked(answer.headers, kind)
    if upstream in {429, 503}:
        assert answer.headers["retry-after"] == "7"
    assert (answer.headers.get("x-should-retry") == "false") == (upstream in {400, 401, 403})
    stream = caller.stream(kind.model)
    assert (stream.status, stream.done) == (status, False)
    assert stream.error is not None
    assert stream.error["code"] == code
    asked = [exchange for exchange in simulators.received(kind.name) if exchange["target"] != "/token"]
    assert len(asked) == 2, "each was asked once"


@pytest.mark.parametrize(("fault", "codes"), EARLY, ids=_name)
def test_before_the_first_byte(
    caller: Caller, simulators: Simulators, kind: Kind, fault: dict[str, Any], codes: set[str]
) -> None:
    simulators.fault(kind.name, [fault])
    begun = time.monotonic()
    answer = caller.chat(kind.model)
    if kind.name == "vertex_endpoint":
        # gRPC has one word, UNAVAILABLE, for a broken connection and for a server that has too much to do.
        codes = codes | {"provider_overloaded"}
    assert error_of(answer)["code"] in codes
    assert answer.status_code in ({502, 503} if kind.name == "vertex_endpoint" else {502})
    was_asked(answer.headers, kind)
    stream = caller.stream(kind.model)
    assert stream.status in {502, 503}
    assert not stream.done
    assert stream.error is not None
    assert stream.error["code"] in codes
    assert time.monotonic() - begun < SOON_S
    simulators.no_faults()
    eventually(lambda: caller.chat(kind.model).status_code == 200, f"{kind.name} is asked again")


@pytest.mark.parametrize(("fault", "codes"), LATE, ids=_name)
def test_half_a_stream(
    caller: Caller, simulators: Simulators, log: Log, kind: Kind, fault: dict[str, Any], codes: set[str]
) -> None:
    """What came is passed on, then a typed error stands where `[DONE]` would."""
    simulators.fault(kind.name, [fault])
    stream = caller.stream(kind.model)
    if fault["fault"] == "no-terminator" and kind.name in OPENAIS_DIALECT:
        assert stream.done
        assert "stop" in {choice["finish_reason"] for event in stream.events for choice in event["choices"]}
        return
    was_broken(stream, kind, codes)
    line = log.request(stream.headers["x-request-id"])
    assert line["outcome"] in codes
    assert line["status"] == 200


def test_half_an_answer(caller: Caller, simulators: Simulators, kind: Kind) -> None:
    if kind.name == "vertex_endpoint":
        pytest.skip("a gRPC message comes whole or not at all")
    for fault in ({"fault": "malformed"}, {"fault": "cut"}, {"fault": "error-event"}):
        simulators.fault(kind.name, [fault])
        answer = caller.chat(kind.model)
        assert answer.status_code in {502, 503}, (fault, answer.text)
        assert error_of(answer)["type"] == "provider_error"
        was_asked(answer.headers, kind)


def test_embeddings(caller: Caller, simulators: Simulators) -> None:
    for name, model in (("openai", "text-embedding-3-small"), ("ollama", "nomic-embed-text")):
        for fault, status in (("refuse", 502), ("garbage", 502), ("500", 502), ("429", 429)):
            simulators.fault(name, fault)
            answer = caller.request("POST", "/v1/embeddings", json={"model": model, "input": "Hello"})
            assert answer.status_code == status, (name, fault, answer.text)
            assert error_of(answer)["code"].startswith("provider_")
        assert len(simulators.received(name)) == 3, "each that was not refused was asked once"


def test_what_a_provider_says_in_its_error_stays_here(caller: Caller, simulators: Simulators) -> None:
    """Its words may quote the prompt or the key; ours do not."""
    for status in (400, 401, 429, 500):
        simulators.fault("openai", "status", status=status)
        answer = caller.chat("gpt-4o", "a marker, quoted perhaps: 8fK2-mzQ")
        assert "8fK2-mzQ" not in answer.text
        assert "simulated" not in answer.text.lower()


def test_it_stays_well_and_its_memory_flat(
    caller: Caller,
    next_caller: Callable[[], Caller],
    simulators: Simulators,
    management_url: str,
    pid: int,
) -> None:
    """Some hundred failures of all sorts; the first rounds fill what is kept for good."""
    levels: list[int] = []
    for _ in range(12):
        for name, model in FLAT:
            asking = next_caller()
            for fault in ("500", "garbage", "cut", "reset", "malformed", "error-event"):
                simulators.fault(name, fault)
                assert asking.chat(model).headers["x-gateway-provider"] == name
                assert not asking.stream(model).done
            simulators.no_faults()
        levels.append(_memory(pid))
    assert caller.chat("gpt-4o").status_code == 200
    assert caller.client.get(f"{management_url}/ready").status_code == 200
    metrics = caller.client.get(f"{management_url}/metrics").text
    assert "\nportcullis_in_flight_requests 0.0" in metrics
    grown = min(levels[-4:]) - min(levels[4:8])
    assert grown < GROWN_KB, f"grew by {grown} kB: {levels}"


def _memory(pid: int) -> int:
    """What the process holds, in kB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise AssertionError("no Pss line")
