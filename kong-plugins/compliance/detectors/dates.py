"""How people write a day, down to the day or at least the month: a year alone identifies nobody."""

from __future__ import annotations

from typing import Final

from compliance.detectors.rule import Rule

_MONTH: Final = (
    rb"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    rb"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY: Final = rb"\d{1,2}(?:st|nd|rd|th)?"
DATE: Final = (
    rb"(?:" + _MONTH + rb"[- ](?:the )?" + _DAY + rb"\b|" + _DAY + rb"[- ](?:of )?" + _MONTH + rb"(?:\b|$)"
    rb"|\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)?\d{2}\b|(?:19|20)\d{2}[-/.]\d{1,2}[-/.]\d{1,2}\b)"
)
"""Begin it at a word's start. Case has to be ignored."""

RULES: Final = (
    Rule("date", None, rb"(?i)\b" + DATE, 0.9),
    Rule("date-month", None, rb"(?i)\b" + _MONTH + rb",? (?:of )?(?:19|20)\d{2}\b", 0.9),
    Rule(
        "date-short",
        None,
        rb"(?i)\b(?:on|since|dated|dos|seen|admitted|discharged|date of service)[: ]{1,2}(?:on )?"
        rb"\d{1,2}/\d{1,2}\b",
        0.7,
    ),
)
