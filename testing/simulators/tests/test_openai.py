"""OpenAI's protocol, mostly through OpenAI's own SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from testing.simulators.launch import Simulators

PROMPT = "Tell me about quetzalcoatlus."
MESSAGES: Any = [{"role": "user", "content": PROMPT}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F"]}},
            "required": ["city"],
        },
    },
}


@pytest.fixture
def client(simulators: Simulators) -> Iterator[openai.OpenAI]:
    key = simulators.env("openai")["OPENAI_API_KEY"]
    with openai.OpenAI(
        base_url=simulators.base_url("openai"), api_key=key, max_retries=0, timeout=10
    ) as found:
        yield found


@pytest.fixture
def http(simulators: Simulators) -> Iterator[httpx.Client]:
    key = simulators.env("openai")["OPENAI_API_KEY"]
    headers = {"authorization": f"Bearer {key}"}
    with httpx.Client(base_url=simulators.base_url("openai"), headers=headers, timeout=10) as found:
        yield found


def test_an_answer_is_plainly_simulated_and_never_repeats_the_prompt(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    text = answer.choices[0].message.content or ""
    assert "[simulated openai] gpt-4o" in text
    assert f"{len(PROMPT)} characters" in text
    assert "quetzal" not in text
    assert answer.choices[0].finish_reason == "stop"
    assert answer.id.startswith("chatcmpl-")


def test_stream_and_json_say_the_same(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    chunks = list(
        client.chat.completions.create(
            model="gpt-4o", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
    assert text == whole.choices[0].message.content
    assert len(chunks) > 5
    assert {chunk.id for chunk in chunks[1:]} == {chunks[0].id}
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert whole.usage is not None
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens


def test_usage_is_streamed_only_if_asked_for(http: httpx.Client) -> None:
    body = {"model": "gpt-4o", "messages": MESSAGES, "stream": True}
    without = _events(http.post("/chat/completions", json=body).text)
    asked = _events(
        http.post("/chat/completions", json=body | {"stream_options": {"include_usage": True}}).text
    )
    assert all("usage" not in chunk for chunk in without)
    assert [chunk["usage"] for chunk in asked[:-1]] == [None] * (len(asked) - 1)
    assert asked[-1]["usage"]["completion_tokens"] > 0


def test_an_sse_stream_is_framed_to_the_byte(http: httpx.Client) -> None:
    answer = http.post("/chat/completions", json={"model": "m", "messages": MESSAGES, "stream": True})
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.text.endswith("}\n\ndata: [DONE]\n\n")
    assert all(line.startswith("data: ") for line in answer.text.split("\n\n")[:-1])


def test_the_same_request_gives_the_same_bytes(http: httpx.Client) -> None:
    body = {"model": "gpt-4o", "messages": MESSAGES, "stream": True}
    assert (
        http.post("/chat/completions", json=body).content == http.post("/chat/completions", json=body).content
    )


def test_headers_as_openai_sends_them(http: httpx.Client) -> None:
    first = http.post("/chat/completions", json={"model": "gpt-4o", "messages": MESSAGES}).headers
    second = http.post("/chat/completions", json={"model": "gpt-4o", "messages": MESSAGES}).headers
    assert first["x-request-id"].startswith("req_")
    assert first["x-request-id"] != second["x-request-id"]
    assert first["openai-version"] == "2020-10-01"
    assert int(first["openai-processing-ms"]) >= 0
    for what in ("requests", "tokens"):
        assert int(first[f"x-ratelimit-remaining-{what}"]) < int(first[f"x-ratelimit-limit-{what}"])
        assert first[f"x-ratelimit-reset-{what}"].endswith("s")


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_a_limit_of_tokens_is_kept(http: httpx.Client, field: str) -> None:
    answer = http.post("/chat/completions", json={"model": "gpt-4o", "messages": MESSAGES, field: 3}).json()
    assert answer["usage"]["completion_tokens"] == 3
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["choices"][0]["message"]["content"] == "[simulated openai] gpt-4o"


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
def test_a_demanded_tool_is_called(client: openai.OpenAI, choice: Any) -> None:
    ask: Any = {"model": "gpt-4o", "messages": MESSAGES, "tools": [WEATHER], "tool_choice": choice}
    whole = client.chat.completions.create(**ask)
    call: Any = (whole.choices[0].message.tool_calls or [])[0]
    assert json.loads(call.function.arguments) == {"city": "simulated", "unit": "C"}
    assert whole.choices[0].finish_reason == "tool_calls"
    chunks: Any = list(client.chat.completions.create(**ask, stream=True))
    pieces = [chunk.choices[0].delta.tool_calls[0] for chunk in chunks[:-1]]
    assert pieces[0].id.startswith("call_")
    assert pieces[0].function.name == "get_weather"
    assert "".join(piece.function.arguments for piece in pieces) == call.function.arguments
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_an_offered_tool_is_not_called_unasked(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="gpt-4o", messages=MESSAGES, tools=[WEATHER])
    assert answer.choices[0].message.tool_calls is None


def test_json_mode(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="gpt-4o", messages=MESSAGES, response_format={"type": "json_object"}
    )
    assert json.loads(answer.choices[0].message.content or "")["simulated"] is True
    schema: Any = {"name": "x", "schema": {"type": "object", "properties": {"age": {"type": "integer"}}}}
    answer = client.chat.completions.create(
        model="gpt-4o", messages=MESSAGES, response_format={"type": "json_schema", "json_schema": schema}
    )
    assert json.loads(answer.choices[0].message.content or "") == {"age": 1}


def test_several_choices(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="gpt-4o", messages=MESSAGES, n=2)
    assert [choice.index for choice in whole.choices] == [0, 1]
    chunks = list(client.chat.completions.create(model="gpt-4o", messages=MESSAGES, n=2, stream=True))
    assert {chunk.choices[0].index for chunk in chunks} == {0, 1}


def test_embeddings_say_the_same_in_base64_and_json(client: openai.OpenAI, http: httpx.Client) -> None:
    asked: Any = {"model": "text-embedding-3-small", "input": ["one two", "one two three", "four"]}
    decoded = client.embeddings.create(**asked)  # the SDK asks for base64
    plain = http.post("/embeddings", json=asked).json()
    assert [row.embedding for row in decoded.data] == [row["embedding"] for row in plain["data"]]
    assert [row["index"] for row in plain["data"]] == [0, 1, 2]
    assert len(plain["data"][0]["embedding"]) == 1536
    assert plain["usage"]["prompt_tokens"] == plain["usage"]["total_tokens"] > 0
    one, more, other = (row["embedding"] for row in plain["data"])
    assert _product(one, one) == pytest.approx(1, abs=1e-6)
    assert _product(one, more) > 0.7 > 0.3 > _product(one, other)


def test_embeddings_of_tokens_and_of_a_given_size(client: openai.OpenAI) -> None:
    answer = client.embeddings.create(model="text-embedding-3-large", input=[1, 2, 3], dimensions=8)
    assert len(answer.data) == 1
    assert len(answer.data[0].embedding) == 8
    assert answer.usage.prompt_tokens == 3


def test_the_older_completions(client: openai.OpenAI) -> None:
    whole = client.completions.create(model="m", prompt="Hello")
    chunks = list(client.completions.create(model="m", prompt="Hello", stream=True))
    assert whole.choices[0].text.startswith("[simulated openai] m answers: received 5 characters")
    assert "".join(chunk.choices[0].text for chunk in chunks) == whole.choices[0].text
    assert [chunk.choices[0].finish_reason for chunk in chunks][-1] == "stop"


def test_models(client: openai.OpenAI) -> None:
    assert "gpt-4o" in {model.id for model in client.models.list()}
    assert client.models.retrieve("gpt-4o").owned_by == "openai"


@pytest.mark.parametrize("key", [None, "sk-wrong-key-that-is-long-enough"])
def test_credentials_are_checked(simulators: Simulators, key: str | None) -> None:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    url = f"{simulators.base_url('openai')}/chat/completions"
    answer = httpx.post(url, headers=headers, json={"model": "gpt-4o", "messages": MESSAGES})
    assert answer.status_code == 401
    error = answer.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert "API key" in error["message"]
    assert "that-is-long" not in answer.text


@pytest.mark.parametrize(
    ("body", "status", "fields"),
    [
        (b"{", 400, {"type": "invalid_request_error", "code": None}),
        (b'{"model": "gpt-4o"}', 400, {"param": "messages", "code": "missing_required_parameter"}),
        (b'{"model": "m", "messages": [{}], "stream_options": {"a": 1}}', 400, {"param": "stream_options"}),
        (b'{"messages": [{}]}', 400, {"message": "you must provide a model parameter"}),
        (b'{"model": "missing-1", "messages": [{}]}', 404, {"code": "model_not_found"}),
        (b'{"model": "gpt-4o", "messages": [{}], "tools": "no"}', 400, {"type": "invalid_request_error"}),
    ],
)
def test_bad_requests(http: httpx.Client, body: bytes, status: int, fields: dict[str, Any]) -> None:
    answer = http.post("/chat/completions", content=body)
    assert answer.status_code == status
    assert answer.json()["error"].items() >= fields.items()


def test_an_unknown_url(http: httpx.Client) -> None:
    answer = http.post("/nothing", json={})
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == "Invalid URL (POST /v1/nothing)"


def _events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in text.split("\n\n") if line.startswith("data: {")]


def _product(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
