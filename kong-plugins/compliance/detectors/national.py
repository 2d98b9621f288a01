"""Personal numbers of other countries, by the rules that python-stdnum keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from stdnum.au import tfn
from stdnum.br import cpf
from stdnum.ca import sin
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.in_ import aadhaar, pan
from stdnum.it import codicefiscale
from stdnum.nl import bsn
from stdnum.pl import pesel
from stdnum.se import personnummer

from compliance.detectors.rule import Check, Rule


def _last(is_valid: Callable[[str], bool], length: int) -> Check:
    """The match ends with a number of so many letters and digits that is valid."""

    def check(data: bytes, start: int, end: int) -> bool:
        number = bytes(byte for byte in data[start:end] if chr(byte).isalnum() and byte < 128)
        return is_valid(number[-length:].decode("ascii").upper())

    return check


def _labelled(label: bytes, number: bytes) -> bytes:
    """The label as a word, up to 20 characters without a digit, the number as a word."""
    return rb"(?i)\b(?:" + label + rb")\b[^0-9]{0,20}\b" + number + rb"\b"


def _spaced(digits: int) -> bytes:
    return rb"\d(?:[-. /]{0,2}\d){%d}" % (digits - 1)


NUMBERS: Final = (
    Rule(
        "nir-fr",
        "pii",
        rb"\b[12] ?\d{2} ?(?:0[1-9]|1[0-2]) ?\d{2} ?\d{3} ?\d{3} ?\d{2}\b",
        0.95,
        _last(nir.is_valid, 15),
    ),
    Rule("cpf-br", "pii", rb"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b", 0.95, _last(cpf.is_valid, 11)),
)
LETTERED: Final = (
    Rule(
        "medicare-number-us",
        "phi",
        rb"\b[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d-?[AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d-?"
        rb"[AC-HJKMNP-RT-Y]{2}\d{2}\b",
        0.9,
    ),
    Rule(
        "nino-gb",
        "pii",
        rb"(?i)\b[a-ceghj-prstw-z][a-ceghj-nprstw-z] ?\d{2} ?\d{2} ?\d{2} ?[a-d]\b",
        0.8,
    ),
    Rule("nie-es", "pii", rb"(?i)\b[xyz]-?\d{7}-?[a-z]\b", 0.9, _last(nie.is_valid, 9)),
    Rule(
        "codice-fiscale-it",
        "pii",
        rb"(?i)\b[a-z]{6}\d{2}[abcdehlmprst]\d{2}[a-z]\d{3}[a-z]\b",
        0.97,
        _last(codicefiscale.is_valid, 16),
    ),
)
LABELLED: Final = (
    Rule("nhs-number", "phi", _labelled(rb"nhs", _spaced(10)), 0.95, _last(nhs.is_valid, 10)),
    Rule(
        "sin-ca",
        "pii",
        _labelled(rb"sin|social insurance(?: number| no\.?)?", _spaced(9)),
        0.9,
        _last(sin.is_valid, 9),
    ),
    Rule(
        "tax-id-de",
        "pii",
        _labelled(rb"steuer-?id\w{0,20}|idnr|steuerliche identifikationsnummer|tax id", _spaced(11)),
        0.95,
        _last(idnr.is_valid, 11),
    ),
    Rule("dni-es", "pii", _labelled(rb"dni|nif", rb"\d{8}[- ]?[a-z]"), 0.95, _last(dni.is_valid, 9)),
    Rule("bsn-nl", "pii", _labelled(rb"bsn|burgerservicenummer", _spaced(9)), 0.95, _last(bsn.is_valid, 9)),
    Rule("pesel-pl", "pii", _labelled(rb"pesel", _spaced(11)), 0.95, _last(pesel.is_valid, 11)),
    Rule(
        "personnummer-se",
        "pii",
        _labelled(rb"personnummer|personnr", rb"(?:\d{2})?\d{6}[-+]?\d{4}"),
        0.95,
        _last(personnummer.is_valid, 10),
    ),
    Rule(
        "aadhaar-in",
        "pii",
        _labelled(rb"aadhaa?r|uidai", _spaced(12)),
        0.95,
        _last(aadhaar.is_valid, 12),
    ),
    Rule(
        "pan-in",
        "pii",
        _labelled(rb"pan|permanent account", rb"[a-z]{5}\d{4}[a-z]"),
        0.95,
        _last(pan.is_valid, 10),
    ),
    Rule("tfn-au", "pii", _labelled(rb"tfn|tax file", _spaced(9)), 0.95, _last(tfn.is_valid, 9)),
)
