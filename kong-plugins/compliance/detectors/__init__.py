"""Detectors: what a text holds, by rules. They only ever raise a class, and they are help on top of the
floors.

Detectors miss things (see the README); that nothing was found never lowers a class.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from compliance.detectors import health, payment, personal, secrets
from compliance.detectors.gate import Gate
from compliance.detectors.rule import Compound, Rule, holds
from compliance.normalise import normalise

__all__ = ["COMPOUNDS", "EVERY_RULE", "RULES", "RULES_REVISION", "Finding", "scan", "scan_all"]

RULES: Final[tuple[Rule, ...]] = (*personal.RULES, *payment.RULES, *health.RULES, *secrets.RULES)
COMPOUNDS: Final[tuple[Compound, ...]] = health.COMPOUNDS
EVERY_RULE: Final[tuple[Rule | Compound, ...]] = (*RULES, *COMPOUNDS)

SEPARATOR: Final = "\n|\n"
"""Between texts that are scanned together: no pattern reaches over it but those that look for a label."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that holds somewhere in a text, and the category that it raises. Never the text itself."""

    rule: str
    category: str


def scan(text: str) -> tuple[Finding, ...]:
    """What the text holds: each rule at most once, in the order of RULES and COMPOUNDS. Linear in the
    text."""
    data = normalise(text)
    found = {rule.id for rule in _GATE.matching(data) if holds(rule, data)}
    if not found:
        return ()
    for compound in COMPOUNDS:
        if all(not group.isdisjoint(found) for group in compound.all_of):
            found.add(compound.id)
    return tuple(
        Finding(rule.id, rule.category)
        for rule in EVERY_RULE
        if rule.category is not None and rule.id in found
    )


def scan_all(texts: Iterable[str]) -> tuple[Finding, ...]:
    """The same over several texts of one request: what identifies may stand in one, and the health word in
    another."""
    return scan(SEPARATOR.join(texts))


def _revision() -> str:
    """A hash over everything that decides a finding: the same rules have the same revision, in every
    process."""
    digest = hashlib.sha256()
    sources = [entry for entry in files(__package__).iterdir() if entry.name.endswith(".py")]
    for entry in [*sorted(sources, key=lambda entry: entry.name), files("compliance") / "normalise.py"]:
        digest.update(entry.name.encode() + b"\0" + entry.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


_GATE: Final = Gate(RULES)
RULES_REVISION: Final = _revision()
