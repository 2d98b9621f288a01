"""What each protocol says on the wire about the end of an answer, a failure in it, and its tokens.

LiteLLM ends a stream that broke off as if the model had stopped (a made-up ``finish_reason``), and passes
over some errors that come after a 200. So the truth about a stream is read here, before LiteLLM reads the
bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.providers.framing import Event, EventStream, Framing, Garbage, Lines, ServerSentEvents
from gateway.providers.usage import (
    ReadUsage,
    anthropic_usage,
    bedrock_usage,
    gemini_usage,
    ollama_usage,
    openai_usage,
)
from gateway.types import Usage


class UpstreamError(Exception):
    """The provider reports an error inside a stream. Holds none of its text."""


@dataclass(slots=True)
class Seen:
    """What a stream has shown so far. ``ended``: the model finished. ``closed``: nothing more can come."""

    ended: bool = False
    closed: bool = False
    counts: dict[str, Any] = field(default_factory=dict)
    open_choices: set[int] = field(default_factory=set)

    def counted(self, counts: object) -> None:
        """Later counts replace earlier ones: they are totals in every protocol."""
        if isinstance(counts, Mapping):
            self.counts.update({name: value for name, value in counts.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Protocol:
    """A provider's protocol: its framing, what an event means, and where a JSON answer keeps its counts.

    ``read`` raises ``UpstreamError`` or ``Garbage``. ``counts`` takes the whole JSON answer.
    """

    framing: Callable[[], Framing]
    read: Callable[[Event, Seen], None]
    counts: Callable[[Mapping[str, Any]], object]
    usage: ReadUsage

    def usage_of(self, answer: object) -> Usage | None:
        """The tokens that a complete JSON answer reports."""
        counts = self.counts(answer) if isinstance(answer, Mapping) else None
        return self.usage(counts) if isinstance(counts, Mapping) else None


def _json(data: bytes) -> Mapping[str, Any]:
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise Garbage from None
    if not isinstance(document, Mapping):
        raise Garbage
    return document


def _openai_event(event: Event, seen: Seen) -> None:
    if not event.data:
        return
    if event.data == b"[DONE]":
        seen.ended = seen.closed = True
        return
    chunk = _json(event.data)
    groq = chunk.get("x_groq")
    if event.name == "error" or chunk.get("error") or (isinstance(groq, Mapping) and groq.get("error")):
        raise UpstreamError
    choices = chunk.get("choices")
    if not isinstance(choices, list):
        raise Garbage
    for choice in choices:
        if not isinstance(choice, Mapping):
            raise Garbage
        index = choice.get("index") or 0
        if choice.get("finish_reason"):
            seen.open_choices.discard(index)
            seen.ended = not seen.open_choices
        else:
            seen.open_choices.add(index)
            seen.ended = False
    seen.counted(chunk.get("usage") or (groq.get("usage") if isinstance(groq, Mapping) else None))


def _anthropic_event(event: Event, seen: Seen) -> None:
    if not event.data:
        return
    document = _json(event.data)
    match document.get("type"):
        case "error":
            raise UpstreamError
        case "message_start":
            message = document.get("message")
            seen.counted(message.get("usage") if isinstance(message, Mapping) else None)
        case "message_delta":
            seen.counted(document.get("usage"))
        case "message_stop":
            seen.ended = seen.closed = True
        case None:
            raise Garbage


def _gemini_event(event: Event, seen: Seen) -> None:
    if not event.data:
        return
    document = _json(event.data)
    if document.get("error"):
        raise UpstreamError
    candidates = document.get("candidates") or []
    feedback = document.get("promptFeedback")
    if any(isinstance(candidate, Mapping) and candidate.get("finishReason") for candidate in candidates) or (
        isinstance(feedback, Mapping) and feedback.get("blockReason")
    ):
        seen.ended = True
    seen.counted(document.get("usageMetadata"))


def _ollama_event(event: Event, seen: Seen) -> None:
    if not event.data:
        return
    document = _json(event.data)
    if document.get("error"):
        raise UpstreamError
    if document.get("done") is True:
        seen.ended = seen.closed = True
        seen.counted(document)


def _bedrock_event(event: Event, seen: Seen) -> None:
    if event.name in {"exception", "error"}:
        raise UpstreamError
    if event.name == "messageStop":
        seen.ended = True
    elif event.name == "metadata":
        seen.counted(_json(event.data).get("usage"))


def _field(name: str) -> Callable[[Mapping[str, Any]], object]:
    return lambda answer: answer.get(name)


def _vertex_embedding_counts(answer: Mapping[str, Any]) -> object:
    """``:predict`` counts for each input, ``:embedContent`` once for all."""
    if "usageMetadata" in answer:
        return answer["usageMetadata"]
    predictions = answer.get("predictions")
    if not isinstance(predictions, list):
        return None
    counts = [_dig(prediction, "embeddings", "statistics", "token_count") for prediction in predictions]
    return {"promptTokenCount": int(sum(number for number in counts if isinstance(number, int | float)))}


def _dig(document: object, *names: str) -> object:
    for name in names:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


def _titan_counts(answer: Mapping[str, Any]) -> object:
    if "inputTextTokenCount" not in answer:
        return None
    return {"inputTokens": answer["inputTextTokenCount"]}


OPENAI = Protocol(ServerSentEvents, _openai_event, _field("usage"), openai_usage)
ANTHROPIC = Protocol(ServerSentEvents, _anthropic_event, _field("usage"), anthropic_usage)
GEMINI = Protocol(ServerSentEvents, _gemini_event, _field("usageMetadata"), gemini_usage)
OLLAMA = Protocol(Lines, _ollama_event, lambda answer: answer, ollama_usage)
BEDROCK = Protocol(EventStream, _bedrock_event, _field("usage"), bedrock_usage)
VERTEX_EMBEDDINGS = Protocol(ServerSentEvents, _gemini_event, _vertex_embedding_counts, gemini_usage)
TITAN_EMBEDDINGS = Protocol(EventStream, _bedrock_event, _titan_counts, bedrock_usage)


class StreamWatch:
    """Reads a stream as it passes and says what it was.

    ``feed`` and ``finish`` give the bytes that may go on: whole events before the first fault. ``fault`` then
    says what is wrong, and ``finish`` without a proper end is ``cut``.
    """

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol
        self._framing = protocol.framing()
        self.seen = Seen()
        self.started = False
        self.cut = False
        self.fault: Exception | None = None

    @property
    def usage(self) -> Usage | None:
        return self._protocol.usage(self.seen.counts)

    def feed(self, piece: bytes) -> bytes:
        return b"".join(event.raw for event in self.events(piece))

    def finish(self) -> bytes:
        """Upstream has closed the stream."""
        return b"".join(event.raw + b"\n\n" for event in self.remaining())

    def events(self, piece: bytes) -> list[Event]:
        """The whole events up to the first fault."""
        good: list[Event] = []
        try:
            for event in self._framing.feed(piece):
                self._read(event)
                good.append(event)
        except (Garbage, UpstreamError) as fault:
            self.fault = fault
        return good

    def remaining(self) -> list[Event]:
        """The last event, if it has come without its end; half of one is a cut."""
        good: list[Event] = []
        try:
            rest = self._framing.rest()
            if rest is not None:
                self._read(rest)
                good.append(rest)
        except UpstreamError as fault:
            self.fault = fault
        except Garbage:
            pass
        self.cut = not self.seen.ended
        self.seen.closed = True
        return good

    def _read(self, event: Event) -> None:
        self._protocol.read(event, self.seen)
        self.started = True
