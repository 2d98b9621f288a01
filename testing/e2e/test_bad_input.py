"""What is wrong with a request is said by name, in OpenAI's shape, and nothing is sent."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from testing.e2e.caller import CHAT, Caller, error_of
from testing.e2e.simulators import Simulators

HELLO = [{"role": "user", "content": "Hello"}]
CHAT_BODY: dict[str, Any] = {"model": "gpt-4o", "messages": HELLO}
EMBEDDINGS = "/v1/embeddings"
NOT_JSON = {
    "nothing": b"",
    "text": b"hello",
    "half": b'{"model": "gpt-4o", "messages": [',
    "two": b'{"model": "gpt-4o"}{"model": "gpt-4o"}',
    "single quotes": b"{'model': 'gpt-4o'}",
    "trailing comma": b'{"model": "gpt-4o",}',
    "NaN": b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}], "temperature": NaN}',
    "Infinity": b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}], "top_p": -Infinity}',
    "number too large": b'{"model": "gpt-4o", "messages": [], "temperature": 1e999}',
    "invalid UTF-8": b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "\xff\xfe"}]}',
    "overlong UTF-8": b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "\xc0\xaf"}]}',
    "lone surrogate": b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "\\ud800"}]}',
    "UTF-16": json.dumps(CHAT_BODY).encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + json.dumps(CHAT_BODY).encode(),
    "control character": b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "a\x00b"}]}',
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
}
NOT_OBJECTS = (b"null", b"[]", b'"gpt-4o"', b"7", b"true")
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("model", {"messages": HELLO}),
    ("model", {**CHAT_BODY, "model": None}),
    ("model", {**CHAT_BODY, "model": ""}),
    ("model", {**CHAT_BODY, "model": 7}),
    ("model", {**CHAT_BODY, "model": ["gpt-4o"]}),
    ("model", {**CHAT_BODY, "model": "x" * 10_000}),
    ("messages", {"model": "gpt-4o"}),
    ("messages", {**CHAT_BODY, "messages": []}),
    ("messages", {**CHAT_BODY, "messages": "Hello"}),
    ("messages", {**CHAT_BODY, "messages": {"role": "user", "content": "x"}}),
    ("messages[0]", {**CHAT_BODY, "messages": ["Hello"]}),
    ("messages[0]", {**CHAT_BODY, "messages": [None]}),
    ("messages[0].role", {**CHAT_BODY, "messages": [{"content": "Hello"}]}),
    ("messages[0].role", {**CHAT_BODY, "messages": [{"role": "wizard", "content": "Hello"}]}),
    ("messages[1].role", {**CHAT_BODY, "messages": [*HELLO, {"role": 7, "content": "Hello"}]}),
    ("messages[0].content", {**CHAT_BODY, "messages": [{"role": "user", "content": 7}]}),
    ("messages[0].content", {**CHAT_BODY, "messages": [{"role": "user", "content": {"text": "x"}}]}),
    ("messages[0].content[0]", {**CHAT_BODY, "messages": [{"role": "user", "content": ["Hello"]}]}),
    (
        "messages[0].content[0].type",
        {**CHAT_BODY, "messages": [{"role": "user", "content": [{"text": "x"}]}]},
    ),
    ("stream", {**CHAT_BODY, "stream": "yes"}),
    ("stream", {**CHAT_BODY, "stream": 1}),
    ("stream_options", {**CHAT_BODY, "stream": True, "stream_options": "usage"}),
    ("stream_options.include_usage", {**CHAT_BODY, "stream": True, "stream_options": {"include_usage": "y"}}),
    ("temperature", {**CHAT_BODY, "temperature": "hot"}),
    ("temperature", {**CHAT_BODY, "temperature": -1}),
    ("temperature", {**CHAT_BODY, "temperature": True}),
    ("top_p", {**CHAT_BODY, "top_p": 2}),
    ("n", {**CHAT_BODY, "n": 0}),
    ("n", {**CHAT_BODY, "n": 1.5}),
    ("max_tokens", {**CHAT_BODY, "max_tokens": -5}),
    ("max_tokens", {**CHAT_BODY, "max_tokens": "many"}),
    ("seed", {**CHAT_BODY, "seed": "x"}),
    ("stop[0]", {**CHAT_BODY, "stop": [1]}),
    ("tools", {**CHAT_BODY, "tools": "weather"}),
    ("tools[0]", {**CHAT_BODY, "tools": ["weather"]}),
    ("response_format", {**CHAT_BODY, "response_format": "json"}),
]
WRONG_EMBEDDINGS: list[tuple[str, dict[str, Any]]] = [
    ("model", {"input": "Hello"}),
    ("input", {"model": "nomic-embed-text"}),
    ("input", {"model": "nomic-embed-text", "input": ""}),
    ("input", {"model": "nomic-embed-text", "input": []}),
    ("input", {"model": "nomic-embed-text", "input": {"text": "x"}}),
    ("input", {"model": "nomic-embed-text", "input": [1.5]}),
    ("encoding_format", {"model": "nomic-embed-text", "input": "x", "encoding_format": "hex"}),
    ("dimensions", {"model": "nomic-embed-text", "input": "x", "dimensions": 0}),
]


@pytest.fixture(autouse=True)
def _nothing_is_sent(simulators: Simulators) -> Any:
    yield
    assert simulators.asked() == set()


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_not_json(caller: Caller, body: bytes) -> None:
    for path in (CHAT, EMBEDDINGS, "/chat"):
        error = _bad(caller.raw(body, path=path))
        assert "JSON" in error["message"]


def test_not_an_object(caller: Caller) -> None:
    for body in NOT_OBJECTS:
        assert "object" in _bad(caller.raw(body))["message"]


@pytest.mark.parametrize(("field", "body"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_wrong_types_name_the_field(caller: Caller, field: str, body: dict[str, Any]) -> None:
    error = _bad(caller.request("POST", CHAT, json=body))
    assert error["param"] == field
    assert error["message"].startswith(field)


@pytest.mark.parametrize(
    ("field", "body"), WRONG_EMBEDDINGS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_wrong_types_of_embeddings(caller: Caller, field: str, body: dict[str, Any]) -> None:
    error = _bad(caller.request("POST", EMBEDDINGS, json=body))
    assert error["param"].partition("[")[0] == field


def test_wrong_prompts(caller: Caller) -> None:
    for field, body in (
        ("prompt", {}),
        ("prompt", {"prompt": ""}),
        ("prompt", {"prompt": ["Hello"]}),
        ("model", {"prompt": "Hello", "model": 7}),
        ("temperature", {"prompt": "Hello", "temperature": 1}),
    ):
        assert _bad(caller.request("POST", "/chat", json=body))["param"] == field


def test_unknown_models(caller: Caller) -> None:
    for model in ("no-such-model", "openai/no-such-model", "nobody/gpt-4o", "GPT-4O", "gpt-4o ", "../gpt-4o"):
        answer = caller.chat(model)
        assert answer.status_code == 404, model
        error = error_of(answer)
        assert (error["code"], error["param"]) == ("model_not_found", "model")
        assert "/v1/models" in error["message"]


def test_a_model_for_something_else(caller: Caller) -> None:
    assert caller.chat("text-embedding-3-small").status_code == 404
    body = {"model": "gpt-4o", "input": "Hello"}
    assert caller.request("POST", EMBEDDINGS, json=body).status_code == 404


def test_content_types(caller: Caller) -> None:
    body = json.dumps(CHAT_BODY).encode()
    for content_type in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/xml",
        "json",
        "",
    ):
        answer = caller.raw(body, content_type)
        assert answer.status_code == 415, (content_type, answer.text)
        error = error_of(answer)
        assert (error["type"], error["param"]) == ("invalid_request_error", "content-type")


def test_a_compressed_body(caller: Caller) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = caller.request("POST", CHAT, content=json.dumps(CHAT_BODY), headers=headers)
    assert answer.status_code == 415
    assert "Content-Encoding" in answer.text
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("depth", [65, 1_000, 100_000])
def test_deep_nesting(caller: Caller, depth: int) -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        inner = opening * depth + b"0" + closing * depth
        body = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}], "metadata": ' + inner
        _bad(caller.raw(body + b"}"))


def test_methods_and_paths(caller: Caller) -> None:
    for method, path in (("GET", CHAT), ("PUT", CHAT), ("DELETE", "/v1/models"), ("POST", "/providers")):
        answer = caller.request(method, path, json=CHAT_BODY)
        assert answer.status_code == 405, (method, path)
        assert error_of(answer)["code"] == "method_not_allowed"
    for path in ("/", "/v1", "/v1/completions", "/v1/chat/completions/", "/v2/chat/completions", "/admin"):
        answer = caller.request("POST", path, json=CHAT_BODY)
        assert answer.status_code == 404, path
        assert error_of(answer)["code"] == "unknown_url"


def test_refusals_carry_the_answers_headers(caller: Caller) -> None:
    answer = caller.request("POST", CHAT, json={"model": "gpt-4o", "messages": []})
    for name, value in (
        ("x-compliance-class", "public"),
        ("x-gateway-deployment", "none"),
        ("x-gateway-provider", "none"),
        ("x-gateway-attempts", "0"),
        ("x-gateway-cost-usd", "0.0"),
        ("x-gateway-cache", "off"),
    ):
        assert answer.headers[name] == value
    assert float(answer.headers["x-gateway-overhead-ms"]) >= 0


def _bad(answer: httpx.Response) -> dict[str, Any]:
    """A 400 in OpenAI's shape."""
    assert answer.status_code == 400, answer.text
    error = error_of(answer)
    assert error["type"] == "invalid_request_error"
    return error
