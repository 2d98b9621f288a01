"""What a stream says of itself, cut at every byte."""

from __future__ import annotations

import binascii
import json
import struct
from typing import Any

import pytest

from gateway.providers import protocols
from gateway.providers.framing import MAX_EVENT_BYTES, Garbage
from gateway.providers.protocols import Protocol, StreamWatch, UpstreamError
from gateway.types import Usage


def _sse(*values: Any, newline: str = "\n") -> list[bytes]:
    return [f"data: {v if isinstance(v, str) else json.dumps(v)}{newline}{newline}".encode() for v in values]


def _named(*values: dict[str, Any]) -> list[bytes]:
    return [f"event: {v['type']}\ndata: {json.dumps(v)}\n\n".encode() for v in values]


def _frame(name: str, value: Any, kind: str = "event") -> bytes:
    header_name = ":event-type" if kind == "event" else ":exception-type"
    headers = b"".join(
        bytes([len(key)]) + key.encode() + b"\x07" + struct.pack(">H", len(word)) + word.encode()
        for key, word in ((":message-type", kind), (header_name, name))
    )
    payload = json.dumps(value).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    frame = prelude + struct.pack(">I", binascii.crc32(prelude)) + headers + payload
    return frame + struct.pack(">I", binascii.crc32(frame))


def _delta(text: str | None, finish: str | None = None, index: int = 0) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": {"content": text}, "finish_reason": finish}]}


TEXT = 'Grüße "finish_reason":"stop" message_stop done:true \U0001f511'

# Protocol, pieces before its end, its end, what comes after the end, the usage, an error in its own words.
STREAMS: dict[str, tuple[Protocol, list[bytes], list[bytes], list[bytes], list[bytes]]] = {
    "openai": (
        protocols.OPENAI,
        _sse(_delta(TEXT), _delta("b")),
        _sse(_delta(None, "stop")),
        _sse({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}, "[DONE]"),
        _sse({"error": {"message": "secret"}}),
    ),
    "groq": (
        protocols.OPENAI,
        _sse(_delta(TEXT)),
        _sse(_delta(None, "stop") | {"x_groq": {"usage": {"prompt_tokens": 7, "completion_tokens": 2}}}),
        _sse("[DONE]"),
        _sse(_delta(None) | {"x_groq": {"error": "secret"}}),
    ),
    "anthropic": (
        protocols.ANTHROPIC,
        _named(
            {"type": "message_start", "message": {"usage": {"input_tokens": 7, "output_tokens": 1}}},
            {"type": "ping"},
            {"type": "content_block_delta", "delta": {"type": "text_delta", "text": TEXT}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        ),
        _named({"type": "message_stop"}),
        [],
        _named({"type": "error", "error": {"type": "overloaded_error", "message": "secret"}}),
    ),
    "gemini": (
        protocols.GEMINI,
        _sse({"candidates": [{"content": {"parts": [{"text": TEXT}]}}]}, newline="\r\n"),
        _sse(
            {
                "candidates": [{"finishReason": "STOP"}],
                "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 2},
            },
            newline="\r\n",
        ),
        [],
        _sse({"error": {"code": 503, "message": "secret"}}, newline="\r\n"),
    ),
    "ollama": (
        protocols.OLLAMA,
        [json.dumps({"message": {"content": TEXT}, "done": False}).encode() + b"\n"],
        [json.dumps({"done": True, "prompt_eval_count": 7, "eval_count": 2}).encode() + b"\n"],
        [],
        [b'{"error":"secret"}\n'],
    ),
    "bedrock": (
        protocols.BEDROCK,
        [_frame("messageStart", {}), _frame("contentBlockDelta", {"delta": {"text": TEXT}})],
        [_frame("messageStop", {"stopReason": "end_turn"})],
        [_frame("metadata", {"usage": {"inputTokens": 7, "outputTokens": 2, "totalTokens": 9}})],
        [_frame("modelStreamErrorException", {"message": "secret"}, "exception")],
    ),
}
each_stream = pytest.mark.parametrize("name", STREAMS)


def _watched(protocol: Protocol, *pieces: bytes) -> tuple[StreamWatch, bytes]:
    watch = StreamWatch(protocol)
    passed = b"".join(watch.feed(piece) for piece in pieces)
    return watch, passed + watch.finish()


@each_stream
def test_a_whole_stream_passes_unchanged(name: str) -> None:
    protocol, before, end, after, _ = STREAMS[name]
    watch, passed = _watched(protocol, *before, *end, *after)
    assert passed == b"".join([*before, *end, *after])
    assert (watch.fault, watch.cut) == (None, False)
    assert watch.usage == Usage(7, 2)


@each_stream
def test_where_the_pieces_are_cut_makes_no_difference(name: str) -> None:
    protocol, before, end, after, _ = STREAMS[name]
    whole = b"".join([*before, *end, *after])
    for at in range(len(whole)):
        watch, passed = _watched(protocol, whole[:at], whole[at:])
        assert passed == whole
        assert (watch.fault, watch.cut, watch.usage) == (None, False, Usage(7, 2))


@each_stream
def test_a_stream_that_ends_anywhere_before_its_end_is_cut(name: str) -> None:
    protocol, before, end, _, _ = STREAMS[name]
    unfinished = b"".join(before)
    until = len(unfinished) + len(b"".join(end).rstrip()) - 1
    whole = unfinished + b"".join(end)
    for at in range(until):
        watch, passed = _watched(protocol, whole[:at])
        assert watch.cut, whole[:at]
        assert whole.startswith(passed.rstrip(b"\n"))


@each_stream
def test_an_error_in_a_stream_is_seen_and_does_not_pass(name: str) -> None:
    protocol, before, _, _, error = STREAMS[name]
    watch, passed = _watched(protocol, b"".join([*before, *error]))
    assert isinstance(watch.fault, UpstreamError)
    assert passed == b"".join(before)
    assert b"secret" not in passed
    assert "secret" not in repr(watch.fault)


@each_stream
def test_garbage_in_a_stream_is_seen_and_does_not_pass(name: str) -> None:
    protocol, before, _, _, _ = STREAMS[name]
    garbage = b"\x00\x01 garbage \xff\n\n" * 4
    watch, passed = _watched(protocol, b"".join(before) + garbage)
    assert isinstance(watch.fault, Garbage)
    assert passed == b"".join(before)


def test_a_stream_of_two_choices_ends_with_the_second() -> None:
    first = _sse(_delta("a"), _delta("b", index=1), _delta(None, "stop"))
    watch, _ = _watched(protocols.OPENAI, *first)
    assert watch.cut
    watch, _ = _watched(protocols.OPENAI, *first, *_sse(_delta(None, "stop", index=1)))
    assert not watch.cut


def test_done_alone_ends_a_stream() -> None:
    watch, _ = _watched(protocols.OPENAI, *_sse(_delta("a"), "[DONE]"))
    assert not watch.cut
    assert watch.usage is None


def test_a_blocked_prompt_is_a_whole_answer() -> None:
    watch, _ = _watched(protocols.GEMINI, *_sse({"promptFeedback": {"blockReason": "SAFETY"}}))
    assert not watch.cut


def test_what_never_becomes_an_event_is_given_up() -> None:
    for protocol, pieces in (
        (protocols.OPENAI, [b"data: " + b"x" * MAX_EVENT_BYTES, b"x"]),
        (protocols.OLLAMA, [b"x" * MAX_EVENT_BYTES, b"x"]),
        (protocols.BEDROCK, [struct.pack(">III", MAX_EVENT_BYTES + 1, 10, 0)]),
    ):
        watch, passed = _watched(protocol, *pieces)
        assert isinstance(watch.fault, Garbage)
        assert passed == b""


def test_embeddings_are_counted() -> None:
    predictions = [{"embeddings": {"statistics": {"token_count": 3.0}}}] * 2
    assert protocols.VERTEX_EMBEDDINGS.usage_of({"predictions": predictions}) == Usage(6, 0)
    assert protocols.VERTEX_EMBEDDINGS.usage_of({"usageMetadata": {"promptTokenCount": 5}}) == Usage(5, 0)
    assert protocols.TITAN_EMBEDDINGS.usage_of({"inputTextTokenCount": 4}) == Usage(4, 0)
    assert protocols.TITAN_EMBEDDINGS.usage_of({}) is None
