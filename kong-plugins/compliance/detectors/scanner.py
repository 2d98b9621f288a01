"""One text, given whole or in pieces: which rules hold in it. The same rules, however it is cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from compliance.detectors.gate import Gate, Text
from compliance.detectors.rule import AFTER, BEFORE, REACH, Compound, Rule, compiled, is_real
from compliance.normalise import normalise

MAX_MATCHES: Final = 2000
"""A rule that matches this often counts as found without asking further, so that no text takes long."""
MAX_ALL_MATCHES: Final = 3 * MAX_MATCHES
"""And when all rules together have matched this often, every rule that matches counts as found."""
HOLD_BACK: Final = REACH + AFTER
"""So many bytes at the end of a stream are undecided: what follows them may still make or break a match."""
STEP: Final = 64
"""A stream is looked at once this much more of it can be decided, not for every word."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that holds somewhere in a text, and the category that it raises. Never the text itself."""

    rule: str
    category: str
    confidence: float


class Scanner:
    """Reads one text. `feed` its pieces in order, then `finish`; each gives what was found since.

    Every place of the text is decided once, when all is known that the rules may look at around it. That is
    what makes the result independent of the cuts.
    """

    def __init__(self, gates: Iterable[Gate], compounds: Iterable[Compound]) -> None:
        self._gates = tuple(gates)
        self._compounds = tuple(compounds)
        self._data = b""
        self._next = 0  # the first place in _data that is undecided
        self._found: set[str] = set()
        self._matches: Counter[str] = Counter()
        self._all_matches = 0
        self._finished = False

    @property
    def undecided(self) -> int:
        """How many bytes of the normalised text read so far may still turn out to belong to a finding."""
        return len(self._data) - self._next

    def feed(self, text: str) -> tuple[Finding, ...]:
        """Read on. What this holds is found at the latest when HOLD_BACK + STEP more bytes are read."""
        if self._finished:
            raise ValueError("the text was finished")
        self._data += normalise(text)
        stop = len(self._data) - HOLD_BACK
        if stop - self._next < STEP:
            return ()
        new = self._decide(stop)
        kept = max(0, stop - BEFORE)
        self._data, self._next = self._data[kept:], stop - kept
        return new

    def whole(self, text: str) -> tuple[Finding, ...]:
        """All that a text holds which comes in one piece."""
        self._data = normalise(text)
        return self.finish()

    def finish(self) -> tuple[Finding, ...]:
        """There is no more of it: decide the rest."""
        self._finished = True
        new = self._decide(len(self._data))
        self._data, self._next = b"", 0
        return new

    def _decide(self, stop: int) -> tuple[Finding, ...]:
        """Look at every match that starts in [_next, stop)."""
        text = Text(self._data)
        matching = [rule for gate in self._gates for rule in gate.matching(text)]
        before = frozenset(self._found)
        self._found.update(rule.id for rule in matching if rule.id not in before and self._holds(rule, stop))
        if self._exhausted():
            self._found.update(self._matches)
        if len(self._found) == len(before):
            return ()
        for compound in self._compounds:
            if compound.holds(self._found):
                self._found.add(compound.id)
        everything: list[Rule | Compound] = [rule for gate in self._gates for rule in gate.rules]
        everything += self._compounds
        return tuple(
            Finding(rule.id, rule.category, rule.confidence)
            for rule in everything
            if rule.category is not None and rule.id in self._found and rule.id not in before
        )

    def _holds(self, rule: Rule, stop: int) -> bool:
        data, place = self._data, self._next
        whole = place == 0 and stop == len(data)
        asks = rule.check is not None or rule.context is not None
        if whole and not asks:
            return True  # as the gate has said
        search = compiled(rule.pattern).search
        while match := search(data, place):
            start, end = match.span()
            if start >= stop:
                return False
            place = start + 1  # and not `end`: where a match begins must not depend on the one before
            if not asks or self._exhausted():
                return True
            self._matches[rule.id] += 1
            self._all_matches += 1
            if self._matches[rule.id] > MAX_MATCHES or is_real(rule, data, start, end):
                return True
        return False

    def _exhausted(self) -> bool:
        return self._all_matches > MAX_ALL_MATCHES
