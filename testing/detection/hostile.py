"""Texts that are hard on the detectors: pieces of what their patterns look for, cut short, over and over."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any, Final

from compliance.detectors import RULES

# The parser behind `re`: what it makes of a pattern is the easiest way to make texts for the pattern.
sre: Final[Any] = import_module("re._constants")
parser: Final[Any] = import_module("re._parser")

_CLASSES: Final = {
    sre.CATEGORY_DIGIT: "0123456789",
    sre.CATEGORY_SPACE: " \n\t",
    sre.CATEGORY_WORD: "abcXYZ019_",
    sre.CATEGORY_NOT_WORD: " -:=/",
}
_ANY: Final = "abcxyzABCXYZ0123456789 -_./:=@\n"


def almost(pattern: bytes, draw: random.Random) -> str:
    """The beginning of a text that the pattern matches, of a random length."""
    text = "".join(_pieces(_parsed(pattern), draw))
    return text[: draw.randint(1, max(1, len(text)))] if draw.random() < 0.7 else text


@cache
def _parsed(pattern: bytes) -> Any:
    return parser.parse(pattern)


def _pieces(items: Any, draw: random.Random) -> Iterator[str]:
    for kind, value in items:
        if kind is sre.LITERAL:
            yield chr(value)
        elif kind is sre.NOT_LITERAL or kind is sre.ANY:
            yield draw.choice(_ANY)
        elif kind is sre.IN:
            yield _one_of(value, draw)
        elif kind is sre.MAX_REPEAT:
            low, high, inner = value
            for _ in range(draw.randint(low, min(int(high), low + 40))):
                yield from _pieces(inner, draw)
        elif kind is sre.SUBPATTERN:
            yield from _pieces(value[-1], draw)
        elif kind is sre.BRANCH:
            yield from _pieces(draw.choice(value[1]), draw)


def _one_of(members: Any, draw: random.Random) -> str:
    if members[0][0] is sre.NEGATE:
        return draw.choice(_ANY)
    kind, value = draw.choice(members)
    if kind is sre.LITERAL:
        return chr(value)
    if kind is sre.RANGE:
        return chr(draw.randint(*value))
    return draw.choice(_CLASSES[value])


def _of_rules(draw: random.Random, count: int) -> Callable[[], str]:
    """Beginnings of matches of a few rules, with little between them."""
    patterns = [draw.choice(RULES).pattern for _ in range(count)]
    pieces = [almost(draw.choice(patterns), draw) for _ in range(3000)]
    between = draw.choice(["", "", " ", "-", "\n", ". "])
    return lambda: draw.choice(pieces) + between


def _of_letters(draw: random.Random) -> Callable[[], str]:
    letters = draw.choice(
        [
            "0123456789-. ",
            "0123456789 ",
            "0123456789abcdef:",
            "Aa1 .",
            "@a.",
            "aA1-_/+=. ",
            "0123456789-./ ()_",
        ]
    )
    return lambda: "".join(draw.choices(letters, k=50))


def _of_words(draw: random.Random) -> Callable[[], str]:
    words = _vocabulary(draw)
    return lambda: draw.choice(words) + draw.choice(" -_:=.#\n")


def _vocabulary(draw: random.Random) -> list[str]:
    """Words out of the patterns, as labels are made of them."""
    words = [word for rule in RULES for word in _words_of(rule.pattern)]
    return [draw.choice(words) for _ in range(draw.choice([4, 12, 100]))] + ["1", "12", "A", "4111", "x"]


def _words_of(pattern: bytes) -> list[str]:
    return re.findall(r"[A-Za-z]{3,}", pattern.decode("latin-1"))


def hostile(seed: int, length: int) -> str:
    """A text of that many characters, the same for the same seed and rules."""
    draw = random.Random(seed)
    make = [
        lambda: _of_rules(draw, 1),
        lambda: _of_rules(draw, 3),
        lambda: _of_rules(draw, 12),
        lambda: _of_rules(draw, 60),
        lambda: _of_letters(draw),
        lambda: _of_words(draw),
    ][seed % 6]()
    parts: list[str] = []
    size = 0
    while size < length:
        parts.append(make())
        size += len(parts[-1])
    return "".join(parts)[:length]
