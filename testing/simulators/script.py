"""From a response and a fault to the steps in which it leaves: pure, so that a fault is exact to the byte."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from testing.simulators.faults import Fault
from testing.simulators.messages import Response


@dataclass(frozen=True, slots=True)
class Send:
    """Write `data`: a chunk of a stream, or part of a body. The first takes the head along, even if empty."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """Flush, then wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hang:
    """Flush, then say nothing more until the client leaves."""


@dataclass(frozen=True, slots=True)
class Break:
    """Announce `data`, write only half of it, then reset (RST) or close the connection."""

    data: bytes
    reset: bool


Step = Send | Pause | Hang | Break

_SPLIT_PAUSE = 0.003
"""Seconds between two cuts, so that they arrive as two reads."""
_GARBAGE = b"\x00\xff\xfe\x80 simulated garbage \xc3("


def script(response: Response, fault: Fault | None, pace: float) -> tuple[Response, list[Step]]:
    """The response (gzip and garbage change its head) and the steps in which its body leaves.

    `pace` is the pause in seconds between two pieces of a stream.
    """
    if fault is None:
        return response, _paced(_parts(response), pace)
    if fault.fault == "gzip":
        return _gzip(response, pace)
    if fault.fault == "garbage":
        return replace(response, body=_GARBAGE, pieces=None), [Send(_GARBAGE)]
    if fault.fault == "malformed" and response.pieces is None:
        half = response.body[: len(response.body) // 2]
        return replace(response, body=half), [Send(half)]
    return response, _steps(response, fault, pace)


def _steps(response: Response, fault: Fault, pace: float) -> list[Step]:
    parts = _parts(response)
    first = parts[: fault.after] if response.pieces is not None else []
    rest = parts[len(first) :] or [b""]
    match fault.fault:
        case "slow":
            return [Pause(fault.ms / 1000), *_paced(parts, pace)]
        case "never":
            return [Hang()]
        case "stall":
            begun = first if response.pieces is not None else [response.body[: len(response.body) // 2]]
            return [*_paced(begun or [b""], pace), Hang()]
        case "reset" | "cut":
            return [
                *_paced(first, pace),
                *([Pause(pace)] if pace else []),
                Break(rest[0], fault.fault == "reset"),
            ]
        case "no-terminator" if response.pieces is not None:
            return _paced(parts[: -response.tail], pace)
        case "error-event" if response.pieces is not None:
            return _paced([*first, response.error_piece], pace)
        case "malformed":
            return _paced([*first, response.garbage_piece, *rest], pace)
        case "split-utf8":
            return _paced(_cut_characters(b"".join(parts)), _SPLIT_PAUSE)
        case "split-ssn" if response.pieces is not None:
            return _paced(parts, max(pace, _SPLIT_PAUSE))
        case "pace":
            return _paced(parts, fault.ms / 1000)
        case _:
            return _paced(parts, pace)


def _parts(response: Response) -> list[bytes]:
    return [response.body] if response.pieces is None else list(response.pieces)


def _paced(parts: Sequence[bytes], pace: float) -> list[Step]:
    steps: list[Step] = []
    for number, part in enumerate(parts):
        if number and pace:
            steps.append(Pause(pace))
        steps.append(Send(part))
    return steps


def _gzip(response: Response, pace: float) -> tuple[Response, list[Step]]:
    compress = zlib.compressobj(wbits=31)
    parts = [compress.compress(part) + compress.flush(zlib.Z_SYNC_FLUSH) for part in _parts(response)]
    parts.append(compress.flush(zlib.Z_FINISH))
    headers = (*response.headers, ("content-encoding", "gzip"))
    if response.pieces is not None:
        return replace(response, headers=headers, pieces=tuple(parts)), _paced(parts, pace)
    body = b"".join(parts)
    return replace(response, headers=headers, body=body), [Send(body)]


def _cut_characters(data: bytes) -> list[bytes]:
    """`data`, cut behind the first byte of every multibyte character."""
    cuts = [0, *(place + 1 for place, byte in enumerate(data) if byte >= 0xC0), len(data)]
    return [data[start:end] for start, end in pairwise(cuts) if start < end]
