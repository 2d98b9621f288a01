"""Ollama's protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from testing.simulators.launch import Simulators

CHAT: dict[str, Any] = {"model": "llama3.2", "messages": [{"role": "user", "content": "Hello there"}]}
TOOL = {
    "type": "function",
    "function": {
        "name": "find",
        "parameters": {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]},
    },
}


@pytest.fixture
def http(simulators: Simulators) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=simulators.base_url("ollama"), timeout=10) as found:
        yield found


def test_chat_streams_unless_told_not_to(http: httpx.Client) -> None:
    whole = http.post("/api/chat", json=CHAT | {"stream": False})
    answer = http.post("/api/chat", json=CHAT)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert whole.headers["content-type"] == "application/json; charset=utf-8"
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    assert len(lines) > 5
    text = "".join(line["message"]["content"] for line in lines)
    assert text == whole.json()["message"]["content"]
    assert text.startswith("[simulated ollama] llama3.2")
    counts = ("done_reason", "prompt_eval_count", "eval_count", "total_duration", "eval_duration")
    assert all(lines[-1][key] == whole.json()[key] for key in counts)
    assert lines[-1]["done_reason"] == "stop"


def test_generate(http: httpx.Client) -> None:
    body = {"model": "llama3.2", "prompt": "Hello there"}
    whole = http.post("/api/generate", json=body | {"stream": False}).json()
    lines = [json.loads(line) for line in http.post("/api/generate", json=body).text.splitlines()]
    assert "".join(line["response"] for line in lines) == whole["response"]
    assert "11 characters" in whole["response"]
    assert lines[-1]["eval_count"] == whole["eval_count"]


def test_options_format_and_length(http: httpx.Client) -> None:
    short = http.post("/api/chat", json=CHAT | {"stream": False, "options": {"num_predict": 2}}).json()
    assert (short["done_reason"], short["eval_count"]) == ("length", 2)
    schema = {"type": "object", "properties": {"n": {"type": "number"}}}
    shaped = http.post("/api/chat", json=CHAT | {"stream": False, "format": schema}).json()
    assert json.loads(shaped["message"]["content"]) == {"n": 1}
    plain = http.post("/api/chat", json=CHAT | {"stream": False, "format": "json"}).json()
    assert json.loads(plain["message"]["content"])["simulated"] is True


def test_offered_tools_are_used_once(http: httpx.Client) -> None:
    body = CHAT | {"tools": [TOOL], "stream": False}
    message = http.post("/api/chat", json=body).json()["message"]
    assert message["tool_calls"] == [{"function": {"name": "find", "arguments": {"q": "simulated"}}}]
    later = [*CHAT["messages"], message, {"role": "tool", "content": "nothing"}]
    assert "tool_calls" not in http.post("/api/chat", json=body | {"messages": later}).json()["message"]
    lines = [
        json.loads(line) for line in http.post("/api/chat", json=body | {"stream": True}).text.splitlines()
    ]
    assert lines[0]["message"]["tool_calls"] == message["tool_calls"]
    assert "tool_calls" not in lines[-1]["message"]


def test_embeddings_old_and_new(http: httpx.Client) -> None:
    new = http.post("/api/embed", json={"model": "nomic-embed-text", "input": ["one", "two"]}).json()
    old = http.post("/api/embeddings", json={"model": "nomic-embed-text", "prompt": "one"}).json()
    assert len(new["embeddings"]) == 2
    assert old["embedding"] == new["embeddings"][0]
    assert new["prompt_eval_count"] == 2


def test_what_health_checks_and_litellm_ask(http: httpx.Client) -> None:
    assert http.get("/").text == "Ollama is running"
    head = http.head("/")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "17", b"")
    assert http.get("/api/version").json()["version"]
    assert "llama3.2:latest" in {model["name"] for model in http.get("/api/tags").json()["models"]}
    for field in ("name", "model"):
        shown = http.post("/api/show", json={field: "llama3.2"}).json()
        assert "tools" in shown["capabilities"]
        assert shown["model_info"]["llama.context_length"] == 131_072


def test_errors_are_a_bare_string(http: httpx.Client) -> None:
    answer = http.post("/api/chat", json=CHAT | {"model": "missing-1"})
    assert (answer.status_code, answer.json()) == (404, {"error": "model 'missing-1' not found"})
    answer = http.post("/api/chat", json={"messages": []})
    assert (answer.status_code, answer.json()) == (400, {"error": "model is required"})
    assert http.post("/api/nothing").text == "404 page not found"


def test_openai_compatible_side_takes_any_key(simulators: Simulators) -> None:
    base = f"{simulators.base_url('ollama')}/v1"
    with openai.OpenAI(base_url=base, api_key="whatever", max_retries=0) as client:
        whole = client.chat.completions.create(model="llama3.2", messages=CHAT["messages"])
        chunks = list(
            client.chat.completions.create(
                model="llama3.2",
                messages=CHAT["messages"],
                stream=True,
                stream_options={"include_usage": True},
            )
        )
        assert client.models.list().data[0].id == "llama3.2:latest"
        assert len(client.embeddings.create(model="nomic-embed-text", input="x").data[0].embedding) == 768
    assert "[simulated ollama]" in (whole.choices[0].message.content or "")
    assert chunks[-1].usage == whole.usage
    assert httpx.post(f"{base}/chat/completions", json={}).json()["error"]["type"] == "invalid_request_error"
