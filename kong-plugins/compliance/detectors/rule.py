"""What a rule is, and how one is tried on a text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import re2

Check = Callable[[bytes, int, int], bool]
"""Whether the match at [start, end) of the text is what the rule looks for. It looks at a bounded stretch
only."""

MAX_MATCHES: Final = 2000
"""A rule that matches this often counts as found without asking further, so that no text takes long."""

_BEFORE: Final = 80
_AFTER: Final = 40


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of thing to find.

    `pattern` and `context` are RE2 patterns over normalised UTF-8, read as Latin-1 bytes. `check` asks
    whether a match is real (a checksum, a range). `context` has to stand within 80 bytes before or 40 after
    the match. A rule without a `category` is a signal: it raises nothing by itself and is there for
    compounds.
    """

    id: str
    category: str | None
    pattern: bytes
    check: Check | None = None
    context: bytes | None = None


@dataclass(frozen=True, slots=True)
class Compound:
    """Found when every group has at least one rule (or an earlier compound) that is found in the same
    text."""

    id: str
    category: str | None
    all_of: tuple[frozenset[str], ...]


def options() -> Any:
    """How every pattern here is compiled: bytes, so that the automata stay small."""
    result = re2.Options()
    result.encoding = re2.Options.Encoding.LATIN1
    result.never_capture = True
    result.log_errors = False
    return result


@cache
def compiled(pattern: bytes) -> Any:
    """The pattern alone, compiled once."""
    return re2.compile(pattern, options())


def holds(rule: Rule, data: bytes) -> bool:
    """Whether a rule whose pattern is known to match somewhere has a match that is real."""
    if rule.check is None and rule.context is None:
        return True
    for tried, match in enumerate(compiled(rule.pattern).finditer(data)):
        if tried >= MAX_MATCHES:
            return True
        start, end = match.span()
        if rule.check is not None and not rule.check(data, start, end):
            continue
        if rule.context is None or _stands_near(rule.context, data, start, end):
            return True
    return False


def _stands_near(context: bytes, data: bytes, start: int, end: int) -> bool:
    around = data[max(0, start - _BEFORE) : end + _AFTER]
    return compiled(context).search(around) is not None
