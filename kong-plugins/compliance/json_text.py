"""Every string of a JSON document, keys and numbers too, and whether an object says that it is no text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

MAX_STRINGS: Final = 50_000
MAX_NODES: Final = 200_000
"""A document of more is not walked: it would take longer than its text is worth."""

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
_PART_FIELDS: Final = ("text", "content")
_TOKEN_FIELDS: Final = ("input", "prompt")


def parse(body: bytes) -> Any:
    """The document, with every occurrence of a repeated key; ValueError if it is not JSON, too deep or of too
    many strings."""
    strings = _strings_in(body)
    if strings > MAX_STRINGS:
        raise ValueError("too many strings")
    document = orjson.loads(body)
    if strings == _count_strings(document):
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
class Walk:
    """Collects text depth first, in the order of the document, without recursion."""

    texts: list[str] = field(default_factory=list)
    unscannable: bool = False

    def through(self, document: Any) -> None:
        """Collect from the document; ValueError when it has too many nodes."""
        stack, left = [document], MAX_NODES
        while stack:
            node = stack.pop()
            left -= 1
            if left < 0:
                raise ValueError("too many values")
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
                if key in _PART_FIELDS and type(value) is str:
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
