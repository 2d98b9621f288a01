"""Detectors: what a text holds, by rules. They only ever raise a class: help on top of the floors.

A rule is a row (`rule.Rule`): id, category, pattern, confidence, and where needed a check and context words.
Patterns of one kind stand in one automaton, which says in one pass which of them match at all; only those are
looked at closely. Text is brought to one spelling first (`compliance.normalise`). `scan` reads a whole text,
`scanner()` one that comes in pieces, with the same findings however it is cut.

They know numbers with check digits, credentials with known prefixes, frequent names, and words of medicine in
English. They miss rare names, other languages, paraphrases and everything in images: that nothing was found
never lowers a class. What must not leave is kept in by the floors of tenant, token and route.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from compliance.detectors import dates, health, names, national, payment, personal, places, secrets
from compliance.detectors.gate import Gate
from compliance.detectors.rule import Compound, Rule
from compliance.detectors.scanner import Finding, Scanner
from compliance.revision import RULES_REVISION

__all__ = [
    "COMPOUNDS",
    "EVERY_RULE",
    "RULES",
    "RULES_REVISION",
    "Finding",
    "Scanner",
    "scan",
    "scan_all",
    "scanner",
]

_GATES: Final = (
    Gate(personal.NUMBERS, digits=7),
    Gate((*payment.NUMBERS, *national.NUMBERS), digits=11),
    Gate((*personal.LETTERED, *payment.LETTERED, *national.LETTERED), digits=4),
    Gate(
        (*personal.LABELLED, *payment.LABELLED, *national.LABELLED, *health.LABELLED, *places.LABELLED),
        digits=1,
    ),
    Gate(secrets.TOKENS),
    Gate(secrets.LONG),
    Gate((*health.CONDITIONS_AND_CARE, *health.MEDICINE, *health.PATIENTS)),
    Gate(names.RULES),
    Gate((*places.PLACES, *dates.RULES, *personal.ON_THE_NET)),
)
RULES: Final = tuple(rule for gate in _GATES for rule in gate.rules)
COMPOUNDS: Final[tuple[Compound, ...]] = health.COMPOUNDS
EVERY_RULE: Final[tuple[Rule | Compound, ...]] = (*RULES, *COMPOUNDS)

SEPARATOR: Final = "\n|\n"
"""Between texts that are scanned together: no pattern reaches over it but those that look for a label."""


def scanner() -> Scanner:
    """A scanner for one text that comes in pieces."""
    return Scanner(_GATES, COMPOUNDS)


def scan(text: str) -> tuple[Finding, ...]:
    """What the text holds: each rule at most once, in the order of EVERY_RULE. Linear in the text."""
    return scanner().whole(text)


def scan_all(texts: Iterable[str]) -> tuple[Finding, ...]:
    """The same over several texts of one request: what identifies may stand in one, and the health word in
    another."""
    return scan(SEPARATOR.join(texts))
