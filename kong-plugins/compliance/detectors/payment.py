"""Payment cards and bank accounts."""

from __future__ import annotations

from typing import Final

from compliance.detectors.checks import card, iban
from compliance.detectors.rule import Rule

RULES: Final = (
    Rule("card-number", "pci", rb"\d(?:[-. ]{0,3}\d){11}", card),
    Rule(
        "card-security-code",
        "pci",
        rb"(?i)\b(?:cvv2?|cvc2?|card verification (?:value|code))\W{1,6}(?:is\W)?\d{3,4}\b",
    ),
    Rule("iban", "pii", rb"(?i)\b[a-z]{2}\d{2}(?:[-. ]?[a-z0-9]){6}", iban),
)
