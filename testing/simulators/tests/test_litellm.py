"""LiteLLM takes every simulator for the provider that it plays."""

from __future__ import annotations

import gc
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from testing.simulators.launch import Simulators

# LiteLLM and what it imports warn at import and leave sockets open; none of it is ours.
pytestmark = pytest.mark.filterwarnings("ignore")

MODELS = {
    "openai": "openai/gpt-4o-mini",
    "anthropic": "anthropic/claude-sonnet-4-5",
    "groq": "groq/llama-3.1-8b-instant",
    "ollama": "ollama_chat/llama3.2",
    "openai_compatible": "hosted_vllm/qwen",
    "vertex_ai": "vertex_ai/gemini-2.5-flash",
    "bedrock": "bedrock/anthropic.claude-3-5-sonnet-20240620-v1:0",
}
MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello there"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}


@pytest.fixture(scope="module")
def litellm() -> Any:
    with pytest.MonkeyPatch.context() as environment:
        for key, value in {
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_MODE": "PRODUCTION",  # reads no .env file
            "HF_HUB_OFFLINE": "1",
        }.items():
            environment.setenv(key, value)
        import litellm as library

        library.suppress_debug_info = True
        yield library


@pytest.fixture(autouse=True)
async def _leave_nothing_open(litellm: Any) -> AsyncIterator[None]:
    """LiteLLM keeps its clients for ever; here they must not outlive the test's event loop."""
    yield
    await litellm.close_litellm_async_clients()
    litellm.in_memory_llm_clients_cache.flush_cache()
    gc.collect()


def _arguments(simulators: Simulators, row: str) -> dict[str, Any]:
    env, base = simulators.env(row), simulators.base_url(row)
    common: dict[str, Any] = {"timeout": 20, "max_retries": 0, "api_base": base, "model": MODELS[row]}
    match row:
        case "ollama":
            return common
        case "vertex_ai":
            google = {"vertex_project": env["GOOGLE_CLOUD_PROJECT"], "vertex_location": "us"}
            return common | google | {"vertex_credentials": env["GOOGLE_APPLICATION_CREDENTIALS"]}
        case "bedrock":
            del common["api_base"]
            keys = {f"{name.lower()}": env[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
            region = {"aws_region_name": env["AWS_REGION"]}
            return common | keys | region | {"aws_bedrock_runtime_endpoint": base}
        case _:
            [key] = env.values()
            return common | {"api_key": key}


@pytest.mark.parametrize("row", MODELS)
async def test_json_and_stream(litellm: Any, simulators: Simulators, row: str) -> None:
    arguments = _arguments(simulators, row)
    whole = await litellm.acompletion(messages=MESSAGES, **arguments)
    text = whole.choices[0].message.content
    assert text.startswith(f"[simulated {row}]")
    assert "20 characters" in text
    stream = await litellm.acompletion(
        messages=MESSAGES, stream=True, stream_options={"include_usage": True}, **arguments
    )
    chunks = [chunk async for chunk in stream]
    deltas = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(deltas) == text
    assert {chunk.choices[0].finish_reason for chunk in chunks if chunk.choices} == {None, "stop"}
    usage = [chunk.usage for chunk in chunks if getattr(chunk, "usage", None)]
    assert (usage[-1].prompt_tokens, usage[-1].completion_tokens) == (
        whole.usage.prompt_tokens,
        whole.usage.completion_tokens,
    )


@pytest.mark.parametrize("row", MODELS)
async def test_tools(litellm: Any, simulators: Simulators, row: str) -> None:
    # _skip_mcp_handler: else every call with tools imports the package `mcp`, which is not installed.
    arguments = _arguments(simulators, row) | {"tools": [TOOL], "_skip_mcp_handler": True}
    if row != "ollama":
        arguments["tool_choice"] = "required"
    whole = await litellm.acompletion(messages=MESSAGES, **arguments)
    call = whole.choices[0].message.tool_calls[0].function
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "simulated"})
    stream = await litellm.acompletion(messages=MESSAGES, stream=True, **arguments)
    pieces = [
        piece.function.arguments or ""
        async for chunk in stream
        for piece in (chunk.choices[0].delta.tool_calls or [])
    ]
    assert json.loads("".join(pieces)) == {"city": "simulated"}


@pytest.mark.parametrize(
    ("row", "model", "size"),
    [
        ("openai", "openai/text-embedding-3-small", 1536),
        ("ollama", "ollama/nomic-embed-text", 768),
        ("openai_compatible", "hosted_vllm/bge-small-en", 768),
        ("vertex_ai", "vertex_ai/text-embedding-005", 768),
        ("vertex_ai", "vertex_ai/gemini-embedding-2", 3072),
        ("bedrock", "bedrock/amazon.titan-embed-text-v2:0", 1024),
        ("bedrock", "bedrock/cohere.embed-english-v3", 1024),
    ],
)
async def test_embeddings(litellm: Any, simulators: Simulators, row: str, model: str, size: int) -> None:
    answer = await litellm.aembedding(input=["hello"], **(_arguments(simulators, row) | {"model": model}))
    assert len(answer.data[0]["embedding"]) == size
    assert answer.usage.prompt_tokens > 0


@pytest.mark.parametrize("row", MODELS)
@pytest.mark.parametrize(("status", "error"), [(429, "RateLimitError"), (503, "ServiceUnavailableError")])
async def test_errors_are_understood(
    litellm: Any, simulators: Simulators, row: str, status: int, error: str
) -> None:
    simulators.fault(row, "status", status=status)
    with pytest.raises(Exception, match="litellm") as raised:
        await litellm.acompletion(messages=MESSAGES, **_arguments(simulators, row))
    assert type(raised.value).__name__ == error
