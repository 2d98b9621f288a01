"""The real `openai` SDK: its base URL changed, nothing else."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from testing.e2e.caller import Caller
from testing.e2e.kinds import Kind
from testing.e2e.simulators import Simulators

HELLO: Any = [{"role": "user", "content": "Say hello"}]
SSN: Any = [{"role": "user", "content": "My SSN is 219-09-9999"}]


@pytest.fixture
def sdk_for() -> Iterator[Callable[..., OpenAI]]:
    """Clients of the SDK, closed at the end."""
    clients: list[OpenAI] = []

    def make(caller: Caller, token: str | None = None, **options: Any) -> OpenAI:
        client = OpenAI(base_url=f"{caller.gateway.url}/v1", api_key=token or caller.token(), **options)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def sdk(sdk_for: Callable[..., OpenAI], caller: Caller) -> OpenAI:
    return sdk_for(caller)


def test_json(sdk: OpenAI, kind: Kind) -> None:
    answer = sdk.chat.completions.create(model=kind.model, messages=HELLO)
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert answer.usage.total_tokens > 0
    assert answer._request_id


def test_stream(sdk: OpenAI, kind: Kind) -> None:
    with sdk.chat.completions.create(
        model=kind.model, messages=HELLO, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0


def test_the_streaming_helper(sdk: OpenAI) -> None:
    with sdk.chat.completions.stream(model="gpt-4o", messages=HELLO) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.content
    assert final.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("model", ["text-embedding-3-small", "nomic-embed-text"])
def test_embeddings(sdk: OpenAI, caller: Caller, model: str) -> None:
    """The SDK asks for base64 when its user asks for nothing, and decodes it."""
    answer = sdk.embeddings.create(model=model, input=["one", "two"])
    assert [row.index for row in answer.data] == [0, 1]
    assert answer.data[0].embedding != answer.data[1].embedding
    assert all(isinstance(number, float) for number in answer.data[0].embedding)
    floats = sdk.embeddings.create(model=model, input=["one", "two"], encoding_format="float")
    assert answer.data[0].embedding == pytest.approx(floats.data[0].embedding, rel=1e-6)
    body = {"model": model, "input": "one", "encoding_format": "base64"}
    sent = caller.request("POST", "/v1/embeddings", json=body).json()["data"][0]["embedding"]
    decoded = base64.b64decode(sent, validate=True)
    assert struct.unpack(f"<{len(decoded) // 4}f", decoded) == pytest.approx(answer.data[0].embedding)


def test_a_tool_call_there_and_back(sdk: OpenAI) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tools: Any = [{"type": "function", "function": {"name": "weather", "parameters": schema}}]
    first = sdk.chat.completions.create(model="gpt-4o", messages=HELLO, tools=tools, tool_choice="required")
    message = first.choices[0].message
    assert first.choices[0].finish_reason in {"tool_calls", "stop"}
    assert message.tool_calls
    (call,) = message.tool_calls
    assert call.type == "function"
    assert call.function.name == "weather"
    assert isinstance(json.loads(call.function.arguments)["city"], str)
    result: Any = {"role": "tool", "tool_call_id": call.id, "content": "rain"}
    history: Any = [*HELLO, message.model_dump(exclude_none=True), result]
    second = sdk.chat.completions.create(model="gpt-4o", messages=history, tools=tools)
    assert second.choices[0].message.content


def test_models(sdk: OpenAI) -> None:
    listed = [model.id for model in sdk.models.list()]
    assert len(listed) == len(set(listed))
    assert sdk.models.retrieve(listed[0]).id == listed[0]
    with pytest.raises(openai.NotFoundError):
        sdk.models.retrieve("no-such-model")


def test_errors_are_the_sdks_own(sdk_for: Callable[..., OpenAI], caller: Caller) -> None:
    sdk = sdk_for(caller, max_retries=0)
    with pytest.raises(openai.NotFoundError) as unknown:
        sdk.chat.completions.create(model="no-such-model", messages=HELLO)
    assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
    assert unknown.value.request_id
    with pytest.raises(openai.PermissionDeniedError) as refused:
        sdk.chat.completions.create(model="gpt-4o", messages=SSN)
    assert refused.value.code == "no_eligible_deployment"
    with pytest.raises(openai.BadRequestError) as wrong:
        sdk.chat.completions.create(model="gpt-4o", messages=[])
    assert wrong.value.param == "messages"
    with pytest.raises(openai.AuthenticationError):
        sdk_for(caller, token="not-a-token", max_retries=0).models.list()


def test_a_stream_that_breaks_raises(
    sdk_for: Callable[..., OpenAI], caller: Caller, simulators: Simulators
) -> None:
    simulators.fault("openai", "cut", after=3)
    create = sdk_for(caller).chat.completions.create
    got: list[str] = []
    with (
        create(model="gpt-4o", messages=HELLO, stream=True) as stream,
        pytest.raises(openai.APIError) as broken,
    ):
        got.extend(chunk.choices[0].delta.content or "" for chunk in stream)
    assert "".join(got).startswith("[simulated")
    assert broken.value.code == "stream_interrupted"


def test_the_sdk_tries_again_what_may_be_tried_again(sdk: OpenAI, simulators: Simulators) -> None:
    """A 503 of the provider is worth another attempt, and the SDK makes it by itself."""
    simulators.fault("openai", "status", status=503, retry_after=0, times=1)
    assert sdk.chat.completions.create(model="gpt-4o", messages=HELLO).choices[0].message.content
    assert len(simulators.received("openai")) == 2


def test_the_sdk_does_not_try_again_what_cannot_help(sdk: OpenAI, simulators: Simulators) -> None:
    """Our credentials are wrong at the provider: every further attempt would only cost time."""
    simulators.fault("openai", "status", status=401)
    with pytest.raises(openai.InternalServerError) as failed:
        sdk.chat.completions.create(model="gpt-4o", messages=HELLO)
    assert failed.value.code == "provider_misconfigured"
    assert len(simulators.received("openai")) == 1
