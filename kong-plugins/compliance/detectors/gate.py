"""One pass over a text that says which patterns match in it at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import re2

from compliance.detectors.rule import Rule, options

# Normalised text holds no control character but tab and line ends: this stands only where the gate puts it.
_SENTINEL: Final = b"\0"
_NOT_DIGITS: Final = bytes(byte for byte in range(256) if byte not in b"0123456789")


class Gate:
    """Patterns of one kind in one automaton, which is not asked about texts that have too few digits for any.

    Counting patterns of several kinds ("a label, and within 24 bytes nine digits") multiply each other's
    states: hostile text then needs a new state for every byte. So there is one gate a kind.
    """

    def __init__(self, rules: Sequence[Rule], *, digits: int = 0) -> None:
        self.rules = tuple(rules)
        self._digits = digits
        self._set: Any = re2.Set.SearchSet(options())
        for rule in self.rules:
            self._set.Add(rule.pattern)
        self._sentinel: int = self._set.Add(_SENTINEL)
        self._set.Compile()

    def matching(self, text: Text) -> list[Rule]:
        """The rules whose pattern matches somewhere.

        RE2 would say "no match" if it ran out of memory. The sentinel has to match, so that no such text
        passes for a clean one: MemoryError.
        """
        if text.digits < self._digits:
            return []
        indices = self._set.Match(text.marked)
        if indices is None or self._sentinel not in indices:
            raise MemoryError("the detectors' automaton does not fit")
        if len(indices) == 1:
            return []
        return [self.rules[index] for index in indices if index != self._sentinel]


class Text:
    """Normalised text as the gates want it."""

    __slots__ = ("digits", "marked")

    def __init__(self, data: bytes) -> None:
        self.marked = data + _SENTINEL
        self.digits = len(data.translate(None, _NOT_DIGITS))
