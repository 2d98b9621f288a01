"""Answers and streams: what is on the wire, to the byte where it matters."""

import asyncio
import struct
from base64 import b64decode
from typing import Any

import orjson

from gateway.errors import ProviderRateLimited, StreamInterrupted
from gateway.types import Answer, Usage

CHAT = "/v1/chat/completions"
ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
STREAM = {**ASK, "stream": True}


def events(raw: bytes) -> list[Any]:
    assert raw.endswith(b"\n\n")
    lines = [line.removeprefix(b"data: ") for line in raw.split(b"\n\n") if line]
    return ["[DONE]" if line == b"[DONE]" else orjson.loads(line) for line in lines]


async def test_an_answer_has_its_headers(backend: Any) -> None:
    async with backend.post(CHAT, ASK, headers={"x-request-id": "abc-123"}) as response:
        assert response.status == 200
        shown = response.headers
    assert shown["x-request-id"] == "abc-123"
    assert shown["x-compliance-class"] == "public"
    assert shown["x-gateway-deployment"] == "cloud"
    assert shown["x-gateway-provider"] == "cloud"
    assert shown["x-gateway-attempts"] == "1"
    assert shown["x-gateway-cost-usd"] == "0.14"
    assert shown["x-gateway-cache"] == "off"
    assert float(shown["x-gateway-overhead-ms"]) >= 0


async def test_a_refusal_has_them_too(backend: Any) -> None:
    async with backend.post(CHAT, {**ASK, "model": "m-cloud"}, tenant="clinic") as response:
        assert response.status == 403
        shown, error = response.headers, (await response.json())["error"]
    assert "cleared_for:phi" in error["message"]
    assert shown["x-compliance-class"] == "phi"
    assert (shown["x-gateway-deployment"], shown["x-gateway-attempts"]) == ("none", "0")
    assert shown["x-gateway-cost-usd"] == "0.0"


async def test_an_unsound_request_id_is_replaced(backend: Any) -> None:
    async with backend.post(CHAT, ASK, headers={"x-request-id": "a b;c"}) as response:
        assert response.headers["x-request-id"] != "a b;c"


async def test_a_stream_ends_with_done_and_without_usage(backend: Any, scripted: Any, chunks: Any) -> None:
    scripted.script["cloud"] = chunks("a", "b")
    async with backend.post(CHAT, STREAM) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        got = events(await response.read())
    assert [event["choices"][0]["delta"]["content"] for event in got[:-1]] == ["a", "b"]
    assert got[-1] == "[DONE]"
    assert all("usage" not in event for event in got[:-1])


async def test_usage_is_passed_on_if_asked(backend: Any, scripted: Any, chunks: Any) -> None:
    scripted.script["cloud"] = chunks("a")
    async with backend.post(CHAT, {**STREAM, "stream_options": {"include_usage": True}}) as response:
        got = events(await response.read())
    assert got[0]["usage"] is None
    assert got[1] == {
        "choices": [],
        "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12},
    }
    assert got[2:] == ["[DONE]"]


async def test_a_stream_that_breaks_ends_with_an_error_and_no_done(
    backend: Any, scripted: Any, chunks: Any
) -> None:
    scripted.script["cloud"] = [*chunks("a", usage=None), StreamInterrupted("It broke.", provider="cloud")]
    async with backend.post(CHAT, STREAM) as response:
        got = events(await response.read())
    assert len(got) == 2
    assert got[1]["error"] == {
        "message": "It broke.",
        "type": "provider_error",
        "param": None,
        "code": "stream_interrupted",
    }


async def test_an_error_before_the_first_chunk_is_a_status(backend: Any, scripted: Any) -> None:
    scripted.script["cloud"] = ProviderRateLimited("Slow down.", provider="cloud", retry_after_s=6.2)
    async with backend.post(CHAT, STREAM) as response:
        assert response.status == 429
        assert response.headers["retry-after"] == "7"
        assert response.headers["x-gateway-attempts"] == "1"


async def test_a_caller_that_leaves_a_stream_ends_it_upstream(
    backend: Any, scripted: Any, chunks: Any
) -> None:
    scripted.script["cloud"] = [*chunks("a", usage=None), 60.0]
    async with backend.post(CHAT, STREAM) as response:
        assert b"a" in await response.content.readany()
        response.close()
    async with asyncio.timeout(5):
        while not scripted.closed:
            await asyncio.sleep(0.01)


async def test_a_caller_that_leaves_before_the_answer_ends_it_upstream(backend: Any, scripted: Any) -> None:
    scripted.script["cloud"] = 60.0

    async def ask() -> None:
        async with backend.post(CHAT, ASK):
            raise AssertionError("nobody answers")

    task = asyncio.create_task(ask())
    async with asyncio.timeout(5):
        while not scripted.asked:
            await asyncio.sleep(0.01)
        task.cancel()
        while not scripted.closed:
            await asyncio.sleep(0.01)


async def test_vectors_come_as_floats_or_as_base64(backend: Any, scripted: Any) -> None:
    vector = [0.5, -1.0, 0.25]
    payload = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": vector}]}
    scripted.script["cloud"] = Answer(payload, Usage(1, 0))
    for encoding in ("float", "base64"):
        body = {"model": "auto", "input": "x", "encoding_format": encoding}
        async with backend.post("/v1/embeddings", body) as response:
            got = (await response.json())["data"][0]["embedding"]
        if encoding == "base64":
            got = list(struct.unpack("<3f", b64decode(got)))
        assert got == vector


async def test_one_prompt_gets_one_text(backend: Any) -> None:
    async with backend.post("/chat", {"prompt": "hi", "model": "m-own"}) as response:
        assert await response.json() == {
            "response": "mine",
            "model": "m-own",
            "provider": "own",
            "usage": None,
        }


async def test_a_fault_of_ours_is_a_typed_500_without_its_text(backend: Any, scripted: Any) -> None:
    scripted.script["cloud"] = RuntimeError("secret words")
    async with backend.post(CHAT, ASK) as response:
        text = await response.text()
        assert response.status == 500
    assert "secret" not in text
    assert orjson.loads(text)["error"]["code"] == "internal_error"
    assert response.headers["x-request-id"] in text
