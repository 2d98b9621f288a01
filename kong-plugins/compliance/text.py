"""All the text of a request body, whatever API it is for: every string of the JSON, keys and numbers too.

A generic walk, because a field that a list of known fields lacks is a place to hide text in. What no
detector can read (images, audio, files, tokens, not JSON, too much) makes the body `unscannable`; what can
still be read of such a body is returned all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from compliance.decode import Decoder, inflated, unescaped
from compliance.json_text import Walk, parse

MAX_CHARS: Final = 4_000_000
"""Text beyond this is not scanned. The shortest strings are kept, so that a large attachment hides no
prompt."""
MAX_BROKEN_BYTES: Final = 64_000
_NOT_ASCII: Final = bytes(range(0x80, 0x100))


@dataclass(frozen=True, slots=True)
class Extracted:
    """`texts` in the order of the document, then their variants: decoded, adjacent parts joined.

    `unscannable` says that there is more in the body than the texts show.
    """

    texts: tuple[str, ...]
    unscannable: bool


def extract_text(body: bytes, content_type: str | None) -> Extracted:
    """The text in a body. Never raises, whatever the bytes are; linear in their number.

    An empty body is no text and scannable. A body that is not JSON (by its type or its bytes) is
    unscannable, and its bytes are read as text as well as that goes.
    """
    if not body:
        return Extracted((), False)
    packed = inflated(body)
    walk = _walked(body if packed is None else packed)
    if packed is not None or (content_type is not None and not _is_json(content_type)):
        walk.unscannable = True
    walk.texts += [unescaped(text) for text in walk.texts if "\\" in text]
    decoder = Decoder()
    walk.texts += [variant for text in walk.texts for variant in decoder.variants(text)]
    return _bounded(walk)


def _walked(body: bytes) -> Walk:
    walk = Walk()
    try:
        walk.through(parse(body))
    except ValueError:
        walk.texts = _as_text(body)
        walk.unscannable = True
    return walk


def _as_text(body: bytes) -> list[str]:
    """What can be read of bytes that are no JSON. What is not UTF-8 is left out, so that it parts no digits;
    of much of that, only ASCII is read further on."""
    try:
        return [body.decode()]
    except UnicodeDecodeError:
        return [body[:MAX_BROKEN_BYTES].decode("utf-8", "ignore"), body.translate(None, _NOT_ASCII).decode()]


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


def _bounded(walk: Walk) -> Extracted:
    if sum(map(len, walk.texts)) <= MAX_CHARS:
        return Extracted(tuple(walk.texts), walk.unscannable)
    kept, left = [], MAX_CHARS
    for text in sorted(walk.texts, key=len):
        kept.append(text[:left])
        left -= len(kept[-1])
        if left <= 0:
            break
    return Extracted(tuple(kept), True)
