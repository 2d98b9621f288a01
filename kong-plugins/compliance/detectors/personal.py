"""What identifies a person and raises `pii`: numbers, addresses on the net, dates of birth, documents."""

from __future__ import annotations

from typing import Final

from compliance.detectors.checks import (
    dea,
    not_a_repository,
    not_a_row_of_digits,
    npi,
    personal_ip,
    phone_length,
    phone_national,
    ssn,
    ssn_spelled,
)
from compliance.detectors.dates import DATE
from compliance.detectors.rule import Rule

_START: Final = rb"(?:^|[^0-9])"
_END: Final = rb"(?:$|[^0-9])"
_SSN_LABEL: Final = rb"(?:ssn|\bss ?#|social[ -]?sec\w{0,5}|\bsocial\b|taxpayer|\bitin\b|\btin\b)"
_NINE: Final = rb"\d(?:[-. ]{0,3}\d){8}"
_PHONE_LABEL: Final = (
    rb"(?:phone|mobile|\btel\b|\bcell(?:ular)?\b|\bfax|whatsapp|telegram|\bsms\b|\bcall(?:ed|ing)?\b|\btext"
    rb"|\bdial|\breach|\bcontact|hotline|\bring\b|\bph\b|voicemail)"
)

NUMBERS: Final = (
    Rule("ssn-us", "pii", _START + rb"\d{3}[-. _/]{1,3}\d{2}[-. _/]{1,3}\d{4}" + _END, 0.9, ssn),
    Rule("ssn-us-spelled", "pii", _START + rb"\d(?:[-. ]{1,3}\d){8}" + _END, 0.6, ssn_spelled),
    Rule(
        "phone-international",
        "pii",
        rb"(?:\+|\b00)[1-9]\d{0,2}[-. /]{0,2}(?:\(\d{1,5}\)[-. /]?)?\d(?:[-. /]{0,2}\d){5,12}" + _END,
        0.9,
        phone_length,
    ),
    Rule(
        "phone-us",
        "pii",
        _START + rb"(?:1[-. ])?(?:\([2-9]\d{2}\)[- ]?|[2-9]\d{2}[-. /])[2-9]\d{2}[-. ]\d{4}" + _END,
        0.9,
    ),
    Rule(
        "phone-us-any-area",
        "pii",
        _START + rb"(?:\(\d{3}\) ?\d{3}[-. ]\d{4}|\d{3}-\d{3}-\d{4}|\d{3}\.\d{3}\.\d{4})" + _END,
        0.8,
    ),
    Rule("phone-spelled", "pii", _START + rb"[2-9](?:[-. ]\d){9}" + _END, 0.7, not_a_row_of_digits),
    Rule(
        "phone-national",
        "pii",
        _START + rb"\(?0\d{1,4}\)?[-. /]{1,2}\d{2,8}(?:[-. ]\d{2,4}){0,4}" + _END,
        0.7,
        phone_national,
    ),
)
ON_THE_NET: Final = (
    Rule("email", "pii", rb"(?i)[a-z0-9._%+-]@(?:[a-z0-9-]{1,63}\.){1,2}[a-z]{2}", 0.97, not_a_repository),
    Rule(
        "email-spelled",
        "pii",
        rb"(?i)[a-z0-9_-]{2} ?[\[({] ?at ?[\])}] ?[a-z0-9-]{1,40} ?(?:\.|[\[({] ?dot ?[\])}]) ?[a-z]{2}",
        0.8,
    ),
    Rule("ipv4", "pii", rb"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}", 0.7, personal_ip),
    Rule("ipv6", "pii", rb"(?i)[0-9a-f]{1,4}:(?:[0-9a-f]{0,4}:){2,6}[0-9a-f]{0,4}", 0.8, personal_ip),
)
LETTERED: Final = (
    Rule(
        "dea-number",
        "pii",
        rb"(?i)\b[abcdefghjklmprstux][a-z9]\d{7}\b",
        0.95,
        dea,
        context=rb"(?i)\bdea\b|prescri|registration|pharmac",
    ),
)
LABELLED: Final = (
    Rule("ssn-us-labelled", "pii", rb"(?i)" + _SSN_LABEL + rb"[^0-9]{0,24}" + _NINE + _END, 0.95, ssn),
    Rule(
        "ssn-us-label-after",
        "pii",
        rb"(?i)"
        + _START
        + rb"\d{9}[^0-9a-z]{1,6}(?:is |my |his |her |as |the |their |a |\(){0,3}"
        + _SSN_LABEL,
        0.9,
    ),
    Rule(
        "phone-labelled",
        "pii",
        rb"(?i)" + _PHONE_LABEL + rb"[^0-9]{1,20}\d(?:[-. /()]{0,2}\d){6,14}",
        0.8,
        phone_length,
    ),
    Rule(
        "birth-date",
        "pii",
        rb"(?i)\b(?:d\.?o\.?b\.?|date[ _]?of[ _]?birth|birth[ _-]?(?:date|day)"
        rb"|born(?: on)?)[^a-z0-9]{1,6}(?:is |on |was )?" + DATE,
        0.95,
    ),
    Rule(
        "passport",
        "pii",
        rb"(?i)\bpassport(?: ?(?:number|no\.?|num|#|id))?[^a-z0-9]{1,5}(?:is )?[a-z]{0,2}\d{6,9}\b",
        0.9,
    ),
    Rule(
        "driving-licence",
        "pii",
        rb"(?i)\b(?:driv(?:er'?s?|ing)[ -]?licen[cs]e|licen[cs]e (?:number|no\.?|#)|\bdl ?(?:#|no\.?|number))"
        rb"(?: ?(?:number|no\.?|num|#|id))?[^a-z0-9]{1,5}(?:is )?[a-z]{0,5}[- ]?\d[-0-9a-z]{4}",
        0.8,
    ),
    Rule("npi", "pii", rb"(?i)\bnpi\b[^0-9]{0,20}[12]\d{9}\b", 0.95, npi),
)
