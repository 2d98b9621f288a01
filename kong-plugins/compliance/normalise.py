"""One spelling for text that looks the same: what a reader or a model sees, as plain bytes for the detectors.

Each character is folded by itself, so that a text may be cut anywhere and its folded pieces joined again:
digits of every script become 0 to 9; compatibility forms (full-width, circled, mathematical, superscript)
and look-alike letters become ASCII; accents and invisible characters go; dashes and spaces become one kind.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Final

import re2

from compliance.lookalikes import LOOKALIKES

_GONE: Final = "\0"
"""Stands for a character that leaves nothing; ASCII's own control characters go the same way."""
_INVISIBLE_ASCII: Final = bytes(byte for byte in (*range(32), 127) if byte not in b"\t\n\r")
# Characters that are drawn as nothing but are neither controls nor formats, and fillers.
_INVISIBLE: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180e\u2800\u3164\uffa0")
_BLOCK: Final = 8192
_GONE_CATEGORIES: Final = frozenset(("Cf", "Cc", "Mn", "Me"))
_PLAIN: Final = {"Zs": " ", "Zl": " ", "Zp": " ", "Pd": "-"}
_LAST: Final = 0x20000
"""Characters from here on are ideographs, but for the tags and selectors of plane 14."""


def normalise(text: str) -> bytes:
    """The text as UTF-8 in its one spelling. Linear in its length; any str is accepted, lone surrogates too.

    normalise(a + b) == normalise(a) + normalise(b).
    """
    if text.isascii():
        return text.encode().translate(None, _INVISIBLE_ASCII)
    if len(text) <= _BLOCK:
        return _normalised_block(text)
    # A few odd characters in a long text slow down only their own blocks.
    return b"".join(normalise(text[start : start + _BLOCK]) for start in range(0, len(text), _BLOCK))


def _normalised_block(text: str) -> bytes:
    try:
        # Several times as fast as the general way, for the languages of Western Europe.
        return text.encode("latin-1").translate(_LATIN_1, _LATIN_1_GONE)
    except UnicodeEncodeError:
        return _fold(text).encode("utf-8", "replace").translate(None, _INVISIBLE_ASCII)


def _fold(text: str) -> str:
    data = text.encode("utf-8", "replace")
    if _PLANE_14.search(data):
        text = text.translate(_plane_14())
    if _LONGER.search(data):
        text = text.translate(_longer())
    return text.translate(_TABLE)


def _folded(character: str) -> str:
    """What a character becomes: itself, one other, several (a ligature), or _GONE."""
    found = LOOKALIKES.get(character)
    if found is not None:
        return found
    if "\xa0" < character <= "\xff" and character != "\xad":
        folded = unicodedata.normalize("NFKD", character)[0]
        return folded if folded.isascii() else " "
    category = unicodedata.category(character)
    if category in _GONE_CATEGORIES or character in _INVISIBLE:
        return _GONE
    plain = _PLAIN.get(category)
    digit = unicodedata.digit(character, None)
    if plain is None and digit is None:
        whole = unicodedata.normalize("NFKD", character)
        kept = (one for one in whole if unicodedata.category(one) not in _GONE_CATEGORIES)
        return "".join(LOOKALIKES.get(one, one) for one in kept) or _GONE
    return plain or str(digit)


def _made_table() -> str:
    """What becomes of each character, by its number."""
    every = list(map(chr, range(_LAST)))
    for block in _FOLDED_BLOCKS:
        for code in block:
            one = _folded(every[code])
            if len(one) == 1:
                every[code] = one
    return "".join(every)


@cache
def _longer() -> dict[int, str]:
    codes = (code for first, last in _SEVERAL for code in range(first, last + 1))
    return {code: _folded(chr(code)) for code in codes if len(_folded(chr(code))) > 1}


@cache
def _plane_14() -> dict[int, str]:
    """Tag characters spell ASCII without being seen; the selectors there only decorate."""
    tags = {code: chr(code - 0xE0000) for code in range(0xE0020, 0xE007F)}
    selectors = dict.fromkeys((0xE0001, 0xE007F, *range(0xE0100, 0xE01F0)), _GONE)
    return tags | selectors


# All the rest are ideographs, Hangul (which would come apart into its strokes), signs without a Latin face,
# and places without a character.
_FOLDED_BLOCKS: Final = (
    range(0x80, 0x3400), range(0xA620, 0xAC00), range(0xF900, 0x10000), range(0x10000, 0x11DB0),
    range(0x16A60, 0x16B60), range(0x1D100, 0x1D800),
    range(0x1E100, 0x1EF00), range(0x1F000, 0x1F200), range(0x1FBF0, 0x1FBFA),
)  # fmt: skip
_TABLE: Final = _made_table()

# The blocks in which characters stand that become several: ligatures, units, numbers in circles and brackets.
_SEVERAL: Final = (
    (0x132, 0x149), (0x1C4, 0x1F3), (0x2024, 0x2026), (0x20A8, 0x20A8), (0x2100, 0x218B), (0x2469, 0x24EA),
    (0x3200, 0x33FF), (0xFB00, 0xFB4F), (0x1F100, 0x1F1FF),
)  # fmt: skip
_LONGER: Final = re2.compile("[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in _SEVERAL) + "]")
_PLANE_14: Final = re2.compile("[\U000e0001-\U000e01ef]")

_LATIN_1_FOLDS: Final = [_folded(chr(code)) if code >= 0x80 else chr(code) for code in range(256)]
_LATIN_1: Final = bytes(ord(one) if len(one) == 1 and ord(one) < 256 else 32 for one in _LATIN_1_FOLDS)
_LATIN_1_GONE: Final = _INVISIBLE_ASCII + bytes(
    code for code, one in enumerate(_LATIN_1_FOLDS) if code >= 0x80 and one == _GONE
)
