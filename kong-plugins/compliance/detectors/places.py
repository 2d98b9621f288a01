"""Where a person lives or is cared for, and numbers by which others know a person, as signals."""

from __future__ import annotations

import re
from typing import Final

from compliance.detectors.rule import Rule

_WORT: Final = re.compile(rb"(?i)[ -]?wort")


def no_plant(data: bytes, start: int, end: int) -> bool:
    """ "St. John's" is a hospital, "St. John's wort" is not."""
    del start
    return _WORT.match(data, end) is None


_NAME: Final = rb"(?:[A-Z][a-z]{1,15}|St\.|[NSEW]{1,2}\.?|\d{1,3}(?:st|nd|rd|th))"
_CARE: Final = (
    rb"(?:Hospital|Medical Center|Medical Centre|Clinic|Health(?: Center| System)?|Infirmary|Hospice"
    rb"|Nursing Home|Urgent Care|Cancer Center|Memorial|General|Healthcare|Rehab(?:ilitation)?(?: Center)?)"
    rb"|(?i:hospital|clinic|medical center|infirmary|office|campus|facility|ward|ER)"
)
_STREET: Final = (
    rb"(?:St|Street|Ave|Avenue|Rd|Road|Blvd|Boulevard|Ln|Lane|Dr|Drive|Ct|Court|Pl|Place|Way|Ter|Terrace|Cir"
    rb"|Circle|Hwy|Highway|Pkwy|Parkway|Sq|Square|Loop|Trail|Close|Crescent)"
)
_CARED_FOR: Final = (
    rb"(?i:seen|admitted|treated|operated|hospitali[sz]ed|discharged|referred|followed|evaluated|diagnosed"
    rb"|surgery|visit(?:ed)?|appointment|done|performed|transferred)"
)
_RECORD: Final = (
    rb"(?:id|ref(?:erence)?|case|account|acct|claim|policy|member(?:ship)?|subscriber|beneficiary|group"
    rb"|insurance|certificate|licen[cs]e|chart|file|record|encounter|visit|accession|specimen|serial|device"
    rb"|badge|plate|vin)"
)

_INSURER: Final = (
    rb"(?:aetna|anthem|blue cross|blue shield|bcbs|cigna|humana|kaiser|medicaid|medicare|medi-cal|tricare"
    rb"|united ?health\w{0,4}"
    rb"|uhc|wellcare|centene|molina|bupa|axa health|aok|barmer)"
)

PLACES: Final = (
    Rule(
        "bare-number",
        None,
        rb"\b(?:\d{7,12}|\d{2,4}-\d{2,4}-\d{1,5}"
        rb"|[A-Z]{1,2}-?\d{5,10}|\d[A-Z]-?\d{4,8})\b",
        0.3,
    ),
    Rule(
        "street-address",
        None,
        rb"\b\d{1,5}[A-Za-z]? (?:" + _NAME + rb" ){1,4}" + _STREET + rb"\b"
        rb"|(?i:\b\d{2,5} (?:[nsew]\.? )?[a-z]{3,15}(?: [a-z]{3,15})? "
        rb"(?:street|avenue|road|boulevard|lane|drive|blvd)\b)"
        rb"|(?i:\bp\.? ?o\.? box \d{2,6}\b|\b(?:apt|apartment|unit|suite)\.? ?#? ?\d{1,4}[a-z]?\b)",
        0.8,
    ),
    Rule("zip-code", None, rb"\b[A-Z]{2},? \d{5}(?:-\d{4})?\b|(?i:\bzip(?: ?code)?[^a-z0-9]{1,4}\d{5})", 0.8),
    Rule(
        "home-town",
        None,
        rb"\b(?:lives|living|resides|residing|resident) (?:at|in|on|near|of) (?:the )?[A-Z0-9]"
        rb"|\bfrom [A-Z][a-z]{1,20}, [A-Z]",
        0.7,
    ),
    Rule(
        "care-place",
        None,
        rb"\b(?i:at|in|from|to|by|with|of|visited|our|near) (?:the |The |our )?"
        rb"(?:(?:[A-Z][A-Za-z'.]{1,15}|of|the) ){1,4}(?:" + _CARE + rb")\b"
        rb"|\b" + _CARED_FOR + rb" (?:on )?(?:at|in|to|from|by) (?:the )?[A-Z]"
        rb"|\bat (?:the )?[A-Z][A-Za-z'.-]{2,20}"
        rb"|\b(?:St|Saint|Mt|Mount)\.? [A-Z][a-z]{1,20}(?:'s)?",
        0.6,
        no_plant,
    ),
    Rule(
        "age-over-89",
        None,
        rb"(?i)\b(?:9\d|1[01]\d)[- ]?"
        rb"(?:yo|y/?o|y\.o\.?|yrs?[- ]old|years? old|year-old|years of age|yo?[mf]|[mf])\b"
        rb"|\baged? (?:9\d|1[01]\d)\b",
        0.9,
    ),
)
LABELLED: Final = (
    Rule(
        "insured-by",
        None,
        rb"(?i)\b"
        + _INSURER
        + rb"(?: (?:id|member|policy|number|no\.?|#))?[^a-z0-9]{1,4}[a-z]{0,3}[- ]?\d[-0-9a-z]{5}",
        0.7,
    ),
    Rule(
        "record-labelled",
        None,
        rb"(?i)\b" + _RECORD + rb"(?: ?(?:number|num|no\.?|id|#))?[^a-z0-9]{1,4}(?:is |was |no |number )?#? ?"
        rb"(?:[a-z]{1,5}[-_ ]?){0,2}\d[-0-9a-z]{3}",
        0.6,
    ),
)
