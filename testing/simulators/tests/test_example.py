"""Examples fit their schemas; vectors and frames are what they say."""

from __future__ import annotations

import struct
from base64 import b64decode
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer

from testing.simulators import eventstream, vectors
from testing.simulators.example import example_of

SCHEMAS: list[dict[str, Any]] = [
    {"type": "string"},
    {"type": "string", "minLength": 20},
    {"type": "string", "maxLength": 3},
    {"type": "string", "format": "date-time"},
    {"enum": ["b", "a"]},
    {"const": 7},
    {"type": "integer", "minimum": 5},
    {"type": "number", "exclusiveMinimum": 5},
    {"type": "integer", "maximum": -3},
    {"type": ["string", "null"]},
    {"type": "array", "items": {"type": "boolean"}, "minItems": 2},
    {"anyOf": [{"type": "integer"}, {"type": "string"}]},
    {
        "type": "object",
        "properties": {
            "a": {"type": "object", "properties": {"b": {"$ref": "#/$defs/c"}}, "required": ["b"]}
        },
        "required": ["a"],
        "$defs": {"c": {"type": "array", "items": {"type": "integer"}}},
    },
    {"type": "object", "properties": {}, "additionalProperties": False},
]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_an_example_fits_its_schema(schema: dict[str, Any]) -> None:
    jsonschema.validate(example_of(schema), schema, format_checker=jsonschema.FormatChecker())


def test_odd_schemas_end() -> None:
    assert example_of({}) == "simulated"
    assert example_of({"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}}) == {"n": 1}
    itself = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    assert "next" in example_of(itself)
    assert example_of({"$ref": "#/$defs/nowhere"}) == "simulated"


def test_a_frame_is_what_botocore_reads_and_a_corrupt_one_is_not() -> None:
    message = eventstream.event("contentBlockDelta", b'{"x": "\xc3\xa9"}')
    buffer = EventStreamBuffer()
    buffer.add_data(message)
    [read] = list(buffer)
    assert read.payload == b'{"x": "\xc3\xa9"}'
    assert read.headers[":event-type"] == "contentBlockDelta"
    broken = EventStreamBuffer()
    broken.add_data(eventstream.corrupt(message))
    with pytest.raises(ChecksumMismatch):
        next(broken)


def test_vectors_have_length_one_and_survive_base64() -> None:
    for text in ("", "one", "one two three", "one one", "é"):
        vector = vectors.embed(text, 64)
        assert sum(value * value for value in vector) == pytest.approx(1, abs=1e-6)
        assert vectors.embed(text, 64) == vector
    assert vectors.embed("One  TWO", 64) == vectors.embed("one two", 64)
    packed = b64decode(vectors.as_base64(vectors.embed("x", 64)))
    assert struct.unpack("<64f", packed) == tuple(vectors.embed("x", 64))
