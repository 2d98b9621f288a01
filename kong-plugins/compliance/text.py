"""All the text of a request body, whatever API it is for: every string of the JSON, keys and numbers too.
 A generic walk, because a field that a list of known fields lacks is a place to hide text in. What no
detector can read (images, audio, files, tokens, not JSON, too much) makes the body `unscannable`; what can
still be read of such a body is returned all the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

MAX_CHARS: Final = 4_000_000
"""Text beyond this is not scanned. The shortest strings are kept, so that a large attachment hides no
prompt."""

_SEAM: Final = 64
_MIN_BLOB_CHARS: Final = 512
_BASE64: Final = bytes(range(0x30, 0x3A)) + bytes(range(0x41, 0x5B)) + bytes(range(0x61, 0x7B)) + b"+/=-_\r\n"

_BINARY_PARTS: Final = frozenset(
    [
        "image",
        "image_url",
        "input_image",
        "image_file",
        "audio",
        "input_audio",
        "output_audio",
        "file",
        "input_file",
        "container_file",
        "document",
        "video",
        "video_url",
        "input_video",
    ]
)
_TOKEN_FIELDS: Final = ("input", "prompt")

_ESCAPE: Final = re.compile(r"(?<!\\)\\+(?:u([0-9a-fA-F]{4})|([nrtbf\"/]))")


@dataclass(frozen=True, slots=True)
class Extracted:
    """`texts` in the order of the document, with variants (escapes decoded, adjacent parts joined) beside
    them.

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
    walk = _Walk()
    try:
        walk.through(_parse(body))
    except ValueError:
        walk.texts = [body.decode("utf-8", "replace")]
        walk.unscannable = True
    if content_type is not None and not _is_json(content_type):
        walk.unscannable = True
    walk.texts.extend([_unescaped(text) for text in walk.texts if "\\" in text])
    return _bounded(walk)


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


def _parse(body: bytes) -> Any:
    """The document, with every occurrence of a repeated key; ValueError if it is not JSON or too deep."""
    document = orjson.loads(body)
    if _strings_in(body) == _count_strings(document):
        return document
    # orjson keeps the last value of a repeated key only: something was dropped.
    try:
        return json.loads(body, object_pairs_hook=_Pairs)
    except RecursionError:
        raise ValueError("nested too deeply") from None


class _Pairs(list[tuple[str, Any]]):
    """The members of a JSON object in which keys may repeat."""


def _strings_in(body: bytes) -> int:
    """How many strings (keys too) valid JSON text holds: half the quotes that no backslash escapes."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"")
        return (body.count(b'"') - body.count(b'\\"')) // 2
    return body.count(b'"') // 2


def _count_strings(document: Any) -> int:
    count = 0
    stack = [document]
    while stack:
        node = stack.pop()
        kind = type(node)
        if kind is str:
            count += 1
        elif kind is dict:
            count += len(node)
            stack.extend(node.values())
        elif kind is list:
            stack.extend(node)
    return count


@dataclass(slots=True)
class _Walk:
    """Collects text depth first, in the order of the document, without recursion."""

    texts: list[str] = field(default_factory=list)
    unscannable: bool = False

    def through(self, document: Any) -> None:
        stack = [document]
        while stack:
            node = stack.pop()
            kind = type(node)
            if kind is str:
                self.texts.append(node)
                if len(node) >= _MIN_BLOB_CHARS or node.startswith("data:"):
                    self.unscannable = self.unscannable or _is_blob(node)
            elif kind is dict:
                self._note(node.items())
                for key, value in reversed(node.items()):
                    stack += (value, key)
            elif kind is _Pairs:
                self._note(node)
                for key, value in reversed(node):
                    stack += (value, key)
            elif kind is list:
                self._join_parts(node)
                stack.extend(reversed(node))
            elif kind is int or kind is float:
                self.texts.append(_digits(node))

    def _note(self, members: Any) -> None:
        """Mark what an object says of itself that it is no text."""
        for key, value in members:
            if key == "type":
                if type(value) is str and value in _BINARY_PARTS:
                    self.unscannable = True
            elif key in _TOKEN_FIELDS and type(value) is list and _holds_tokens(value):
                self.unscannable = True

    def _join_parts(self, items: list[Any]) -> None:
        """What stands in one part and goes on in the next, as the model will read it."""
        if len(items) > 1:
            parts = list(_part_texts(items))
            if len(parts) > 1:
                self.texts.append("".join(_ends(part) for part in parts))


def _part_texts(items: list[Any]) -> Iterator[str]:
    for item in items:
        kind = type(item)
        if kind is str:
            yield item
        elif kind is dict or kind is _Pairs:
            members = item.items() if kind is dict else item
            for key, value in members:
                if key == "text" and type(value) is str:
                    yield value


def _ends(part: str) -> str:
    """A long part is scanned by itself already; only what may continue on either side is needed again."""
    return part if len(part) <= 2 * _SEAM else f"{part[:_SEAM]}\n|\n{part[-_SEAM:]}"


def _holds_tokens(items: list[Any]) -> bool:
    """Numbers where text belongs: the ids of tokens, as embeddings and completions take them."""
    return any(type(item) is int or (type(item) is list and _holds_tokens_flat(item)) for item in items)


def _holds_tokens_flat(items: list[Any]) -> bool:
    return any(type(item) is int for item in items)


def _digits(number: float) -> str:
    """A number in digits: 4.111e15 is as much a card number as its long form."""
    if type(number) is float and number.is_integer() and abs(number) < 1e20:
        return str(int(number))
    return str(number)


def _is_blob(text: str) -> bool:
    """A data URL with an encoded body, or a long run of base64."""
    if text.startswith("data:"):
        return ";base64," in text[:256]
    return text.isascii() and not text.encode("ascii").translate(None, _BASE64)


def _unescaped(text: str) -> str:
    r"""The text with JSON escapes decoded once more, at any level (\u0031, \\u0031): JSON within a string."""
    decoded = _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else " ", text)
    if decoded.isascii():
        return decoded
    # Two escapes may be the halves of one character.
    return decoded.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _bounded(walk: _Walk) -> Extracted:
    if sum(map(len, walk.texts)) <= MAX_CHARS:
        return Extracted(tuple(walk.texts), walk.unscannable)
    kept, left = [], MAX_CHARS
    for text in sorted(walk.texts, key=len):
        kept.append(text[:left])
        left -= len(kept[-1])
        if left <= 0:
            break
    return Extracted(tuple(kept), True)
