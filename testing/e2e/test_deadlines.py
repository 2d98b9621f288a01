"""A provider that says nothing, or nothing more: our own deadlines answer, and its request is ended."""

from __future__ import annotations

import time

from testing.e2e.broken import SOON_S, was_broken
from testing.e2e.caller import Caller, error_of
from testing.e2e.kinds import Kind
from testing.e2e.simulators import Simulators


def test_silence(caller: Caller, simulators: Simulators, impatient: None, kind: Kind) -> None:
    """Nothing comes at all, or nothing more: the gateway's own deadline answers."""
    simulators.fault(kind.name, "never")
    begun = time.monotonic()
    answer = caller.chat(kind.impatient_model)
    assert answer.status_code == 504, answer.text
    error = error_of(answer)
    assert (error["type"], error["code"]) == ("timeout_error", "provider_timeout")
    assert time.monotonic() - begun < SOON_S
    assert simulators.wait_for_leaving(kind.name)


def test_silence_before_a_stream(caller: Caller, simulators: Simulators, impatient: None, kind: Kind) -> None:
    simulators.fault(kind.name, "never")
    begun = time.monotonic()
    stream = caller.stream(kind.impatient_model)
    assert (stream.status, stream.done) == (504, False)
    assert stream.error is not None
    assert stream.error["code"] == "provider_timeout"
    assert time.monotonic() - begun < SOON_S
    assert simulators.wait_for_leaving(kind.name)


def test_silence_in_a_stream(caller: Caller, simulators: Simulators, impatient: None, kind: Kind) -> None:
    simulators.fault(kind.name, "stall", after=6)
    begun = time.monotonic()
    stream = caller.stream(kind.impatient_model)
    was_broken(stream, kind, {"provider_timeout"})
    assert time.monotonic() - begun < SOON_S
    assert simulators.wait_for_leaving(kind.name)


def test_a_stream_that_never_ends(caller: Caller, simulators: Simulators, impatient: None) -> None:
    """It drips within the limit between two pieces: the limit of the whole stream ends it."""
    simulators.fault("openai", "pace", ms=1000)
    begun = time.monotonic()
    stream = caller.stream("impatient-gpt-4o")
    assert not stream.done
    assert stream.error is not None
    assert stream.error["code"] == "provider_timeout"
    assert 4 < time.monotonic() - begun < 6 + SOON_S
