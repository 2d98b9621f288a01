"""Checks that tell a real number from one that only looks like it: ranges, check digits, known placeholders.

Each takes the text and the place of a match, looks no further around than rule.BEFORE and rule.AFTER, and
returns in constant time.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections import Counter
from typing import Final

_NOT_DIGITS: Final = bytes(byte for byte in range(256) if byte not in b"0123456789")


def digits_of(data: bytes) -> bytes:
    """Only its digits."""
    return data.translate(None, _NOT_DIGITS)


def luhn(number: bytes) -> bool:
    """The check digit of payment cards and of NPIs; `number` is ASCII digits."""
    total = 0
    for place, byte in enumerate(reversed(number)):
        digit = byte - 48
        if place % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return total % 10 == 0


def ssn(data: bytes, start: int, end: int) -> bool:
    """A US social security number as issued, or a taxpayer number (ITIN, 9xx), as the last nine digits.

    Areas 000 and 666, group 00 and serial 0000 were never issued.
    """
    number = digits_of(data[start:end])[-9:]
    area, group, serial = int(number[:3]), int(number[3:5]), int(number[5:])
    if area >= 900:
        return 50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99
    return area not in (0, 666) and group != 0 and serial != 0


def ssn_spelled(data: bytes, start: int, end: int) -> bool:
    """An SSN whose digits stand one by one; without grouping, "1 2 3 4 5 6 7 8 9" is a row of numbers."""
    digits = digits_of(data[start:end])
    gaps = {gap.strip() + b" " for gap in re.split(rb"\d", data[start:end])[2:-1]}
    return (len(gaps) > 1 or len(set(digits)) < len(digits)) and ssn(data, start, end)


_LIKE_SSN: Final = re.compile(rb"(?<!\d)\d{3}[-. ]\d{2}[-. ]\d{4}(?!\d)")


def phone_length(data: bytes, start: int, end: int) -> bool:
    """7 to 15 digits (E.164's most), no decimal fraction, and not grouped as an SSN."""
    if data[start - 1 : start] == b"." or _LIKE_SSN.search(data, start, end):
        return False
    return 7 <= len(digits_of(data[start:end])) <= 15


def phone_national(data: bytes, start: int, end: int) -> bool:
    """9 to 11 digits: a number with its trunk prefix, neither a date nor grouped as an SSN."""
    return not _LIKE_SSN.search(data, start, end) and 9 <= len(digits_of(data[start:end])) <= 11


def not_a_row_of_digits(data: bytes, start: int, end: int) -> bool:
    """Digits that stand one by one and are not all different: "4 1 5 5 5 5 0 1 2 3"."""
    return len(set(digits_of(data[start:end]))) < 8


_GIT_USER: Final = re.compile(rb"(?i)(?<![a-z0-9._-])git$")


def not_a_repository(data: bytes, start: int, end: int) -> bool:
    """`git@host` is the address of a repository, not of a person."""
    del end
    return _GIT_USER.search(data, max(0, start - 3), start + 1) is None


_NOTATIONS: Final = re.compile(rb"(?i)(?:\bv|version|release|build|mask|gateway|dns)[ :=/]{0,2}$")
_RESOLVERS: Final = frozenset((b"8.8.8.8", b"8.8.4.4", b"1.1.1.1", b"1.0.0.1", b"9.9.9.9"))
_DOCUMENTATION: Final = (b"192.0.2.", b"198.51.100.", b"203.0.113.", b"2001:db8:")
_IP_LABEL: Final = re.compile(rb"(?i)\bip(?:v[46])?\b(?: ?addr\w{0,5})?[^0-9a-z]{1,4}(?:is |was |of )?$")


def _address(data: bytes, start: int, end: int) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    found, before, after = data[start:end], data[max(0, start - 12) : start], data[end : end + 2]
    if before[-1:] in (b".", b":", b"_") or before[-1:].isalnum() or re.match(rb"[.:]?[0-9A-Za-z_]", after):
        return None
    # "a::b" is a name in several languages.
    if b":" in found and sum(map(bool, found.split(b":"))) < 4:
        return None
    try:
        return ipaddress.ip_address(found.decode("ascii"))
    except ValueError:
        return None


def personal_ip(data: bytes, start: int, end: int) -> bool:
    """An address that may be a person's: of the public internet, of the documentation (which people use for
    examples of real ones), or one of a private network that is called somebody's IP."""
    address, found = _address(data, start, end), data[start:end]
    if address is None or found in _RESOLVERS or _NOTATIONS.search(data, max(0, start - 12), start):
        return False
    if address.is_loopback or address.is_unspecified or address.is_multicast:
        return False
    if address.is_global or found.lower().startswith(_DOCUMENTATION):
        return True
    return _IP_LABEL.search(data, max(0, start - 30), start) is not None


def npi(data: bytes, start: int, end: int) -> bool:
    """A US National Provider Identifier: ten digits, Luhn over 80840 and the number."""
    return luhn(b"80840" + digits_of(data[start:end])[-10:])


def dea(data: bytes, start: int, end: int) -> bool:
    """A DEA registration: two letters and seven digits of which the last is a check digit."""
    number = [byte - 48 for byte in digits_of(data[start:end])[-7:]]
    return (sum(number[0:5:2]) + 2 * sum(number[1:6:2])) % 10 == number[6]


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
