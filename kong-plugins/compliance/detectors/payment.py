"""Payment cards and bank accounts."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from stdnum import iban as registry
from stdnum import numdb

from compliance.detectors.checks import digits_of, luhn
from compliance.detectors.rule import AFTER, REACH, Rule

# Issuers by prefix, each with the lengths that it issues (ISO/IEC 7812 and the schemes' own tables).
_ISSUERS: Final = re.compile(
    rb"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    rb"|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"  # Mastercard
    rb"|3[47]\d{13}"  # American Express
    rb"|3(?:0[0-59]|[689]\d)\d{11,16}"  # Diners
    rb"|6(?:011|4[4-9]\d|5\d\d)\d{12,15}"  # Discover
    rb"|35\d{14,17}|(?:2131|1800)\d{11}"  # JCB (issues 3528 to 3589; nobody else has 35)
    rb"|62\d{14,17}"  # UnionPay
    rb"|(?:50|5[6-8]|6\d)\d{10,17}"  # Maestro
)
_RUN: Final = re.compile(rb"\d+(?:[-. ]{1,3}\d+){0,18}")
_LONGEST: Final = 19


def card(data: bytes, start: int, end: int) -> bool:
    """A payment card number begins with the match's first digit: in one piece, in groups as people write
    them, digit by digit, or grouped at random when nothing else stands around it."""
    del end
    place = start if data[start : start + 1].isdigit() else start + 1
    run = _RUN.match(data, place, min(len(data), start + REACH))
    if run is None:
        return False
    groups = re.split(rb"[-. ]+", run[0])
    if _in_equal_groups(groups):
        return True
    number = digits_of(run[0])
    alone = data[max(0, place - 2) : place].translate(None, b"-. ").isdigit() is False
    return alone and len(number) in (15, 16) and _odd_groups(run[0], groups) and _is_card(number)


def _is_card(number: bytes) -> bool:
    return _ISSUERS.fullmatch(number) is not None and luhn(number)


def _in_equal_groups(groups: list[bytes]) -> bool:
    """In one piece, in equal groups (the last may be shorter), or 4-6-5 and 4-6-4; more may follow.

    Without this a table of numbers would hold a "card" in every tenth place.
    """
    number, first = b"", len(groups[0])
    diners_or_amex = [len(group) for group in groups[:3]] in ([4, 6, 5], [4, 6, 4])
    if first in (2, 3) and len(groups) > 10:
        return False
    for count, group in enumerate(groups, 1):
        number += group
        if len(number) > _LONGEST:
            return False
        even = len(group) <= first or (diners_or_amex and count <= 3)
        if even and len(number) >= 12 and _is_card(number):
            return True
        if len(group) != first and not (diners_or_amex and count <= 2):
            return False
    return False


def _odd_groups(run: bytes, groups: list[bytes]) -> bool:
    """Not small numbers in a row, as in a table."""
    return b"." not in run and (b"-" in run or max(map(len, groups)) >= 4)


_SEPARATORS: Final = re.compile(rb"[-. ]")


def iban(data: bytes, start: int, end: int) -> bool:
    """An IBAN begins here: its check digits (ISO 7064, mod 97) are right, and so are its country's length and
    structure by the registry."""
    length = _iban_length(data[start : start + 2].upper())
    number = _SEPARATORS.sub(b"", data[start : end + AFTER]).upper()[:length]
    if length == 0 or len(number) < length or not number.isalnum():
        return False
    return _mod_97(number) == 1 and registry.is_valid(number.decode("ascii"), check_country=False)


@cache
def _iban_length(country: bytes) -> int:
    """From the registry's structure of the country's accounts, such as "4!a6!n8!n"; 0 if it is in none."""
    (_, about), *_ = numdb.get("iban").info(country.decode("ascii"))
    return 4 + sum(map(int, re.findall(r"(\d+)!", about["bban"]))) if "bban" in about else 0


def _mod_97(number: bytes) -> int:
    return int("".join(str(int(chr(byte), 36)) for byte in number[4:] + number[:4])) % 97


_DIGIT: Final = rb"(?:^|[^0-9])"
_GAP: Final = rb"[-. ]{1,3}"

NUMBERS: Final = (
    Rule(
        "card-number",
        "pci",
        _DIGIT + rb"[1-6](?:\d{11}|\d{3}" + _GAP + rb"\d{4}" + _GAP + rb"\d{4}" + _GAP + rb"\d"
        rb"|\d{3}" + _GAP + rb"\d{6}" + _GAP + rb"\d{4}|(?:" + _GAP + rb"\d){11}"
        rb"|(?:[- ]{0,3}\d){14,15}(?:$|[^-0-9 ]|[- ]{1,3}(?:$|[^-0-9 ])))",
        0.95,
        card,
    ),
)
LETTERED: Final = (
    Rule(
        "iban",
        "pii",
        rb"(?i)\b(?:A[DELTZ]|B[AEGHIRY]|C[HRYZ]|D[EKOJ]|E[EGS]|F[IKOR]|G[BEILRT]|H[NRU]|I[ELQST]|JO|K[WZ]"
        rb"|L[BCITUVY]|M[CDEKNRTU]|N[ILO]|OM|P[KLST]|QA|R[OSU]|S[ACDEIKMOTV]|T[LNR]|UA|V[AG]|XK|YE)"
        rb"\d{2}(?:[-. ]?[a-z0-9]){11}",
        0.99,
        iban,
    ),
)
LABELLED: Final = (
    Rule(
        "card-security-code",
        "pci",
        rb"(?i)\b(?:cvv2?|cvc2?|card (?:verification|security) (?:value|code|number))"
        rb"\W{1,6}(?:is\W)?\d{3,4}\b",
        0.8,
    ),
    Rule(
        "bank-account",
        "pii",
        rb"(?i)\b(?:bank )?(?:account|acct|acc)\.? ?(?:number|num|no\.?|nr\.?|#)[^a-z0-9]{0,6}(?:is )?"
        rb"\d(?:[- ]?\d){5,16}",
        0.7,
    ),
    Rule(
        "bank-routing",
        "pii",
        rb"(?i)\b(?:routing|aba|rtn|sort code)(?: ?(?:number|num|no\.?|#))?[^a-z0-9]{0,6}(?:is )?"
        rb"(?:\d{9}\b|\d\d[- ]\d\d[- ]\d\d\b)",
        0.7,
    ),
)
