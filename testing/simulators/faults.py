"""What can go wrong with an answer: the names, how they are asked for, and how often they apply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import orjson

HEADER = "x-simulator-fault"

FAULTS: Mapping[str, str] = {
    "status": "answer `status` in the provider's own words; `retry_after` (seconds) adds that header; `code`",
    "refuse": "close the listener and every connection: connection refused until the fault is cleared",
    "slow": "send nothing, not even the head, for `ms`",
    "never": "never send anything",
    "stall": "send `after` pieces of the stream (or half a body), then nothing more",
    "reset": "send `after` pieces and half of the next, then a TCP reset",
    "cut": "send `after` pieces and half of the next, then close the connection",
    "no-terminator": "end the stream properly but without its last piece ([DONE], message_stop, done: true)",
    "malformed": "a piece that is not JSON after `after` pieces; a body that ends in the middle",
    "garbage": "a 200 with bytes that are neither JSON nor text",
    "error-event": "the provider's error after a 200, behind `after` pieces",
    "usage-missing": "leave out the usage",
    "usage-twice": "send the usage twice, the second time with other numbers",
    "split-utf8": "a text with multibyte characters, each cut in two on the wire",
    "split-ssn": "a text with a social security number that is spread over several pieces",
    "large": "a text of `bytes` characters (10 MB)",
    "gzip": "content-encoding: gzip, asked for or not",
    "pace": "`ms` between two pieces of a stream",
}
"""Name and meaning. A bare number such as "503" is short for {"fault": "status", "status": 503}."""

_NOT_UNLESS_NAMED = ("/token", "/api/show")
"""POSTs that a fault leaves alone unless its `path` names them: they come beside the request under test."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. It leaves the first `skip` requests alone and applies to the next `times` (None: all)."""

    fault: str
    times: int | None = None
    skip: int = 0
    path: str = ""
    """Part of the target; without it, every POST but the side ones (/token, /api/show)."""
    after: int = 2
    ms: int = 1000
    status: int = 500
    retry_after: float | None = None
    code: str | None = None
    """The provider's code of a `status` fault, such as OpenAI's "insufficient_quota" for a 429."""
    bytes: int = 10_000_000

    def concerns(self, method: str, target: str) -> bool:
        """Whether it applies to that request."""
        if self.path:
            return self.path in target
        return method == "POST" and not target.partition("?")[0].endswith(_NOT_UNLESS_NAMED)


def parse_fault(value: Any) -> Fault:
    """A fault from {"fault": name, ...}; ValueError says what is wrong with it."""
    if not isinstance(value, Mapping):
        raise ValueError('a fault is an object such as {"fault": "stall", "after": 2, "times": 1}')
    given = dict(value)
    name = str(given.get("fault", ""))
    if name.isdigit():
        given |= {"fault": "status", "status": int(name)}
    elif name not in FAULTS:
        raise ValueError(
            f"unknown fault {name!r}; there are: {', '.join(FAULTS)}, and any status such as 503"
        )
    unknown = given.keys() - {field.name for field in fields(Fault)}
    if unknown:
        raise ValueError(f"unknown option {sorted(unknown)[0]!r} of a fault")
    for option in ("times", "skip", "after", "ms", "status", "bytes"):
        number = given.get(option)
        if (
            option in given
            and not (isinstance(number, int) and number >= 0)
            and not (option == "times" and number is None)
        ):
            raise ValueError(f"{option!r} of a fault must be a whole number")
    return Fault(**given)


def parse_header(text: str) -> Fault:
    """A fault from the header: `stall`, `503; retry_after=2`, `cut; after=3`, or the JSON object itself."""
    if text.lstrip().startswith("{"):
        return parse_fault(orjson.loads(text))
    name, *options = (part.strip() for part in text.split(";"))
    given: dict[str, Any] = {"fault": name}
    for option in filter(None, options):
        key, _, word = option.partition("=")
        given[key.strip()] = int(word) if word.strip().isdigit() else word.strip()
    if given["fault"] == "refuse":
        raise ValueError("'refuse' comes too late in a header: use the control endpoint")
    return parse_fault(given)


class FaultBox:
    """The faults that wait for the requests of one simulator, first come first served."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Fault, list[int]]] = []

    def put(self, faults: Iterable[Fault]) -> None:
        """Replace whatever waits."""
        self._waiting = [(fault, [0]) for fault in faults]

    def take(self, method: str, target: str) -> Fault | None:
        """The fault for this request, if any; this counts as one of its times."""
        for fault, seen in self._waiting:
            if fault.fault == "refuse" or not fault.concerns(method, target):
                continue
            seen[0] += 1
            over = fault.times is not None and seen[0] > fault.skip + fault.times
            if seen[0] > fault.skip and not over:
                return fault
        return None

    @property
    def refusing(self) -> bool:
        """Whether connections are to be refused."""
        return any(fault.fault == "refuse" for fault, _ in self._waiting)

    def as_json(self) -> list[dict[str, Any]]:
        """What waits, with how many requests each has seen."""
        return [
            {field.name: getattr(fault, field.name) for field in fields(Fault)} | {"seen": seen[0]}
            for fault, seen in self._waiting
        ]
