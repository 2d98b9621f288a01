"""Health records: labelled record numbers, and words of health together with something that identifies.

What identifies comes in two strengths. A name or a number points at a person by itself: beside medicine that
is a record of that person. A day, a doctor or a place does so only when the text speaks of a patient: a
lecture on cancer has a date too.
"""

from __future__ import annotations

from typing import Final

from compliance.detectors import dates, names, national, personal
from compliance.detectors.health_words import (
    ACTS,
    COMMON_CARE,
    COMMON_CONDITIONS,
    CONDITION_ENDINGS,
    CONDITIONS,
    DRUG_ENDINGS,
    DRUGS,
    HAS,
    PERSONS,
    PROCEDURE_ENDINGS,
    PROCEDURES,
    ending,
    word,
)
from compliance.detectors.rule import Compound, Rule

_NUMBER: Final = rb"(?:[ _-]?(?:id|no\.?|num|number|#))"
_LABEL: Final = (
    rb"(?:mrn|mr ?#|med(?:ical)?[ _-]?rec(?:ord)?s?"
    rb"|(?:patient|pt|hospital|clinic|chart|encounter|health[ _-]?card)"
    + _NUMBER
    + rb"|patient[ _-]?identifier|nhs"
    + _NUMBER
    + rb"|(?:health|medical|dental)[ _-]?(?:plan|insurance|card|policy)"
    + rb"(?:[ _-]?(?:beneficiary|member|policy|subscriber))?"
    + _NUMBER
    + rb"?|medicare"
    + _NUMBER
    + rb"?|medicaid"
    + _NUMBER
    + rb"?|beneficiary"
    + _NUMBER
    + rb"|hpbn|hicn|mbi|fin|csn|hosp(?:ital)?\.? no|unit (?:no\.?|number)"
    rb"|policy ?holder(?: (?:no\.?|number|id))?|(?:insurance|member|subscriber)[ _-]?(?:id|#))"
)

LABELLED: Final = (
    Rule(
        "medical-record-number",
        "phi",
        rb"(?i)(?:^|[^a-z0-9])"
        + _LABEL
        + rb"[ _-]?(?:number|num|no|id)?[^a-z0-9]{0,6}(?:(?:is|was|of|number|no|id)[^a-z0-9]{1,4})?"
        rb"(?:[a-z]{1,6}[-_ ]?){0,2}\d[-0-9a-z]{2}",
        0.85,
    ),
)
CONDITIONS_AND_CARE: Final = (
    Rule("health-condition", None, word(CONDITIONS) + rb"|" + ending(CONDITION_ENDINGS), 0.8),
    Rule("health-common-condition", None, word(COMMON_CONDITIONS), 0.4),
    Rule("health-common-care", None, word(COMMON_CARE), 0.4),
)
MEDICINE: Final = (
    Rule("health-drug", None, word(DRUGS) + rb"|" + ending(DRUG_ENDINGS), 0.9),
    Rule("health-procedure", None, word(PROCEDURES) + rb"|" + ending(PROCEDURE_ENDINGS), 0.8),
)
PATIENTS: Final = (
    Rule("care-act", None, word(ACTS + rb"|" + HAS + rb"(?:" + COMMON_CONDITIONS + rb")"), 0.5),
    Rule("care-person", None, word(PERSONS), 0.5),
)

_A_PERSON: Final = frozenset(
    rule.id
    for rule in (
        *personal.NUMBERS,
        *personal.LABELLED,
        *national.NUMBERS,
        *national.LETTERED,
        *national.LABELLED,
    )
    if rule.id != "npi"  # of a provider of care, in a public register
) | {"email", "email-spelled", "bank-account", "street-address", "record-labelled", "insured-by"}
_A_NAME: Final = frozenset(rule.id for rule in names.RULES if rule.id != "name-of-doctor")
_POINTS_AT_A_PERSON: Final = _A_PERSON | _A_NAME
_POINTS_AT_A_PATIENT: Final = frozenset(rule.id for rule in dates.RULES) | {
    "name-of-doctor",
    "care-place",
    "home-town",
    "zip-code",
    "bare-number",
    "age-over-89",
    "ipv4",
    "ipv6",
}
_MEDICINE: Final = frozenset({"health-condition", "health-drug", "health-procedure"})
_HEALTH: Final = _MEDICINE | {"health-common-condition", "health-common-care", "care-act"}

COMPOUNDS: Final = (
    # Everyday words of health: two kinds of them together speak of somebody's health.
    Compound(
        "health-talk",
        None,
        tuple(
            frozenset({one})
            for one in ("health-common-condition", "health-common-care", "care-act", "care-person")
        ),
        2,
        0.5,
    ),
    Compound("care-of-a-patient", None, (frozenset({"care-person"}), _HEALTH), 2, 0.7),
    Compound(
        "care-episode",
        None,
        (
            frozenset({"health-procedure"}),
            frozenset({"health-condition", "health-drug"}),
            frozenset({"care-act"}),
        ),
        2,
        0.6,
    ),
    Compound("health-record", "phi", (_MEDICINE | {"health-talk", "care-act"}, _POINTS_AT_A_PERSON), 2, 0.7),
    Compound(
        "health-episode",
        "phi",
        (frozenset({"care-of-a-patient", "care-episode", "health-procedure"}), _POINTS_AT_A_PATIENT),
        2,
        0.6,
    ),
)
