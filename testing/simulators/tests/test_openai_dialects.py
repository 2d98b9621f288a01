"""Groq and an OpenAI-compatible server: what they do not share with OpenAI."""

from __future__ import annotations

import json
from typing import Any

import httpx
import openai
import pytest

from testing.simulators.launch import Simulators

MESSAGES: Any = [{"role": "user", "content": "Hello"}]
KEYS = {"groq": "GROQ_API_KEY", "openai_compatible": "OPENAI_COMPATIBLE_API_KEY"}


def _post(simulators: Simulators, name: str, key: str | None = None, **body: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {key or simulators.env(name)[KEYS[name]]}"}
    url = f"{simulators.base_url(name)}/chat/completions"
    return httpx.post(url, headers=headers, json={"model": "m", "messages": MESSAGES} | body, timeout=10)


def _events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in text.split("\n\n") if line.startswith("data: {")]


@pytest.mark.parametrize("name", KEYS)
def test_the_openai_sdk_reads_json_and_stream(simulators: Simulators, name: str) -> None:
    key = simulators.env(name)[KEYS[name]]
    with openai.OpenAI(base_url=simulators.base_url(name), api_key=key, max_retries=0) as client:
        whole = client.chat.completions.create(model="m", messages=MESSAGES)
        chunks = list(client.chat.completions.create(model="m", messages=MESSAGES, stream=True))
        assert client.models.list().data
        assert len(client.embeddings.create(model="bge", input="text").data[0].embedding) == 768
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content
    assert text.startswith(f"[simulated {name}] m")


def test_groq_sends_usage_in_x_groq_and_a_service_tier(simulators: Simulators) -> None:
    whole = _post(simulators, "groq").json()
    assert whole["service_tier"] == "on_demand"
    assert whole["x_groq"]["id"].startswith("req_")
    assert whole["usage"]["total_time"] > 0
    chunks = _events(_post(simulators, "groq", stream=True).text)
    assert "usage" not in chunks[0]["x_groq"]
    assert [number for number, chunk in enumerate(chunks) if "x_groq" in chunk] == [0, len(chunks) - 1]
    last = chunks[-1]
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["x_groq"]["usage"] == whole["usage"]


def test_groq_can_send_the_usage_in_both_places(simulators: Simulators) -> None:
    chunks = _events(_post(simulators, "groq", stream=True, stream_options={"include_usage": True}).text)
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"] == chunks[-2]["x_groq"]["usage"]


def test_groq_refuses_a_wrong_key(simulators: Simulators) -> None:
    answer = _post(simulators, "groq", key="gsk_wrong")
    assert answer.status_code == 401
    expected = {"message": "Invalid API Key", "type": "invalid_request_error", "code": "invalid_api_key"}
    assert answer.json() == {"error": expected}


def test_groq_counts_tokens_by_the_minute(simulators: Simulators) -> None:
    simulators.fault("groq", "429", retry_after=2)
    answer = _post(simulators, "groq")
    assert answer.json()["error"]["type"] == "tokens"
    assert answer.headers["retry-after"] == "2"
    assert answer.headers["x-ratelimit-reset-requests"] == "2m59.56s"


def test_vllm_and_kserve_paths_are_the_same_server(simulators: Simulators) -> None:
    key = simulators.env("openai_compatible")["OPENAI_COMPATIBLE_API_KEY"]
    base = simulators.base_url("openai_compatible").removesuffix("/v1")
    headers = {"authorization": f"Bearer {key}"}
    body = {"model": "m", "messages": MESSAGES}
    answers = [
        httpx.post(f"{base}{prefix}/chat/completions", headers=headers, json=body)
        for prefix in ("/v1", "/openai/v1")
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[0].status_code == 200


def test_vllm_health_needs_no_key_but_models_do(simulators: Simulators) -> None:
    base = simulators.base_url("openai_compatible").removesuffix("/v1")
    health = httpx.get(f"{base}/health")
    assert (health.status_code, health.content) == (200, b"")
    assert "version" in httpx.get(f"{base}/version").json()
    assert "vllm:num_requests_running" in httpx.get(f"{base}/metrics").text
    refused = httpx.get(f"{base}/v1/models")
    assert (refused.status_code, refused.json()) == (401, {"error": "Unauthorized"})
    assert httpx.get(f"{base}/nothing").json() == {"detail": "Not Found"}


def test_vllm_words_its_errors(simulators: Simulators) -> None:
    answer = _post(simulators, "openai_compatible", messages=[])
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "BadRequestError"
    assert answer.json()["error"]["code"] == 400
