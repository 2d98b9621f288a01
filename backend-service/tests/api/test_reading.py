"""Bad input: a 4xx that names the field, and nothing is sent."""

from typing import Any

import pytest

CHAT = "/v1/chat/completions"
USER = {"role": "user", "content": "hi"}


def nested(depth: int) -> bytes:
    return (
        b'{"model": "auto", "messages": [{"role": "user", "content": "x"}], "x": '
        + b"[" * depth
        + b"]" * depth
        + b"}"
    )


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"", None),
        (b"hello", None),
        (b"[]", None),
        (b'"text"', None),
        (b'{"model": "auto", "messages": [{"role": "user", "content": "\xff"}]}', None),
        (b'{"model": "auto", "temperature": NaN, "messages": []}', None),
        (b'{"model": "auto", "temperature": Infinity, "messages": []}', None),
        (nested(200), None),
        (nested(5000), None),
        ({"messages": [USER]}, "model"),
        ({"model": "", "messages": [USER]}, "model"),
        ({"model": 5, "messages": [USER]}, "model"),
        ({"model": "auto"}, "messages"),
        ({"model": "auto", "messages": []}, "messages"),
        ({"model": "auto", "messages": "hi"}, "messages"),
        ({"model": "auto", "messages": ["hi"]}, "messages[0]"),
        ({"model": "auto", "messages": [{"content": "hi"}]}, "messages[0].role"),
        ({"model": "auto", "messages": [{"role": "boss", "content": "hi"}]}, "messages[0].role"),
        ({"model": "auto", "messages": [USER, {"role": "user", "content": 5}]}, "messages[1].content"),
        (
            {"model": "auto", "messages": [{"role": "user", "content": [{"type": 3}]}]},
            "messages[0].content[0].type",
        ),
        (
            {"model": "auto", "messages": [{"role": "user", "content": [{"text": "x"}]}]},
            "messages[0].content[0].type",
        ),
        ({"model": "auto", "messages": [USER], "stream": "yes"}, "stream"),
        (
            {"model": "auto", "messages": [USER], "stream_options": {"include_usage": 1}},
            "stream_options.include_usage",
        ),
        ({"model": "auto", "messages": [USER], "temperature": "hot"}, "temperature"),
        ({"model": "auto", "messages": [USER], "temperature": 3}, "temperature"),
        ({"model": "auto", "messages": [USER], "max_tokens": 0}, "max_tokens"),
        ({"model": "auto", "messages": [USER], "n": 1.5}, "n"),
        ({"model": "auto", "messages": [USER], "tools": {}}, "tools"),
        ({"model": "auto", "messages": [USER], "tools": ["x"]}, "tools[0]"),
        ({"model": "auto", "messages": [USER], "stop": 5}, "stop"),
    ],
)
async def test_a_bad_chat_request_names_its_field(
    backend: Any, scripted: Any, body: Any, param: str | None
) -> None:
    async with backend.post(CHAT, body) as response:
        error = (await response.json())["error"]
        assert response.status == 400, error
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    assert error["message"]
    assert scripted.asked == []


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": "auto"}, "input"),
        ({"model": "auto", "input": []}, "input"),
        ({"model": "auto", "input": ""}, "input"),
        ({"model": "auto", "input": {"a": 1}}, "input"),
        ({"model": "auto", "input": "x", "encoding_format": "hex"}, "encoding_format"),
        ({"model": "auto", "input": "x", "dimensions": 0}, "dimensions"),
    ],
)
async def test_a_bad_embeddings_request_names_its_field(backend: Any, body: Any, param: str) -> None:
    async with backend.post("/v1/embeddings", body) as response:
        assert response.status == 400
        assert (await response.json())["error"]["param"].startswith(param)


@pytest.mark.parametrize("body", [{}, {"prompt": ""}, {"prompt": 5}, {"prompt": "x", "stream": True}])
async def test_a_bad_prompt_is_refused(backend: Any, body: Any) -> None:
    async with backend.post("/chat", body) as response:
        assert response.status == 400


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
async def test_only_json_is_read(backend: Any, media_type: str) -> None:
    async with backend.post(CHAT, {}, headers={"content-type": media_type}) as response:
        assert response.status == 415
        assert (await response.json())["error"]["param"] == "content-type"


async def test_compressed_bodies_are_not_read(backend: Any) -> None:
    async with backend.post(CHAT, {}, headers={"content-encoding": "br"}) as response:
        assert response.status == 415
        assert (await response.json())["error"]["param"] == "content-encoding"


async def test_the_charset_is_no_other_type(backend: Any) -> None:
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    async with backend.post(CHAT, {"model": "auto", "messages": [USER]}, headers=headers) as response:
        assert response.status == 200


async def test_an_unknown_model_is_404(backend: Any, scripted: Any) -> None:
    async with backend.post(CHAT, {"model": "nope", "messages": [USER]}) as response:
        assert response.status == 404
        error = (await response.json())["error"]
    assert (error["code"], error["param"]) == ("model_not_found", "model")
    assert scripted.asked == []


async def test_what_the_gateway_does_not_know_passes_through(backend: Any, scripted: Any) -> None:
    passed = {
        "messages": [
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
        "response_format": {"type": "json_object"},
        "logit_bias": {"50256": -100},
        "reasoning_effort": "low",
        "metadata": {"a": "b"},
        "something_new": [1, 2],
    }
    async with backend.post(CHAT, {"model": "auto", "stream": False, **passed}) as response:
        assert response.status == 200
    assert scripted.asked == [("cloud", passed)]
