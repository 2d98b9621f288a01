"""Each way that a provider can fail, once per kind: a typed error, in time, without a word of anybody's."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from gateway.errors import (
    ProviderBadAnswer,
    ProviderError,
    ProviderMisconfigured,
    ProviderOverloaded,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnreachable,
    StreamInterrupted,
)
from gateway.providers import Providers
from gateway.types import Chunk, Deployment, JsonObject, Operation, ProviderKind, Timeouts

Simulators = Any
MakeDeployment = Callable[..., Deployment]

SECRET = "xyzzy-4711-prompt"
ASK: JsonObject = {"messages": [{"role": "user", "content": SECRET}], "user": SECRET}
HASTY = Timeouts(total_s=0.4, first_chunk_s=0.4, stall_s=0.4, stream_s=20)

OPENAI_SHAPED = {
    ProviderKind.OPENAI,
    ProviderKind.GROQ,
    ProviderKind.OPENAI_COMPATIBLE,
    ProviderKind.VERTEX_ENDPOINT,
}
each_kind = pytest.mark.parametrize("kind", list(ProviderKind))
either_way = pytest.mark.parametrize("streaming", [False, True])


async def _ask(
    room: Providers, row: Deployment, streaming: bool, chunks: list[Chunk] | None = None
) -> ProviderError:
    """The error of a request that must fail; the chunks that came before it go to ``chunks``."""

    async def asking() -> None:
        if not streaming:
            await room.complete(row, ASK)
            return
        async for chunk in await room.stream(row, ASK):
            if chunks is not None:
                chunks.append(chunk)

    with pytest.raises(ProviderError) as caught:
        await asking()
    _check_silence(caught.value, row)
    assert caught.value.provider == row.provider.name
    return caught.value


def _check_silence(error: BaseException, row: Deployment) -> None:
    """Nothing of the prompt, of a credential or of the provider's words, in all that a log would print."""
    shown = "".join(traceback.format_exception(error)) + repr(error) + str(error.args) + str(vars(error))
    assert SECRET not in shown
    for name, secret in row.provider.credentials.items():
        assert secret not in shown or name in {"GOOGLE_CLOUD_PROJECT", "AWS_REGION"}
    for theirs in (
        "imulated",
        "Bearer",
        "API key",
        "Rate limit reached",
        "Resource exhausted",
        "litellm.",
        "127.0.0.1",
    ):
        assert theirs not in shown
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None


@each_kind
@either_way
async def test_refused(
    kind: ProviderKind,
    streaming: bool,
    simulators: Simulators,
    providers: Providers,
    deployment: MakeDeployment,
) -> None:
    await simulators.fault(kind, fault="refuse")
    assert isinstance(await _ask(providers, deployment(kind), streaming), ProviderUnreachable)


@each_kind
@either_way
async def test_no_answer(
    kind: ProviderKind,
    streaming: bool,
    simulators: Simulators,
    providers: Providers,
    deployment: MakeDeployment,
) -> None:
    await providers.warm()
    await simulators.fault(kind, fault="never")
    started = time.monotonic()
    error = await _ask(providers, deployment(kind, timeouts=HASTY), streaming)
    assert isinstance(error, ProviderTimeout)
    assert "0.4 s" in error.message
    assert time.monotonic() - started < 5


@each_kind
@either_way
@pytest.mark.parametrize("status", [401, 403, 404])
async def test_misconfigured(
    kind: ProviderKind,
    streaming: bool,
    status: int,
    simulators: Simulators,
    providers: Providers,
    deployment: MakeDeployment,
) -> None:
    await simulators.fault(kind, fault="status", status=status)
    error = await _ask(providers, deployment(kind), streaming)
    assert isinstance(error, ProviderMisconfigured)
    assert str(status) in error.message
    assert not error.retryable


@each_kind
@either_way
async def test_rate_limited(
    kind: ProviderKind,
    streaming: bool,
    simulators: Simulators,
    providers: Providers,
    deployment: MakeDeployment,
) -> None:
    await simulators.fault(kind, fault="status", status=429, retry_after=7)
    error = await _ask(providers, deployment(kind), streaming)
    assert isinstance(error, ProviderRateLimited)
    assert error.retry_after_s == 7


async def test_a_spent_quota_is_for_the_operator(
    simulators: Simulators, providers: Providers, deployment: MakeDeployment
) -> None:
    await simulators.fault(ProviderKind.OPENAI, fault="status", status=429, code="insufficient_quota")
    error = await _ask(providers, deployment(ProviderKind.OPENAI), False)
    assert isinstance(error, ProviderMisconfigured)
    assert not error.retryable


@each_kind
@either_way
@pytest.mark.parametrize(
    ("status", "expected"), [(400, ProviderRejected), (500, ProviderError), (503, ProviderOverloaded)]
)
async def test_other_statuses(
    kind: ProviderKind,
    streaming: bool,
    status: int,
    expected: type[ProviderError],
    simulators: Simulators,
    providers: Providers,
    deployment: MakeDeployment,
) -> None:
    await simulators.fault(kind, fault="status", status=status)
    error = await _ask(providers, deployment(kind), streaming)
    assert type(error) is expected
    assert str(status) in error.message


async def test_anthropics_own_status_for_overload(
    simulators: Simulators, providers: Providers, deployment: MakeDeployment
) -> None:
    await simulators.fault(ProviderKind.ANTHROPIC, fault="status", status=529)
    error = await _ask(providers, deployment(ProviderKind.ANTHROPIC), False)
    assert isinstance(error, ProviderOverloaded)


@each_kind
@either_way
async def test_garbage(
    kind: ProviderKind,
    streaming: bool,
    simulators: Simulators,
    providers: Providers,
    deployment: MakeDeployment,
) -> None:
    await simulators.fault(kind, fault="garbage")
    assert isinstance(await _ask(providers, deployment(kind), streaming), ProviderBadAnswer)


@each_kind
@pytest.mark.parametrize("fault", ["malformed", "cut"])
async def test_half_an_answer(
    kind: ProviderKind, fault: str, simulators: Simulators, providers: Providers, deployment: MakeDeployment
) -> None:
    await simulators.fault(kind, fault=fault)
    error = await _ask(providers, deployment(kind), False)
    assert isinstance(error, ProviderBadAnswer | ProviderUnreachable | ProviderOverloaded)


BREAKS = [
    (kind, fault)
    for kind in ProviderKind
    for fault in ("cut", "reset", "no-terminator", "malformed", "error-event")
    # A finish_reason ends such a stream too; test_protocols.py has it without both.
    if fault != "no-terminator" or kind not in OPENAI_SHAPED
]


@pytest.mark.parametrize(("kind", "fault"), BREAKS)
async def test_a_stream_that_breaks_says_so(
    kind: ProviderKind, fault: str, simulators: Simulators, providers: Providers, deployment: MakeDeployment
) -> None:
    await simulators.fault(kind, fault=fault, after=4)
    chunks: list[Chunk] = []
    error = await _ask(providers, deployment(kind), True, chunks)
    assert isinstance(error, StreamInterrupted)
    assert chunks
    finishes = [choice["finish_reason"] for chunk in chunks for choice in chunk.payload["choices"]]
    if fault != "no-terminator":
        assert not any(finishes)
    assert not any(chunk.usage for chunk in chunks)


@each_kind
async def test_a_stall(
    kind: ProviderKind, simulators: Simulators, providers: Providers, deployment: MakeDeployment
) -> None:
    await simulators.fault(kind, fault="stall", after=4)
    chunks: list[Chunk] = []
    started = time.monotonic()
    row = deployment(kind, timeouts=Timeouts(20, 20, stall_s=0.4, stream_s=20))
    assert isinstance(await _ask(providers, row, True, chunks), ProviderTimeout)
    assert chunks
    assert time.monotonic() - started < 5


@each_kind
async def test_a_stream_that_takes_too_long_as_a_whole(
    kind: ProviderKind, simulators: Simulators, providers: Providers, deployment: MakeDeployment
) -> None:
    # The first request of a kind imports; its time is not the stream's.
    _ = [chunk async for chunk in await providers.stream(deployment(kind), ASK)]
    await simulators.fault(kind, fault="pace", ms=300)
    chunks: list[Chunk] = []
    row = deployment(kind, timeouts=Timeouts(20, 20, stall_s=10, stream_s=1.6))
    assert isinstance(await _ask(providers, row, True, chunks), ProviderTimeout)
    assert 0 < len(chunks) < 8


@each_kind
async def test_the_usage_is_not_made_up(
    kind: ProviderKind, simulators: Simulators, providers: Providers, deployment: MakeDeployment
) -> None:
    await simulators.fault(kind, fault="usage-missing")
    if kind in {ProviderKind.ANTHROPIC, ProviderKind.BEDROCK, ProviderKind.VERTEX_AI}:
        # Their answers always have it, and LiteLLM cannot read one without.
        assert isinstance(await _ask(providers, deployment(kind), False), ProviderBadAnswer)
    else:
        answer = await providers.complete(deployment(kind), ASK)
        assert answer.usage is None
        assert not answer.payload.get("usage")
    chunks = [chunk async for chunk in await providers.stream(deployment(kind), ASK)]
    if kind is not ProviderKind.ANTHROPIC:  # its message_start always counts the input
        assert not any(chunk.usage for chunk in chunks)
    finishes = [choice["finish_reason"] for chunk in chunks for choice in chunk.payload["choices"]]
    assert finishes[-1] == "stop"


@each_kind
async def test_characters_cut_on_the_wire_arrive_whole(
    kind: ProviderKind, simulators: Simulators, providers: Providers, deployment: MakeDeployment
) -> None:
    await simulators.fault(kind, fault="split-utf8")
    chunks = [chunk.payload async for chunk in await providers.stream(deployment(kind), ASK)]
    text = "".join(choice["delta"].get("content") or "" for c in chunks for choice in c["choices"])
    assert "�" not in text
    assert any(ord(letter) > 0x7F for letter in text)


@each_kind
async def test_whoever_leaves_ends_the_request_upstream(
    kind: ProviderKind, simulators: Simulators, providers: Providers, deployment: MakeDeployment
) -> None:
    await simulators.fault(kind, fault="stall", after=5)
    stream = await providers.stream(deployment(kind), ASK)
    assert await anext(stream)
    await stream.aclose()
    await stream.aclose()
    await _until_client_left(simulators, kind)
    assert [chunk async for chunk in stream] == []


@each_kind
@either_way
async def test_a_cancelled_task_ends_the_request_upstream(
    kind: ProviderKind,
    streaming: bool,
    simulators: Simulators,
    providers: Providers,
    deployment: MakeDeployment,
) -> None:
    await providers.warm()
    await simulators.fault(kind, fault="never")
    ask = providers.stream if streaming else providers.complete
    asking = asyncio.ensure_future(ask(deployment(kind), ASK))
    async with asyncio.timeout(10):
        while not await simulators.asked(kind):
            await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await _until_client_left(simulators, kind)


async def _until_client_left(simulators: Simulators, kind: ProviderKind) -> None:
    async with asyncio.timeout(5):
        while not (await simulators.asked(kind))[-1]["client_left"]:
            await asyncio.sleep(0.01)


@each_kind
async def test_a_failure_is_not_tried_again(
    kind: ProviderKind, simulators: Simulators, providers: Providers, deployment: MakeDeployment
) -> None:
    for fault in (
        {"fault": "status", "status": 500},
        {"fault": "reset", "after": 0},
        {"fault": "cut", "after": 0},
    ):
        await simulators.forget()
        await simulators.fault(kind, **fault)
        await _ask(providers, deployment(kind), False)
        assert len(await simulators.asked(kind)) == 1


@each_kind
async def test_the_next_request_after_a_failure_succeeds(
    kind: ProviderKind, simulators: Simulators, providers: Providers, deployment: MakeDeployment
) -> None:
    for fault in ("reset", "garbage", "cut"):
        await simulators.fault(kind, fault=fault, times=1)
        await _ask(providers, deployment(kind), True)
        assert (await providers.complete(deployment(kind), ASK)).payload["choices"]


@pytest.mark.parametrize("kind", [ProviderKind.OPENAI, ProviderKind.OLLAMA, ProviderKind.VERTEX_AI])
async def test_embeddings_fail_alike(
    kind: ProviderKind, simulators: Simulators, providers: Providers, deployment: MakeDeployment
) -> None:
    row = deployment(kind, Operation.EMBEDDINGS)
    for fault, expected in (
        ({"fault": "status", "status": 429, "retry_after": 3}, ProviderRateLimited),
        ({"fault": "garbage"}, ProviderBadAnswer),
        ({"fault": "refuse"}, ProviderUnreachable),
    ):
        await simulators.forget()
        await simulators.fault(kind, **fault)
        with pytest.raises(expected) as caught:
            await providers.embed(row, {"input": [SECRET]})
        _check_silence(caught.value, row)
        assert len(await simulators.asked(kind)) <= 1
