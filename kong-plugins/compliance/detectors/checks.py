"""Checks that tell a real number from one that only looks like it: ranges, check digits, known placeholders.
 Each takes the text and the place of a match, looks at a bounded stretch around it, and returns in constant
time.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections import Counter
from typing import Final

_DIGITS: Final = frozenset(b"0123456789")
_GIT_USER: Final = re.compile(rb"(?i)(?<![a-z0-9._-])git$")
_NOT_DIGITS: Final = bytes(byte for byte in range(256) if byte not in _DIGITS)


def stands_alone(data: bytes, start: int, end: int) -> bool:
    """No digit directly before or after: the match is not a piece of a longer number."""
    return (start == 0 or data[start - 1] not in _DIGITS) and (end == len(data) or data[end] not in _DIGITS)


def digits_of(data: bytes) -> bytes:
    """Only its digits."""
    return data.translate(None, _NOT_DIGITS)


def ssn(data: bytes, start: int, end: int) -> bool:
    """A US social security number as issued, or a taxpayer number (ITIN, 9xx).

    Areas 000 and 666, group 00 and serial 0000 were never issued.
    """
    if not stands_alone(data, start, end):
        return False
    number = digits_of(data[start:end])
    area, group, serial = int(number[:3]), int(number[3:5]), int(number[5:])
    if area >= 900:
        return 50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99
    return area not in (0, 666) and group != 0 and serial != 0


def phone_length(data: bytes, start: int, end: int) -> bool:
    """7 to 15 digits (E.164's most), and no piece of a longer number or of a decimal fraction."""
    if data[start - 1 : start] == b".":
        return False
    return stands_alone(data, start, end) and 7 <= len(digits_of(data[start:end])) <= 15


def not_a_repository(data: bytes, start: int, end: int) -> bool:
    """`git@host` is the address of a repository, not of a person."""
    del end
    return _GIT_USER.search(data, max(0, start - 3), start + 1) is None


def luhn(number: bytes) -> bool:
    """The check digit of payment cards; `number` is ASCII digits."""
    total = 0
    for place, byte in enumerate(reversed(number)):
        digit = byte - 48
        if place % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return total % 10 == 0


# Issuers by prefix, each with the lengths that it issues.
_ISSUERS: Final = re.compile(
    rb"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    rb"|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"  # Mastercard
    rb"|3[47]\d{13}"  # American Express
    rb"|3(?:0[0-59]|[689]\d)\d{11,16}"  # Diners
    rb"|6(?:011|4[4-9]\d|5\d\d)\d{12,15}"  # Discover
    rb"|35\d{14,17}|(?:2131|1800)\d{11}"  # JCB
    rb"|62\d{14,17}"  # UnionPay
    rb"|(?:50|5[6-8]|6\d)\d{10,17}"  # Maestro
)
_FIRST_DIGITS: Final = frozenset(b"123456")
_GROUPED: Final = re.compile(rb"\d+(?:[-. ]{1,3}\d+)*")
_BETWEEN_GROUPS: Final = re.compile(rb"[-. ]+")
_LONGEST_CARD: Final = 19
_CARD_REACH: Final = _LONGEST_CARD * 4


def card(data: bytes, start: int, end: int) -> bool:
    """A payment card number begins at one of the groups of digits in the match; it may end beyond it."""
    for place in range(start, end):
        if data[place] in _FIRST_DIGITS and (place == 0 or data[place - 1] not in _DIGITS):
            run = _GROUPED.match(data, place, place + _CARD_REACH)
            if run and _card_at_start(_BETWEEN_GROUPS.split(run[0])):
                return True
    return False


def _card_at_start(groups: list[bytes]) -> bool:
    """People write a card in one piece, in equal groups (the last may be shorter), or 4-6-5 and 4-6-4.

    Without this a table of numbers would hold a "card" in every tenth place.
    """
    number, first = b"", len(groups[0])
    diners_or_amex = [len(group) for group in groups[:3]] in ([4, 6, 5], [4, 6, 4])
    for count, group in enumerate(groups, 1):
        number += group
        if len(number) > _LONGEST_CARD:
            return False
        even = len(group) <= first or (diners_or_amex and count <= 3)
        if even and len(number) >= 12 and _ISSUERS.fullmatch(number) and luhn(number):
            return True
        if len(group) != first and not (diners_or_amex and count <= 2):
            return False
    return False


# ISO 13616 registry, 2024: the length of an IBAN by its country.
_IBAN_LENGTHS: Final[dict[bytes, int]] = {
    country: length
    for length, countries in {
        15: b"NO",
        16: b"BE",
        18: b"DK FI FO GL NL FK SD",
        19: b"MK SI",
        20: b"AT BA EE KZ LT LU XK MN",
        21: b"CH CR HR LI LV",
        22: b"BG BH DE GB GE IE ME RS VA",
        23: b"AE GI IL IQ TL OM SO",
        24: b"AD CZ ES MD PK RO SA SE SK TN VG",
        25: b"LY PT ST",
        26: b"IS TR",
        27: b"BI DJ FR GR IT MC MR SM",
        28: b"AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: b"BR EG PS QA UA",
        30: b"JO KW MU YE",
        31: b"MT SC",
        32: b"LC",
        33: b"RU",
    }.items()
    for country in countries.split()
}


def iban(data: bytes, start: int, end: int) -> bool:
    """An IBAN of its country's length begins here and its check digits (ISO 7064, mod 97) are right."""
    del end
    stretch = data[start : start + 34 * 2].upper()
    length = _IBAN_LENGTHS.get(stretch[:2])
    if length is None:
        return False
    number = re.sub(rb"[-. ]", b"", stretch)[:length]
    if len(number) < length or not number.isalnum():
        return False
    return int("".join(str(int(chr(byte), 36)) for byte in number[4:] + number[:4])) % 97 == 1


_VERSION_BEFORE: Final = re.compile(rb"(?i)(?:\bv|version|release|build)[ :=/]{0,2}$")
_RESOLVERS: Final = frozenset((b"8.8.8.8", b"8.8.4.4", b"1.1.1.1", b"1.0.0.1", b"9.9.9.9"))


def public_ip(data: bytes, start: int, end: int) -> bool:
    """An address of the public internet: it may belong to a person, which private and example ones do not."""
    found, before, after = data[start:end], data[max(0, start - 12) : start], data[end : end + 2]
    if before[-1:] in (b".", b":", b"_") or before[-1:].isalnum() or re.match(rb"[.:]?[0-9A-Za-z_]", after):
        return False
    if found in _RESOLVERS or _VERSION_BEFORE.search(before):
        return False
    # "a::b" is a name in several languages.
    if b":" in found and sum(map(bool, found.split(b":"))) < 4:
        return False
    try:
        return ipaddress.ip_address(found.decode("ascii")).is_global
    except ValueError:
        return False


_PLACEHOLDER: Final = re.compile(
    rb"(?i)[<$%{\[(*].*|(?:x+|\.+|password|passwd|pass|pwd|secret|token|your|changeme|example|redacted|none"
    rb"|null)(?:[-_ ].*)?"
)


def real_password_in_url(data: bytes, start: int, end: int) -> bool:
    """scheme://user:password@ with a password that is no placeholder such as "password" or
    "${DB_PASSWORD}"."""
    password = data[start:end].rstrip(b"@").rpartition(b":")[2]
    return _PLACEHOLDER.fullmatch(password) is None


_VALUE: Final = re.compile(rb"[A-Za-z0-9_+/.!@#%^&*-]{16,}")


def looks_random(data: bytes, start: int, end: int) -> bool:
    """The last long word holds letters and three digits, and more than 3.2 bits a character."""
    value = _VALUE.findall(data, start, end)[-1]
    if len(digits_of(value)) < 3 or not re.search(rb"[A-Za-z]", value) or _PLACEHOLDER.fullmatch(value):
        return False
    shares = [count / len(value) for count in Counter(value).values()]
    return -sum(share * math.log2(share) for share in shares) > 3.2


_NOT_A_GIVEN_NAME: Final = frozenset(
    b"appendix block building case category chapter class drug exhibit factor figure gate grade group "
    b"hepatitis influenza item level line model note option part phase plan point protein question room "
    b"schedule section series stage step table team terminal tier type unit version vitamin zone".split()
)


def given_name(data: bytes, start: int, end: int) -> bool:
    """ "John L." is a person, "Hepatitis B." is not."""
    return data[start:end].split()[0].lower() not in _NOT_A_GIVEN_NAME
