"""One pass over a text that says which patterns match in it at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import re2

from compliance.detectors.rule import Rule, options

MAX_MEMORY_BYTES: Final = 16 << 20
"""For the automaton's states, which are made as texts need them: a bound on what hostile texts can make it
take."""

# Normalised text holds no control character but tab and line ends: this stands only where the gate puts it.
_SENTINEL: Final = b"\0"


class Gate:
    """All patterns in one automaton."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        settings = options()
        settings.max_mem = MAX_MEMORY_BYTES
        self._set: Any = re2.Set.SearchSet(settings)
        for rule in self._rules:
            self._set.Add(rule.pattern)
        self._sentinel: int = self._set.Add(_SENTINEL)
        self._set.Compile()

    def matching(self, data: bytes) -> list[Rule]:
        """The rules whose pattern matches somewhere in normalised text.

        RE2 would say "no match" if it ran out of memory. The sentinel has to match, so that no such text
        passes for a clean one: MemoryError.
        """
        indices = self._set.Match(data + _SENTINEL)
        if indices is None or self._sentinel not in indices:
            raise MemoryError("the detectors' automaton does not fit")
        return [self._rules[index] for index in indices if index != self._sentinel]
