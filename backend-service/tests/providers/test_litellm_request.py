"""What of a request becomes an argument of LiteLLM's."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import ProviderRejected
from gateway.providers.litellm_kinds import KINDS
from gateway.providers.litellm_request import HINTS, chat_arguments, embedding_arguments
from gateway.types import JsonObject, Provider, ProviderKind

SUPPORTED = {"temperature", "tools", "max_tokens"}
ASK: JsonObject = {"messages": [{"role": "user", "content": "Hi"}]}


def _arguments(kind: ProviderKind, **given: Any) -> JsonObject:
    return chat_arguments(KINDS[kind], Provider("acme", kind, None, {}), ASK | given, SUPPORTED)


@pytest.mark.parametrize(
    "name",
    [
        "api_base",
        "api_key",
        "base_url",
        "caching",
        "custom_llm_provider",
        "extra_body",
        "extra_headers",
        "fallbacks",
        "headers",
        "metadata",
        "mock_response",
        "num_retries",
        "_skip_mcp_handler",
        "aws_bedrock_runtime_endpoint",
        "vertex_credentials",
        "timeout",
        "client",
    ],
)
@pytest.mark.parametrize("kind", list(KINDS))
def test_no_argument_of_litellms_own_can_be_reached(kind: ProviderKind, name: str) -> None:
    if not KINDS[kind].extras and name != "metadata":
        with pytest.raises(ProviderRejected) as caught:
            _arguments(kind, **{name: "evil"})
        assert caught.value.param == name
        return
    arguments = _arguments(kind, **{name: "evil"})
    assert arguments.pop("extra_body", {}) == ({name: "evil"} if KINDS[kind].extras else {})
    assert arguments == ASK


def test_a_name_that_is_no_name_is_not_repeated() -> None:
    with pytest.raises(ProviderRejected) as caught:
        _arguments(ProviderKind.ANTHROPIC, **{"my ssn is 078-05-1120": 1})
    assert "078" not in str(caught.value)
    assert caught.value.param is None


def test_nulls_are_left_out() -> None:
    assert _arguments(ProviderKind.ANTHROPIC, temperature=None, logprobs=None, nothing=None) == ASK


def test_what_the_door_decides_is_not_taken_from_the_request() -> None:
    arguments = _arguments(
        ProviderKind.OPENAI, stream=True, stream_options={"include_usage": False}, model="x"
    )
    assert arguments == ASK


@pytest.mark.parametrize(("name", "values"), list(HINTS.items()))
def test_hints_are_left_out_only_with_harmless_values(name: str, values: Any) -> None:
    for value in values if values is not None else ["x"]:
        assert name not in _arguments(ProviderKind.OLLAMA, **{name: value})
    if values is not None:
        assert _arguments(ProviderKind.OLLAMA, **{name: "other"})[name] == "other"


def test_arguments_are_copies() -> None:
    request: JsonObject = {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}
    provider = Provider("acme", ProviderKind.OPENAI, None, {})
    arguments = chat_arguments(KINDS[ProviderKind.OPENAI], provider, request, SUPPORTED)
    arguments["messages"][0]["content"][0]["text"] = "changed"
    assert request["messages"][0]["content"][0]["text"] == "Hi"


FETCHING = [kind for kind, row in KINDS.items() if row.fetches]


@pytest.mark.parametrize("kind", FETCHING)
@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "http://169.254.169.254/latest/meta-data"}},
        {"type": "image_url", "image_url": "https://example.com/a.png"},
        {"type": "image_url", "image_url": {"url": "/etc/passwd"}},
        {"type": "image_url", "image_url": {"url": "etc/passwd"}},
        {"type": "image_url", "image_url": {"url": "file:///etc/passwd"}},
        {"type": "file", "file": {"file_id": "https://example.com/a.pdf"}},
        {"type": "file", "file": {"file_data": "ftp://example.com/a.pdf"}},
        {"type": "video_url", "video_url": {"url": "HTTP://example.com/a.mp4"}},
        {"type": "odd", "deep": [{"url": "http://example.com"}]},
    ],
)
def test_nothing_is_fetched_from_inside(kind: ProviderKind, part: JsonObject) -> None:
    messages = [*ASK["messages"], {"role": "user", "content": [{"type": "text", "text": "See"}, part]}]
    with pytest.raises(ProviderRejected) as caught:
        _arguments(kind, messages=messages)
    assert caught.value.param == "messages[1].content"


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_comes_with_the_request_passes(kind: ProviderKind) -> None:
    content = [
        {"type": "text", "text": "See http://example.com"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "input_audio", "input_audio": {"data": "QUJD" * 40, "format": "wav"}},
    ]
    messages = [{"role": "user", "content": content}]
    assert _arguments(kind, messages=messages)["messages"] == messages


@pytest.mark.parametrize(
    "tool", [{"type": "mcp", "server_url": "litellm_proxy"}, {"type": "web_search"}, "x", {}]
)
def test_only_functions_are_tools(tool: Any) -> None:
    with pytest.raises(ProviderRejected) as caught:
        _arguments(ProviderKind.OPENAI, tools=[{"type": "function", "function": {"name": "f"}}, tool])
    assert caught.value.param == "tools[1]"


def test_embeddings_take_their_own_parameters() -> None:
    provider = Provider("acme", ProviderKind.OLLAMA, None, {})
    kind = KINDS[ProviderKind.OLLAMA]
    given = {"input": ["a"], "encoding_format": "float", "user": "u", "dimensions": 8}
    assert embedding_arguments(kind, provider, given, {"dimensions"}) == {"input": ["a"], "dimensions": 8}
    with pytest.raises(ProviderRejected):
        embedding_arguments(kind, provider, {"input": "a", "temperature": 1}, {"dimensions"})
