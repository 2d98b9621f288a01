"""No place in a body where text could stand unseen, and nothing unreadable that passes for text."""

# ruff: noqa: RUF001  (look-alike characters are what is tested)

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.detectors import scan_all
from compliance.text import MAX_CHARS, extract_text

SSN = "123-45-6789"
JSON = "application/json"


def found(body: bytes | str, content_type: str | None = JSON) -> set[str]:
    data = body if isinstance(body, bytes) else body.encode()
    return {finding.category for finding in scan_all(extract_text(data, content_type).texts)}


def texts(document: Any) -> tuple[str, ...]:
    return extract_text(json.dumps(document).encode(), JSON).texts


def unscannable(document: Any) -> bool:
    return extract_text(json.dumps(document).encode(), JSON).unscannable


PLACES: dict[str, Any] = {
    "user": {"messages": [{"role": "user", "content": SSN}]},
    "system": {"messages": [{"role": "system", "content": SSN}, {"role": "user", "content": "hi"}]},
    "history": {"messages": [{"role": "assistant", "content": SSN}, {"role": "user", "content": "hi"}]},
    "content part": {"messages": [{"role": "user", "content": [{"type": "text", "text": SSN}]}]},
    "name": {"messages": [{"role": "user", "name": SSN, "content": "hi"}]},
    "tool description": {"tools": [{"function": {"name": "f", "description": f"as for {SSN}"}}]},
    "tool parameter name": {"tools": [{"function": {"parameters": {"properties": {SSN: {}}}}}]},
    "tool enum": {"tools": [{"function": {"parameters": {"properties": {"a": {"enum": [SSN]}}}}}]},
    "tool call": {"messages": [{"tool_calls": [{"function": {"arguments": json.dumps({"n": SSN})}}]}]},
    "tool result": {"messages": [{"role": "tool", "content": json.dumps({"deep": [{"n": SSN}]})}]},
    "file name": {"messages": [{"content": [{"type": "file", "file": {"filename": f"{SSN}.pdf"}}]}]},
    "metadata": {"metadata": {"note": SSN}},
    "user field": {"user": SSN},
    "stop": {"stop": [SSN]},
    "schema": {"response_format": {"json_schema": {"schema": {"description": SSN}}}},
    "embeddings": {"input": ["hello", SSN]},
    "completions": {"prompt": SSN},
    "chat": {"prompt": SSN, "model": "auto"},
    "responses": {"input": [{"content": [{"type": "input_text", "text": SSN}]}], "instructions": "x"},
    "responses instructions": {"instructions": SSN},
    "anthropic system": {"system": [{"type": "text", "text": SSN}]},
    "key": {SSN: 1},
    "unknown field": {"x": {"y": [[[{"z": SSN}]]]}},
    "bare string": SSN,
}


@pytest.mark.parametrize("place", PLACES)
def test_text_is_found_wherever_it_stands(place: str) -> None:
    assert found(json.dumps(PLACES[place])) == {"pii"}


def test_numbers_are_text() -> None:
    assert found('{"card": 4111111111111111}') == {"pci"}
    assert found('{"card": 4.111111111111111e15}') == {"pci"}
    assert found('{"ssn": 123456789}') == {"pii"}
    assert found('{"mrn": 47110815}') == {"phi"}


ESCAPED = "".join(f"\\u{ord(character):04x}" for character in SSN)


@pytest.mark.parametrize(
    "body",
    [
        f'{{"content": "{ESCAPED}"}}',
        json.dumps({"arguments": f'{{"n": "{ESCAPED}"}}'}),
        json.dumps({"arguments": json.dumps({"deeper": f'{{"n": "{ESCAPED}"}}'})}),
        json.dumps({"arguments": json.dumps(json.dumps(json.dumps("é" + SSN)))}),
        json.dumps({"arguments": "line\\n" + SSN}),
        json.dumps({"arguments": json.dumps("𝟏𝟐𝟑-𝟒𝟓-𝟔𝟕𝟖𝟗")}),
        json.dumps({"\\u0031" + SSN[1:]: 1}),
    ],
)
def test_escapes_are_decoded_at_every_level(body: str) -> None:
    assert found(body) == {"pii"}


@pytest.mark.parametrize(
    "body",
    [
        f'{{"content": "{SSN}", "content": "hello"}}',
        f'{{"content": "hello", "content": "{SSN}"}}',
        f'{{"content": "{SSN}", "c\\u006fntent": "hello"}}',
        f'{{"messages": [{{"content": {{"a": "{SSN}"}}, "content": 7}}]}}',
        f'{{"a": {{"b": 1, "b": {{"c": "{SSN}", "c": 1}}}}}}',
        f'{{"q": "\\\\", "content": "{SSN}", "content": "\\"", "r": "\\\\\\""}}',
        '{"card": 4111111111111111, "card": 1}',
        f'[{{"type": "text", "text": "{SSN[:5]}"}}, {{"text": "{SSN[5:]}", "text": "x", "text": "y"}}]',
    ],
)
def test_a_repeated_key_hides_nothing(body: str) -> None:
    assert found(body) & {"pii", "pci"}


@given(
    st.recursive(
        st.text() | st.integers(-(2**53), 2**53) | st.booleans() | st.none(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=20,
    )
)
def test_every_string_and_key_is_there_and_a_second_key_changes_nothing(document: Any) -> None:
    everything = set(strings_of(document))
    plain = set(texts(document))
    assert everything <= plain
    doubled = '{"k": "first", "k": ' + json.dumps(document) + "}"
    assert everything | {"k", "first"} <= set(extract_text(doubled.encode(), JSON).texts)


def strings_of(document: Any) -> list[str]:
    if isinstance(document, str):
        return [document]
    if isinstance(document, dict):
        return [*document, *(text for value in document.values() for text in strings_of(value))]
    if isinstance(document, list):
        return [text for value in document for text in strings_of(value)]
    return []


def test_what_is_split_over_parts_is_joined() -> None:
    parts = [{"type": "text", "text": SSN[:6]}, {"type": "text", "text": SSN[6:]}]
    assert found(json.dumps({"messages": [{"content": parts}]})) == {"pii"}
    assert found(json.dumps({"prompt": list(SSN)})) == {"pii"}
    long = [{"type": "text", "text": "x" * 500 + SSN[:6]}, {"type": "text", "text": SSN[6:] + "y" * 500}]
    assert found(json.dumps({"messages": [{"content": long}]})) == {"pii"}


PNG = base64.b64encode(bytes(3000)).decode()


@pytest.mark.parametrize(
    "document",
    [
        {"content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]},
        {"content": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}]},
        {"content": [{"type": "input_audio", "input_audio": {"data": PNG, "format": "wav"}}]},
        {"content": [{"type": "file", "file": {"file_id": "file-1"}}]},
        {"content": [{"type": "image", "source": {"type": "base64", "data": PNG}}]},
        {"content": [{"type": "document", "source": {"type": "url", "url": "https://example.com"}}]},
        {"content": "data:text/plain;base64,MTIzLTQ1LTY3ODk="},
        {"images": [PNG]},
        {"input": [1, 2, 3]},
        {"input": [[1, 2, 3], [4]]},
        {"prompt": [4711]},
    ],
)
def test_what_no_detector_reads_is_unscannable(document: Any) -> None:
    assert unscannable(document)


@pytest.mark.parametrize(
    "document",
    [
        {
            "messages": [{"role": "user", "content": "hello"}],
            "temperature": 0.5,
            "logit_bias": {"50256": -100},
        },
        {"input": "hello", "dimensions": 256},
        {"input": ["hello", "world"]},
        {"content": "The word data: has a colon. " + "word " * 300},
    ],
)
def test_plain_text_is_scannable(document: Any) -> None:
    assert not unscannable(document)


def test_the_text_beside_an_image_is_read() -> None:
    parts = [{"type": "text", "text": SSN}, {"type": "image_url", "image_url": {"url": "https://x.example"}}]
    assert found(json.dumps({"messages": [{"content": parts}]})) == {"pii"}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (SSN.encode(), "text/plain"),
        (b'{"content": "' + SSN.encode() + b'"', JSON),
        (b'{"content": "' + SSN.encode() + b' \xff"}', JSON),
        (b'{"content": NaN, "x": "' + SSN.encode() + b'"}', JSON),
        (b"[" * 5000 + b'"' + SSN.encode() + b'"' + b"]" * 5000, JSON),
        (b'{"a":' * 1500 + b'"' + SSN.encode() + b'"' + b"}" * 1500, JSON),
        (b'{"content": "\\ud800 ' + SSN.encode() + b'"}', JSON),
        (f'{{"content": "{ESCAPED}"'.encode(), JSON),
        (json.dumps({"content": SSN}).encode("utf-16"), JSON),
        (json.dumps({"content": SSN}).encode("utf-32-le"), JSON),
        (b"\xef\xbb\xbf" + json.dumps({"content": SSN}).encode(), JSON),
        (
            f'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n{SSN}\r\n--b--'.encode(),
            "multipart/form-data",
        ),
    ],
)
def test_what_is_not_json_is_unscannable_and_read_all_the_same(body: bytes, content_type: str) -> None:
    assert extract_text(body, content_type).unscannable
    assert found(body, content_type) == {"pii"}


def test_json_of_another_type_is_read_and_unscannable() -> None:
    extracted = extract_text(json.dumps({"content": SSN}).encode(), "text/plain")
    assert extracted.unscannable
    assert SSN in extracted.texts


@pytest.mark.parametrize(
    "content_type", [None, JSON, "application/json; charset=utf-8", "application/x+json"]
)
def test_types_that_are_json(content_type: str | None) -> None:
    assert not extract_text(b'{"content": "hello"}', content_type).unscannable


def test_compressed_bytes_are_unscannable() -> None:
    assert extract_text(gzip.compress(b'{"content": "hello"}'), JSON).unscannable


def test_nothing_is_no_text() -> None:
    assert extract_text(b"", None).texts == ()
    assert not extract_text(b"", "text/plain").unscannable


def test_a_large_attachment_hides_no_prompt() -> None:
    extracted = extract_text(
        json.dumps({"a": "x" * (MAX_CHARS + 10), "b": SSN, "c": "y" * 99}).encode(), JSON
    )
    assert extracted.unscannable
    assert SSN in extracted.texts
    assert sum(map(len, extracted.texts)) <= MAX_CHARS


@given(st.binary(max_size=300), st.none() | st.text(max_size=30))
def test_no_bytes_raise(body: bytes, content_type: str | None) -> None:
    scan_all(extract_text(body, content_type).texts)
