"""Anthropic's protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from testing.simulators.launch import Simulators

BODY: dict[str, Any] = {
    "model": "claude-sonnet-4-6",
    "max_tokens": 100,
    "system": "Be brief.",
    "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello there"}]}],
}
TOOL = {"name": "find", "input_schema": {"type": "object", "properties": {"limit": {"type": "integer"}}}}


@pytest.fixture
def http(simulators: Simulators) -> Iterator[httpx.Client]:
    key = simulators.env("anthropic")["ANTHROPIC_API_KEY"]
    headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}
    with httpx.Client(base_url=simulators.base_url("anthropic"), headers=headers, timeout=10) as found:
        yield found


def test_json(http: httpx.Client) -> None:
    answer = http.post("/v1/messages", json=BODY)
    value = answer.json()
    assert answer.headers["request-id"].startswith("req_")
    assert int(answer.headers["anthropic-ratelimit-requests-remaining"]) > 0
    assert (value["type"], value["role"], value["stop_reason"]) == ("message", "assistant", "end_turn")
    assert value["content"][0]["text"].startswith("[simulated anthropic] claude-sonnet-4-6")
    assert "20 characters" in value["content"][0]["text"]
    assert value["usage"]["input_tokens"] == 5
    assert value["usage"]["output_tokens"] > 5


def test_named_events_in_order_say_what_the_json_says(http: httpx.Client) -> None:
    whole = http.post("/v1/messages", json=BODY).json()
    answer = http.post("/v1/messages", json=BODY | {"stream": True})
    events = _events(answer.text)
    kinds = [event["type"] for event in events]
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert kinds[:3] == ["message_start", "content_block_start", "ping"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(kinds[3:-3]) == {"content_block_delta"}
    text = "".join(event["delta"]["text"] for event in events if event["type"] == "content_block_delta")
    assert text == whole["content"][0]["text"]
    assert events[0]["message"]["usage"]["input_tokens"] == whole["usage"]["input_tokens"]
    assert events[-2]["usage"]["output_tokens"] == whole["usage"]["output_tokens"]
    assert events[-2]["delta"]["stop_reason"] == "end_turn"


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "find"}])
def test_tools(http: httpx.Client, choice: dict[str, str]) -> None:
    body = BODY | {"tools": [TOOL], "tool_choice": choice}
    whole = http.post("/v1/messages", json=body).json()
    assert whole["stop_reason"] == "tool_use"
    assert whole["content"][0]["input"] == {"limit": 1}
    events = _events(http.post("/v1/messages", json=body | {"stream": True}).text)
    pieces = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert {piece["type"] for piece in pieces} == {"input_json_delta"}
    assert json.loads("".join(piece["partial_json"] for piece in pieces)) == {"limit": 1}
    assert events[1]["content_block"]["input"] == {}


def test_structured_output(http: httpx.Client) -> None:
    shape = {"type": "json_schema", "schema": {"type": "object", "properties": {"a": {"type": "boolean"}}}}
    value = http.post("/v1/messages", json=BODY | {"output_config": {"format": shape}}).json()
    assert json.loads(value["content"][0]["text"]) == {"a": True}


def test_max_tokens(http: httpx.Client) -> None:
    value = http.post("/v1/messages", json=BODY | {"max_tokens": 2}).json()
    assert (value["stop_reason"], value["usage"]["output_tokens"]) == ("max_tokens", 2)


@pytest.mark.parametrize(
    ("headers", "status", "kind", "message"),
    [
        ({"x-api-key": ""}, 401, "authentication_error", "x-api-key header is required"),
        ({"x-api-key": "sk-ant-wrong"}, 401, "authentication_error", "invalid x-api-key"),
        ({"anthropic-version": ""}, 400, "invalid_request_error", "anthropic-version: header is required"),
    ],
)
def test_headers_are_checked(
    http: httpx.Client, headers: dict[str, str], status: int, kind: str, message: str
) -> None:
    answer = http.post("/v1/messages", json=BODY, headers=headers)
    value = answer.json()
    assert answer.status_code == status
    assert value["type"] == "error"
    assert value["error"] == {"type": kind, "message": message}
    assert value["request_id"] == answer.headers["request-id"]


@pytest.mark.parametrize("field", ["model", "max_tokens", "messages"])
def test_a_missing_field_is_named(http: httpx.Client, field: str) -> None:
    answer = http.post("/v1/messages", json={key: value for key, value in BODY.items() if key != field})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == f"{field}: Field required"


def test_models_and_token_count(http: httpx.Client) -> None:
    assert "claude-sonnet-4-6" in {row["id"] for row in http.get("/v1/models").json()["data"]}
    assert http.post("/v1/messages/count_tokens", json=BODY).json() == {"input_tokens": 5}


def _events(text: str) -> list[dict[str, Any]]:
    events = []
    for block in text.split("\n\n")[:-1]:
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        events.append(event)
    return events
