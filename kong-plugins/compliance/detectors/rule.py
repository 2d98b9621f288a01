"""What a rule is. Each is a row: id, category, pattern, confidence, and, where a pattern alone would find too
much, a check and context words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import re2

Check = Callable[[bytes, int, int], bool]
"""Whether the match at [start, end) of the text is what the rule looks for.

It looks at the match, at BEFORE bytes before its start and at AFTER bytes behind its end, at nothing else: so
the answer is the same wherever a stream is cut.
"""

MAX_MEMORY_BYTES: Final = 8 << 20
"""For an automaton's states, which are made as texts need them: a bound on what hostile texts can make each
take."""
REACH: Final = 200
"""No match is longer, in bytes: patterns without a check are bounded by it, and what a check gets is too."""
BEFORE: Final = 80
AFTER: Final = 40


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of thing to find.

    `pattern` and `context` are RE2 patterns over normalised UTF-8, read as Latin-1 bytes. `check` asks
    whether a match is real (a checksum, a range). `context` has to stand around the match, within BEFORE and
    AFTER. `confidence` is our estimate of the share of matches in ordinary text that are real. A rule without
    a `category` is a signal: it raises nothing by itself and is there for compounds.
    """

    id: str
    category: str | None
    pattern: bytes
    confidence: float
    check: Check | None = None
    context: bytes | None = None


@dataclass(frozen=True, slots=True)
class Compound:
    """Found when `at_least` of the groups have a rule (or an earlier compound) that is found in the text."""

    id: str
    category: str | None
    groups: tuple[frozenset[str], ...]
    at_least: int
    confidence: float

    def holds(self, found: set[str]) -> bool:
        """Whether what is found so far is enough. What is enough once stays enough."""
        return sum(not group.isdisjoint(found) for group in self.groups) >= self.at_least


def options() -> Any:
    """How every pattern here is compiled: bytes, so that the automata stay small."""
    result = re2.Options()
    result.encoding = re2.Options.Encoding.LATIN1
    result.never_capture = True
    result.max_mem = MAX_MEMORY_BYTES
    result.log_errors = False
    return result


@cache
def compiled(pattern: bytes) -> Any:
    """The pattern alone, compiled once."""
    return re2.compile(pattern, options())


def is_real(rule: Rule, data: bytes, start: int, end: int) -> bool:
    """Whether a match of the rule's pattern is of a sane length, has its context and passes its check."""
    if end - start > REACH:
        return False
    if rule.context is not None:
        around = data[max(0, start - BEFORE) : end + AFTER]
        if compiled(rule.context).search(around) is None:
            return False
    return rule.check is None or rule.check(data, start, end)
