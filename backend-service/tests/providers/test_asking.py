"""Every kind of provider answers: JSON, stream, embeddings, and what arrives there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from gateway.errors import ProviderRejected
from gateway.providers import Providers
from gateway.types import Deployment, JsonObject, Operation, ProviderKind

Simulators = Any
MakeDeployment = Callable[..., Deployment]

ASK: JsonObject = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Grüße, who are you?"},
    ]
}
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
PIXEL = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

each_kind = pytest.mark.parametrize("kind", list(ProviderKind))
each_embedder = pytest.mark.parametrize(
    "kind",
    [
        ProviderKind.OPENAI,
        ProviderKind.OPENAI_COMPATIBLE,
        ProviderKind.OLLAMA,
        ProviderKind.VERTEX_AI,
        ProviderKind.BEDROCK,
    ],
)
openai_shaped = pytest.mark.parametrize(
    "kind", [ProviderKind.OPENAI, ProviderKind.OPENAI_COMPATIBLE, ProviderKind.VERTEX_ENDPOINT]
)


@each_kind
async def test_a_whole_answer(kind: ProviderKind, providers: Providers, deployment: MakeDeployment) -> None:
    answer = await providers.complete(deployment(kind), ASK)
    payload = answer.payload
    assert payload["object"] == "chat.completion"
    assert payload["model"] == deployment(kind).upstream_model
    assert payload["choices"][0]["message"]["role"] == "assistant"
    assert payload["choices"][0]["message"]["content"].startswith(f"[simulated {kind}]")
    assert payload["choices"][0]["finish_reason"] == "stop"
    assert answer.usage is not None
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0
    assert payload["usage"]["prompt_tokens"] == answer.usage.input_tokens
    assert payload["usage"]["total_tokens"] == answer.usage.input_tokens + answer.usage.output_tokens
    json.dumps(payload)


@each_kind
async def test_a_stream_says_the_same_and_counts_the_same(
    kind: ProviderKind, providers: Providers, deployment: MakeDeployment
) -> None:
    answer = await providers.complete(deployment(kind), ASK)
    chunks = [chunk async for chunk in await providers.stream(deployment(kind), ASK)]
    text = "".join(
        choice["delta"].get("content") or "" for chunk in chunks for choice in chunk.payload["choices"]
    )
    assert text == answer.payload["choices"][0]["message"]["content"]
    assert len(chunks) > 5
    assert {chunk.payload["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.payload["id"] for chunk in chunks}) == 1
    finishes = [choice["finish_reason"] for chunk in chunks for choice in chunk.payload["choices"]]
    assert [finish for finish in finishes if finish] == ["stop"]
    assert [chunk.usage for chunk in chunks if chunk.usage] == [answer.usage]
    assert chunks[-1].payload["choices"] == []
    assert all("usage" not in chunk.payload for chunk in chunks[:-1])


@each_embedder
async def test_embeddings(kind: ProviderKind, providers: Providers, deployment: MakeDeployment) -> None:
    answer = await providers.embed(deployment(kind, Operation.EMBEDDINGS), {"input": ["one two", "three"]})
    assert answer.payload["object"] == "list"
    assert [row["index"] for row in answer.payload["data"]] == [0, 1]
    first, second = (row["embedding"] for row in answer.payload["data"])
    assert len(first) == len(second) > 100
    assert first != second
    assert answer.usage is not None
    assert answer.usage.input_tokens > 0
    assert answer.payload["usage"]["prompt_tokens"] == answer.usage.input_tokens


async def test_an_endpoint_is_not_asked_for_embeddings(
    providers: Providers, deployment: MakeDeployment
) -> None:
    with pytest.raises(ProviderRejected):
        await providers.embed(deployment(ProviderKind.VERTEX_ENDPOINT), {"input": "one"})


@each_kind
async def test_the_request_is_left_as_it_was(
    kind: ProviderKind, providers: Providers, deployment: MakeDeployment
) -> None:
    content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    request: JsonObject = {
        "messages": [{"role": "system", "content": "Brief."}, {"role": "user", "content": content}],
        "tools": [TOOL],
        "max_tokens": 50,
    }
    before = json.dumps(request)
    await providers.complete(deployment(kind), request)
    async for _ in await providers.stream(deployment(kind), request):
        pass
    assert json.dumps(request) == before


@each_kind
async def test_the_image_arrives(
    kind: ProviderKind, simulators: Simulators, providers: Providers, deployment: MakeDeployment
) -> None:
    content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    await providers.complete(deployment(kind), {"messages": [{"role": "user", "content": content}]})
    exchange = (await simulators.exchanges(kind))[-1]
    assert PIXEL.partition(",")[2].encode() in exchange["body"]


@each_kind
@pytest.mark.parametrize("streaming", [False, True])
async def test_tools(
    kind: ProviderKind, streaming: bool, providers: Providers, deployment: MakeDeployment
) -> None:
    request = ASK | {"tools": [TOOL], "tool_choice": "required"}
    if kind is ProviderKind.OLLAMA:
        request = ASK | {"tools": [TOOL]}
    if streaming:
        chunks = [chunk.payload async for chunk in await providers.stream(deployment(kind), request)]
        calls = [
            call
            for chunk in chunks
            for choice in chunk["choices"]
            for call in choice["delta"].get("tool_calls") or ()
        ]
        name = next(call["function"]["name"] for call in calls if call["function"].get("name"))
        arguments = "".join(call["function"].get("arguments") or "" for call in calls)
        finishes = [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"]]
    else:
        payload = (await providers.complete(deployment(kind), request)).payload
        (call,) = payload["choices"][0]["message"]["tool_calls"]
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        finishes = [payload["choices"][0]["finish_reason"]]
    assert name == "weather"
    assert isinstance(json.loads(arguments)["city"], str)
    assert "tool_calls" in finishes


@openai_shaped
async def test_all_of_openais_parameters_arrive(
    kind: ProviderKind, simulators: Simulators, providers: Providers, deployment: MakeDeployment
) -> None:
    given: JsonObject = {
        "frequency_penalty": 0.5,
        "logit_bias": {"7": 1},
        "logprobs": True,
        "max_completion_tokens": 40,
        "metadata": {"team": "blue"},
        "n": 1,
        "parallel_tool_calls": True,
        "prediction": {"type": "content", "content": "x"},
        "presence_penalty": 0.25,
        "prompt_cache_key": "k",
        "response_format": {"type": "json_object"},
        "safety_identifier": "s",
        "seed": 7,
        "service_tier": "auto",
        "stop": ["END"],
        "store": False,
        "temperature": 0.5,
        "tool_choice": "auto",
        "tools": [TOOL],
        "top_logprobs": 2,
        "top_p": 0.9,
        "user": "u",
        "a_parameter_of_tomorrow": {"deep": [1]},
    }
    await providers.complete(deployment(kind), ASK | given)
    if kind is ProviderKind.VERTEX_ENDPOINT:
        raw = (await simulators.exchanges(kind))[-1]["body"]
        arrived = json.loads(raw[raw.index(b'{"messages"') :])
    else:
        arrived = await simulators.last(kind)
    hints = {"user"} if kind is ProviderKind.OPENAI_COMPATIBLE else set()
    assert {name: arrived.get(name) for name in given if name not in hints} == {
        name: value for name, value in given.items() if name not in hints
    }


@each_kind
async def test_nothing_is_stored_unless_asked(
    kind: ProviderKind, simulators: Simulators, providers: Providers, deployment: MakeDeployment
) -> None:
    await providers.complete(deployment(kind), ASK)
    assert (await simulators.exchanges(kind))[-1]["store"] is not True


async def test_it_is_stored_when_asked(
    simulators: Simulators, providers: Providers, deployment: MakeDeployment
) -> None:
    await providers.complete(deployment(ProviderKind.OPENAI), ASK | {"store": True})
    assert (await simulators.exchanges(ProviderKind.OPENAI))[-1]["store"] is True


@each_kind
async def test_hints_that_a_provider_does_not_know_do_no_harm(
    kind: ProviderKind, providers: Providers, deployment: MakeDeployment
) -> None:
    hints = {
        "metadata": {"a": "b"},
        "n": 1,
        "parallel_tool_calls": True,
        "seed": 7,
        "store": False,
        "user": "u",
    }
    answer = await providers.complete(deployment(kind), ASK | hints)
    assert answer.payload["choices"]


@pytest.mark.parametrize(
    ("kind", "parameter", "value"),
    [
        (ProviderKind.ANTHROPIC, "logprobs", True),
        (ProviderKind.OLLAMA, "n", 3),
        (ProviderKind.BEDROCK, "logit_bias", {"7": 1}),
        (ProviderKind.GROQ, "guided_json", {}),
    ],
)
async def test_what_would_change_the_answer_is_refused_by_name(
    kind: ProviderKind,
    parameter: str,
    value: Any,
    simulators: Simulators,
    providers: Providers,
    deployment: MakeDeployment,
) -> None:
    with pytest.raises(ProviderRejected, match=parameter) as caught:
        await providers.complete(deployment(kind), ASK | {parameter: value})
    assert caught.value.param == parameter
    assert await simulators.exchanges(kind) == []


async def test_two_choices_stream_side_by_side(
    simulators: Simulators, providers: Providers, deployment: MakeDeployment
) -> None:
    stream = await providers.stream(deployment(ProviderKind.OPENAI), ASK | {"n": 2})
    chunks = [chunk.payload async for chunk in stream]
    assert (await simulators.last(ProviderKind.OPENAI))["n"] == 2
    assert chunks[-1]["choices"] == []


async def test_prompts_of_ten_megabytes_pass(
    simulators: Simulators, providers: Providers, deployment: MakeDeployment
) -> None:
    prompt = "x" * 10_000_000
    await providers.complete(
        deployment(ProviderKind.OPENAI_COMPATIBLE), {"messages": [{"role": "user", "content": prompt}]}
    )
    exchange = (await simulators.exchanges(ProviderKind.OPENAI_COMPATIBLE))[-1]
    assert prompt.encode() in exchange["body"]


async def test_bedrock_takes_a_key_of_its_own(simulators: Simulators, deployment: MakeDeployment) -> None:
    instead = simulators.addresses["bedrock"]["instead"]
    row = deployment(ProviderKind.BEDROCK, name="bearer", credentials=instead)
    async with Providers([row]) as room:
        assert (await room.complete(row, ASK)).usage
    (exchange,) = await simulators.exchanges(ProviderKind.BEDROCK)
    assert ["authorization", f"Bearer {instead['AWS_BEARER_TOKEN_BEDROCK']}"] in [
        [name.lower(), value] for name, value in exchange["headers"]
    ]


async def test_no_credential_means_none_is_sent(simulators: Simulators, deployment: MakeDeployment) -> None:
    row = deployment(ProviderKind.OLLAMA, name="open")
    async with Providers([row]) as room:
        await room.complete(row, ASK)
    (exchange,) = await simulators.exchanges(ProviderKind.OLLAMA)
    assert "authorization" not in {name.lower() for name, _ in exchange["headers"]}


async def test_warming_sends_nothing_and_opens_the_way(
    simulators: Simulators, deployment: MakeDeployment
) -> None:
    async with Providers([deployment(kind) for kind in ProviderKind]) as room:
        await room.warm()
        for kind in ProviderKind:
            assert await simulators.exchanges(kind) == []
            assert (await room.complete(deployment(kind), ASK)).usage


def test_importing_the_room_does_not_import_its_libraries() -> None:
    code = (
        "import sys, gateway.providers, gateway.providers.litellm_prices as prices\n"
        "from gateway.types import ProviderKind\n"
        "assert prices.price_of(ProviderKind.OPENAI, 'gpt-4o')\n"
        "heavy = {'litellm', 'openai', 'grpc', 'google.auth', 'boto3', 'requests', 'tiktoken'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path), "PATH": ""},
        timeout=60,
    )
    assert done.stdout == "[]\n"
