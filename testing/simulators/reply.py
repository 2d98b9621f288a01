"""What a simulator says: a few words, plainly simulated, and never a word of the prompt."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from testing.simulators.example import example_of
from testing.simulators.faults import Fault
from testing.simulators.messages import Json

CREATED = 1_790_000_000
"""Seconds. Every answer was created then, so that the same request gives the same bytes."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of one of the caller's tools; the arguments are an example that fits its schema."""

    name: str
    arguments: Json

    @property
    def text(self) -> str:
        """The arguments as JSON text."""
        return orjson.dumps(self.arguments).decode()


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the caller offers, in any provider's dialect."""

    name: str
    schema: Json


@dataclass(frozen=True, slots=True)
class Steer:
    """How a fault changes what is said, rather than how it is sent."""

    usage: Literal["once", "missing", "twice"] = "once"
    deltas: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """What of a request matters for its answer. `choice`: "none", "auto", "required" or a tool's name."""

    provider: str
    model: str
    characters: int
    max_tokens: int | None = None
    tools: tuple[Tool, ...] = ()
    choice: str = "auto"
    json: bool = False
    schema: Json | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer, the same for JSON and stream. A delta counts as one token."""

    deltas: tuple[str, ...]
    call: ToolCall | None
    finish: Literal["stop", "length", "tool"]
    prompt_tokens: int
    completion_tokens: int
    mark: str
    """Twenty hex digits that the request alone decides, for ids."""

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.deltas)


def steer(fault: Fault | None) -> Steer:
    """What a fault asks the reply to be."""
    match fault.fault if fault else None:
        case "usage-missing":
            return Steer(usage="missing")
        case "usage-twice":
            return Steer(usage="twice")
        case "split-ssn":
            return Steer(
                deltas=("[simulated] the number ", "is 123", "-4", "5-67", "89,", " and nothing else.")
            )
        case "split-utf8":
            return Steer(deltas=("[simulated] ", "naïve ", "Grüße, ", "東京 ", "№ ", "🏥🩺 ", "Ωμέγα"))
        case "large":
            assert fault is not None
            piece = "[simulated] a long text. " * 2_560
            whole, rest = divmod(fault.bytes, len(piece))
            return Steer(deltas=(piece,) * whole + ((piece[:rest],) if rest else ()))
        case _:
            return Steer()


def compose(ask: Ask, how: Steer, body: bytes) -> Reply:
    """The reply to a request; the same for the same request."""
    call = None if how.deltas else _call(ask)
    deltas = how.deltas or (() if call else _pieces(_json_text(ask)) if ask.json else _words(ask))
    finish: Literal["stop", "length", "tool"] = "tool" if call else "stop"
    if call is None and not how.deltas and ask.max_tokens is not None and len(deltas) > ask.max_tokens:
        deltas, finish = deltas[: max(1, ask.max_tokens)], "length"
    completion = len(_pieces(call.text)) if call else len(deltas)
    mark = hashlib.sha256(body).hexdigest()[:20]
    return Reply(deltas, call, finish, max(1, -(-ask.characters // 4)), completion, mark)


def argument_pieces(call: ToolCall) -> tuple[str, ...]:
    """The arguments of a call as a stream sends them."""
    return _pieces(call.text)


def characters(value: Any) -> int:
    """How many characters of text `value` holds, in whatever dialect."""
    return sum(len(text) for text in _texts(value))


_NOT_TEXT = frozenset(
    {"role", "type", "url", "data", "image_url", "bytes", "mimeType", "media_type", "id", "name", "images"}
)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in _NOT_TEXT:
                yield from _texts(item)


def _call(ask: Ask) -> ToolCall | None:
    if not ask.tools or ask.choice in ("none", "auto"):
        return None
    named = [tool for tool in ask.tools if tool.name == ask.choice]
    tool = (named or list(ask.tools))[0]
    return ToolCall(tool.name, example_of(tool.schema or {"type": "object"}))


def _words(ask: Ask) -> tuple[str, ...]:
    words = f"[simulated {ask.provider}] {ask.model} answers: received {ask.characters} characters"
    return tuple(_spaced(f"{words}, this text is not real.".split(" ")))


def _spaced(words: Iterable[str]) -> Iterator[str]:
    for number, word in enumerate(words):
        yield f" {word}" if number else word


def _json_text(ask: Ask) -> str:
    plain = {"simulated": True, "provider": ask.provider, "model": ask.model, "characters": ask.characters}
    return orjson.dumps(example_of(ask.schema) if ask.schema else plain).decode()


def _pieces(text: str, size: int = 12) -> tuple[str, ...]:
    return tuple(text[start : start + size] for start in range(0, len(text), size))
