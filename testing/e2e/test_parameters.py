"""Parameters pass through: tools, JSON mode, images, and what the gateway has never heard of."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest

from testing.e2e.caller import CHAT, Caller, error_of
from testing.e2e.kinds import Kind
from testing.e2e.simulators import Simulators

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        },
    },
}
CHOICE = {"type": "function", "function": {"name": "get_weather"}}
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


def test_tools(caller: Caller, kind: Kind) -> None:
    """The model that must call a tool does, as JSON and as a stream."""
    if kind.name == "ollama":
        pytest.skip("Ollama has no tool_choice; see test_tools_that_may_be_called")
    answer = caller.chat(kind.model, tools=[TOOL], tool_choice=CHOICE)
    assert answer.status_code == 200, answer.text
    (call,) = answer.json()["choices"][0]["message"]["tool_calls"]
    _weather(call["function"]["name"], call["function"]["arguments"])
    assert call["id"]
    stream = caller.stream(kind.model, tools=[TOOL], tool_choice=CHOICE)
    assert stream.done, stream.events
    pieces = [
        piece
        for event in stream.events
        for choice in event["choices"]
        for piece in choice["delta"].get("tool_calls") or ()
    ]
    assert {piece["index"] for piece in pieces} == {0}
    _weather(
        "".join(piece["function"].get("name") or "" for piece in pieces),
        "".join(piece["function"].get("arguments") or "" for piece in pieces),
    )


def test_tools_that_may_be_called(caller: Caller, simulators: Simulators, kind: Kind) -> None:
    """The tool's description and schema reach the provider, in its own dialect."""
    assert caller.chat(kind.model, tools=[TOOL]).status_code == 200
    sent = b"".join(simulators.bodies(kind.name))
    for word in (b"get_weather", b"The weather in a city.", b"days"):
        assert word in sent


def test_a_tools_result(caller: Caller, simulators: Simulators, kind: Kind) -> None:
    """The history with a call and its result is one that the provider's protocol allows."""
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city": "Oslo", "days": 1}'},
    }
    messages = [
        {"role": "user", "content": "The weather in Oslo?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "rain-in-oslo"},
    ]
    answer = caller.request("POST", CHAT, json={"model": kind.model, "messages": messages, "tools": [TOOL]})
    assert answer.status_code == 200, answer.text
    assert b"rain-in-oslo" in simulators.bodies(kind.name)[-1]


def test_json_mode(caller: Caller, kind: Kind) -> None:
    if kind.name in {"anthropic", "bedrock"}:
        pytest.skip("it has JSON only by a schema: without one the prompt decides")
    answer = caller.chat(kind.model, "Give me JSON", response_format={"type": "json_object"})
    assert answer.status_code == 200, answer.text
    assert isinstance(json.loads(answer.json()["choices"][0]["message"]["content"]), dict)


def test_a_schema_for_the_answer(caller: Caller, kind: Kind) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "person", "strict": True, "schema": SCHEMA}}
    answer = caller.chat(kind.model, "Give me JSON", response_format=wanted)
    assert answer.status_code == 200, answer.text
    person = json.loads(answer.json()["choices"][0]["message"]["content"])
    assert isinstance(person["name"], str)
    assert isinstance(person["age"], int)


def test_images(caller: Caller, simulators: Simulators, kind: Kind) -> None:
    """An image in a content part reaches the provider unchanged, and makes the request `internal`."""
    url = f"data:image/png;base64,{PIXEL}"
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
    answer = caller.chat(kind.model, parts)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-compliance-class"] == "internal"
    sent = simulators.bodies(kind.name)[-1]
    assert PIXEL.encode() in sent or b64decode(PIXEL) in sent


def test_an_image_at_home_only(caller: Caller, simulators: Simulators) -> None:
    """Nothing reads an image here, so a floor is what keeps one at home."""
    url = f"data:image/png;base64,{PIXEL}"
    parts = [{"type": "image_url", "image_url": {"url": url}}]
    refused = caller.chat("gpt-4o", parts, headers={"X-Data-Class": "phi"})
    assert refused.status_code == 403
    assert caller.chat("auto", parts, headers={"X-Data-Class": "phi"}).status_code == 200
    assert simulators.asked() == {"ollama"}


def test_unknown_parameters_pass(caller: Caller, simulators: Simulators, kind: Kind) -> None:
    """To whoever speaks OpenAI's protocol; another's has no place for them."""
    if kind.name not in {"openai", "openai_compatible", "vertex_endpoint"}:
        pytest.skip("it speaks a protocol of its own")
    extra: dict[str, Any] = {
        "metadata": {"team": "x"},
        "seed": 7,
        "logit_bias": {"50256": -100},
        "top_k_of_tomorrow": 3,
    }
    answer = caller.chat(kind.model, **extra)
    assert answer.status_code == 200, answer.text
    body = simulators.bodies(kind.name)[-1]
    sent = json.loads(body[body.index(b"{") :])
    assert {name: sent[name] for name in extra} == extra


def test_the_common_parameters(caller: Caller, simulators: Simulators, kind: Kind) -> None:
    """Every kind has a name of its own for these; the numbers show that they arrived."""
    answer = caller.chat(kind.model, temperature=0.625, top_p=0.875, max_tokens=5, stop=["STOP-9"])
    assert answer.status_code == 200, answer.text
    sent = simulators.bodies(kind.name)[-1]
    for value in (b"0.625", b"0.875", b"STOP-9"):
        assert value in sent
    assert answer.json()["choices"][0]["finish_reason"] == "length"
    assert answer.json()["usage"]["completion_tokens"] <= 5


def test_several_choices(caller: Caller) -> None:
    answer = caller.chat("gpt-4o", n=3)
    assert [choice["index"] for choice in answer.json()["choices"]] == [0, 1, 2]


def test_what_a_provider_cannot_do_is_said(caller: Caller, simulators: Simulators) -> None:
    """Nothing is dropped silently."""
    answer = caller.chat("claude-sonnet-4-6", n=3)
    assert answer.status_code == 400, answer.text
    error = error_of(answer)
    assert error["code"] == "provider_rejected"
    assert "n" in {error["param"], *error["message"].replace(",", " ").replace(".", " ").split()}


@pytest.mark.parametrize("model", ["text-embedding-3-small", "nomic-embed-text"])
def test_embeddings(caller: Caller, model: str) -> None:
    def embed(**parameters: Any) -> Any:
        answer = caller.request("POST", "/v1/embeddings", json={"model": model, **parameters})
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-compliance-class"] == "public"
        return answer.json()

    one = embed(input="Hello")
    assert one["object"] == "list"
    assert [row["object"] for row in one["data"]] == ["embedding"]
    assert one["usage"]["prompt_tokens"] > 0
    many = embed(input=["Hello", "Goodbye"])
    assert [row["index"] for row in many["data"]] == [0, 1]
    assert many["data"][0]["embedding"] == one["data"][0]["embedding"]
    packed = embed(input="Hello", encoding_format="base64")["data"][0]["embedding"]
    assert b64encode(b64decode(packed)).decode() == packed
    assert len(b64decode(packed)) == 4 * len(one["data"][0]["embedding"])


def _weather(name: str, arguments: str) -> None:
    assert name == "get_weather"
    parsed = json.loads(arguments)
    assert isinstance(parsed["city"], str)
    assert isinstance(parsed["days"], int)
