"""One spelling for text that looks the same: what a reader or a model sees, as plain bytes for the detectors.
 Compatibility forms (full-width, circled, mathematical, superscript) by NFKC; digits of every script as 0
to 9; invisible characters and stray combining marks removed; dashes and look-alike letters as ASCII ones.
ASCII text takes a path that costs about a nanosecond a byte.
"""

from __future__ import annotations

import unicodedata
from typing import Final

import re2

_INVISIBLE_ASCII: Final = bytes(byte for byte in (*range(32), 127) if byte not in b"\t\n\r")

# Letters of other scripts that are drawn like Latin ones, as far as labels ("SSN", "MRN", "IBAN") are made
# of them.
_LOOKALIKES: Final[dict[int, int]] = str.maketrans(
    "АВЕЅКМНОРСТУХІЈԌԚԜаеорсухіјѕһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧαεικνορυχ",
    "ABESKMHOPCTYXIJGQWaeopcyxijshdqwABEZHIKMNOPTYXaeikvopux",
)
# Characters that render as nothing but are neither controls nor formats, and fillers.
_INVISIBLE: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_TAG_CHARACTERS: Final = range(0xE0020, 0xE007F)


def normalise(text: str) -> bytes:
    """The text as UTF-8 in its one spelling. Linear in its length; any str is accepted, lone surrogates
    too."""
    if not text.isascii():
        # Before NFKC, so that an invisible character between a letter and its mark is gone; after it,
        # because NFKC brings forth characters that the table folds.
        text = _fold(unicodedata.normalize("NFKC", _fold(text)))
    return text.encode("utf-8", "replace").translate(None, _INVISIBLE_ASCII)


def _fold(text: str) -> str:
    # Looking first is several times as fast as translating where there is nothing to fold.
    return text.translate(_TABLE) if _FOLDED.search(text.encode("utf-8", "replace")) else text


def _folds() -> dict[int, str | None]:
    """What becomes of each character that does not stay itself; None removes it."""
    table: dict[int, str | None] = {code: chr(latin) for code, latin in _LOOKALIKES.items()}
    for code in (*range(0x80, 0x20000), *range(0xE0000, 0xE01F0)):
        character = chr(code)
        category = unicodedata.category(character)
        if code in _TAG_CHARACTERS:
            table[code] = chr(code - 0xE0000)
        elif category in ("Cf", "Cc") or character in _INVISIBLE or _is_stray_mark(code):
            table[code] = None
        elif category == "Nd":
            table[code] = str(unicodedata.digit(character))
        elif category == "Pd" or character == "\u2212":
            table[code] = "-"
        elif category in ("Zs", "Zl", "Zp"):
            table[code] = " "
    return table


def _is_stray_mark(code: int) -> bool:
    """Combining overlays, enclosing keycaps and variation selectors: they decorate, and break a run of
    digits."""
    return 0x0334 <= code <= 0x0338 or 0x20D0 <= code <= 0x20FF or 0xFE00 <= code <= 0xFE0F or code >= 0xE0100


_FOLDS: Final = _folds()
_FOLDED: Final = re2.compile("[" + "".join(rf"\x{{{code:x}}}" for code in sorted(_FOLDS)) + "]")
# A character that the table lacks costs `translate` an exception: the common ones stand there as themselves.
_TABLE: Final[dict[int, str | int | None]] = {code: code for code in range(0x500)} | _FOLDS
