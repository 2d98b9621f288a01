"""The steps in which an answer leaves: exact, and without a socket."""

from __future__ import annotations

import gzip

import pytest

from testing.simulators.faults import Fault, FaultBox, parse_fault, parse_header
from testing.simulators.messages import Response
from testing.simulators.script import Break, Hang, Pause, Send, Step, script

STREAM = Response(200, pieces=(b"a1", b"b2", b"c3", b"end"), error_piece=b"error", garbage_piece=b"??")
WHOLE = Response(200, body=b"0123456789")


def _steps(response: Response, fault: Fault | None, pace: float = 0.0) -> list[Step]:
    return script(response, fault, pace)[1]


def _sent(*parts: bytes) -> list[Step]:
    return [Send(part) for part in parts]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (None, _sent(b"a1", b"b2", b"c3", b"end")),
        (Fault("slow", ms=50), [Pause(0.05), *_sent(b"a1", b"b2", b"c3", b"end")]),
        (Fault("never"), [Hang()]),
        (Fault("stall", after=0), [Send(b""), Hang()]),
        (Fault("stall", after=1), [Send(b"a1"), Hang()]),
        (Fault("reset", after=1), [Send(b"a1"), Break(b"b2", reset=True)]),
        (Fault("cut", after=0), [Break(b"a1", reset=False)]),
        (Fault("cut", after=99), [*_sent(b"a1", b"b2", b"c3", b"end"), Break(b"", reset=False)]),
        (Fault("no-terminator"), _sent(b"a1", b"b2", b"c3")),
        (Fault("error-event", after=1), _sent(b"a1", b"error")),
        (Fault("malformed", after=1), _sent(b"a1", b"??", b"b2", b"c3", b"end")),
        (Fault("usage-missing"), _sent(b"a1", b"b2", b"c3", b"end")),
    ],
)
def test_streams(fault: Fault | None, expected: list[Step]) -> None:
    assert _steps(STREAM, fault) == expected


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (None, [Send(b"0123456789")]),
        (Fault("stall"), [Send(b"01234"), Hang()]),
        (Fault("reset"), [Break(b"0123456789", reset=True)]),
        (Fault("malformed"), [Send(b"01234")]),
        (Fault("no-terminator"), [Send(b"0123456789")]),
    ],
)
def test_bodies(fault: Fault | None, expected: list[Step]) -> None:
    assert _steps(WHOLE, fault) == expected


def test_a_pace_is_between_pieces_only() -> None:
    expected = [Send(b"a1"), Pause(0.5), Send(b"b2"), Pause(0.5), Send(b"c3"), Pause(0.5), Send(b"end")]
    assert _steps(STREAM, None, 0.5) == expected
    assert _steps(STREAM, Fault("pace", ms=500)) == expected
    assert _steps(WHOLE, None, 0.5) == [Send(b"0123456789")]


def test_characters_are_cut_behind_their_first_byte() -> None:
    response = Response(200, pieces=("aé".encode(), "🏥".encode()))
    parts = [step.data for step in _steps(response, Fault("split-utf8")) if isinstance(step, Send)]
    assert parts == [b"a\xc3", b"\xa9\xf0", b"\x9f\x8f\xa5"]


def test_gzip_keeps_the_pieces_apart() -> None:
    response, steps = script(STREAM, Fault("gzip"), 0.0)
    parts = [step.data for step in steps if isinstance(step, Send)]
    assert ("content-encoding", "gzip") in response.headers
    assert len(parts) == 5
    assert gzip.decompress(b"".join(parts)) == b"a1b2c3end"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("503", Fault("status", status=503)),
        ("429; retry_after=2", Fault("status", status=429, retry_after=2)),
        ("stall;after=3 ; times=1", Fault("stall", after=3, times=1)),
        ('{"fault": "slow", "ms": 5}', Fault("slow", ms=5)),
        ("429; code=insufficient_quota", Fault("status", status=429, code="insufficient_quota")),
    ],
)
def test_faults_in_a_header(text: str, expected: Fault) -> None:
    assert parse_header(text) == expected


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("stall", "an object"),
        ({}, "unknown fault ''"),
        ({"fault": "stal"}, "unknown fault 'stal'"),
        ({"fault": "stall", "afer": 1}, "unknown option 'afer'"),
        ({"fault": "stall", "after": -1}, "'after'"),
        ({"fault": "stall", "times": "x"}, "'times'"),
    ],
)
def test_bad_faults_say_what_is_wrong(given: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_fault(given)


def test_a_box_gives_each_fault_its_times() -> None:
    box = FaultBox()
    first, second = Fault("503", times=1, skip=1), Fault("stall", path="/models")
    box.put([first, second])
    assert box.take("POST", "/v1/chat") is None
    assert box.take("POST", "/token") is None
    assert box.take("GET", "/v1/models") is second
    assert box.take("POST", "/v1/chat") is first
    assert box.take("POST", "/v1/chat") is None
    assert box.refusing is False
    box.put([Fault("refuse")])
    assert box.refusing is True
