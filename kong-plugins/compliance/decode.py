"""What stands in a text in another coding: JSON escapes, percent and HTML escapes, base64; and gzip bodies.

A model reads all of these. Escapes of JSON are decoded at every depth, since JSON in JSON is how tools are
called. The rest is decoded once and within bounds: a large text in such a coding is not worth its time, and
what is not decoded is scanned as it stands.
"""

from __future__ import annotations

import base64
import html
import zlib
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

import re2

MAX_DECODED_CHARS: Final = 64_000
"""Of one request's text in each coding but JSON's."""
MAX_INFLATED_BYTES: Final = 4_000_000

_PERCENT: Final = re2.compile("(?:%[0-9A-Fa-f]{2}.{0,4}){2}")
_ENTITY: Final = re2.compile("&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});")
_BASE64: Final = re2.compile("[A-Za-z0-9+/_-]{16,}={0,2}")
_MIN_BASE64_CHARS: Final = 16
_MAX_RUNS: Final = 64
_AS_SPACE: Final = ("\\n", "\\r", "\\t", "\\b", "\\f")


def unescaped(text: str) -> str:
    r"""The text with JSON escapes decoded once more, at any level (\u0031, \\u0031): JSON within a string."""
    while "\\\\" in text:
        text = text.replace("\\\\", "\\")
    for escape in _AS_SPACE:
        text = text.replace(escape, " ")
    text = text.replace('\\"', '"').replace("\\/", "/")
    if "\\u" not in text:
        return text
    # Only \u is left to the codec; each half of a surrogate pair is an escape of its own.
    text = text.replace("\\u", "\0u").replace("\\", "/").replace("\0u", "\\u")
    decoded = text.encode("latin-1", "backslashreplace").decode("unicode_escape", "replace")
    if decoded.isascii():
        return decoded
    return decoded.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class Decoder:
    """Decodes what it finds in the texts of one request, within one bound for all of them."""

    def __init__(self) -> None:
        self._left = MAX_DECODED_CHARS
        self._runs = _MAX_RUNS

    def variants(self, text: str) -> Iterator[str]:
        """The text in each other reading that it has."""
        if "%" in text and self._left > 0 and _PERCENT.search(text):
            yield unquote(self._taken(text), errors="replace")
        if "&" in text and self._left > 0 and _ENTITY.search(text):
            yield html.unescape(self._taken(text))
        if len(text) >= _MIN_BASE64_CHARS and self._runs > 0 and self._left > 0:
            yield from self._in_base64(text)

    def _taken(self, text: str) -> str:
        taken = text[: self._left]
        self._left -= len(taken)
        return taken

    def _in_base64(self, text: str) -> Iterator[str]:
        for match in _BASE64.finditer(text):
            if self._runs <= 0 or self._left <= 0:
                return
            self._runs -= 1
            decoded = _text_of(self._taken(match[0]))
            if decoded is not None:
                yield decoded


def _text_of(run: str) -> str | None:
    """What base64 holds if that is text; None for anything else, a long word too."""
    run = run.rstrip("=").replace("-", "+").replace("_", "/")
    if len(run) % 4 == 1:  # cut off, or with a letter too many
        run = run[:-1]
    try:
        decoded = base64.b64decode(run + "=" * (-len(run) % 4)).decode()
    except ValueError:
        return None
    return decoded if decoded.replace("\n", " ").replace("\r", " ").replace("\t", " ").isprintable() else None


def inflated(body: bytes) -> bytes | None:
    """What a gzip or zlib body holds, up to MAX_INFLATED_BYTES; None if it is neither."""
    if body[:2] not in (b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"):
        return None
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32).decompress(body, MAX_INFLATED_BYTES)
    except zlib.error:
        return None
