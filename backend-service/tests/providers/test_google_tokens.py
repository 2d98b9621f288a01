"""Google's tokens: one request for all who wait, renewed ahead, never on the loop."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ProviderError, ProviderMisconfigured, ProviderUnreachable
from gateway.providers import Providers
from gateway.providers.google_tokens import GoogleTokens
from gateway.types import Deployment, JsonObject, ProviderKind

Simulators = Any
MakeDeployment = Callable[..., Deployment]
ASK: JsonObject = {"messages": [{"role": "user", "content": "Hi"}]}
VERTEX = (ProviderKind.VERTEX_AI, ProviderKind.VERTEX_ENDPOINT)


async def _token_requests(simulators: Simulators) -> int:
    exchanges = await simulators.exchanges(ProviderKind.VERTEX_AI)
    return sum(str(exchange["target"]).endswith("/token") for exchange in exchanges)


async def test_a_herd_asks_once_and_both_kinds_share(
    simulators: Simulators, deployment: MakeDeployment
) -> None:
    rows = [deployment(kind) for kind in VERTEX]
    async with Providers(rows) as room:
        await asyncio.gather(*(room.complete(row, ASK) for row in rows * 10))
    assert await _token_requests(simulators) == 1


async def test_the_loop_goes_on_while_a_token_is_fetched(
    simulators: Simulators, deployment: MakeDeployment
) -> None:
    row = deployment(ProviderKind.VERTEX_AI)
    async with Providers([row]) as room:
        await room.warm()
        await simulators.fault(ProviderKind.VERTEX_AI, fault="slow", ms=700, path="/token")
        asking = asyncio.create_task(room.complete(row, ASK))
        longest = 0.0
        while not asking.done():
            before = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - before)
        await asking
    assert longest < 0.35


async def test_whoever_leaves_does_not_take_the_token_from_the_others(
    simulators: Simulators, deployment: MakeDeployment
) -> None:
    provider = deployment(ProviderKind.VERTEX_AI).provider
    await simulators.fault(ProviderKind.VERTEX_AI, fault="slow", ms=300, path="/token")
    tokens = GoogleTokens([provider])
    first = asyncio.create_task(tokens.token(provider))
    second = asyncio.create_task(tokens.token(provider))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).startswith("ya29")
    assert await _token_requests(simulators) == 1
    await tokens.aclose()


@pytest.mark.parametrize("kind", VERTEX)
async def test_a_token_that_is_refused_is_replaced(
    kind: ProviderKind, simulators: Simulators, deployment: MakeDeployment
) -> None:
    row = deployment(kind)
    async with Providers([row]) as room:
        await room.complete(row, ASK)
        await simulators.forget_tokens()
        with pytest.raises(ProviderMisconfigured):
            await room.complete(row, ASK)
        assert (await room.complete(row, ASK)).usage


@pytest.mark.parametrize("kind", VERTEX)
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"fault": "status", "status": 500}, ProviderUnreachable),
        ({"fault": "status", "status": 400}, ProviderMisconfigured),
        ({"fault": "reset", "after": 0}, ProviderUnreachable),
    ],
)
async def test_no_token_is_a_typed_error(
    kind: ProviderKind,
    fault: dict[str, Any],
    expected: type[ProviderError],
    simulators: Simulators,
    deployment: MakeDeployment,
) -> None:
    row = deployment(kind)
    await simulators.fault(ProviderKind.VERTEX_AI, **fault, path="/token")
    async with Providers([row]) as room:
        with pytest.raises(expected) as caught:
            await room.complete(row, ASK)
        await simulators.no_faults()
        assert (await room.complete(row, ASK)).usage
    assert caught.value.provider == row.provider.name


@pytest.mark.parametrize("content", [None, "not json: s3cret", "{}", json.dumps({"private_key": "s3cret"})])
async def test_a_bad_key_file_is_for_the_operator(
    content: str | None, deployment: MakeDeployment, tmp_path: Path
) -> None:
    file = tmp_path / "key.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    credentials = {"GOOGLE_APPLICATION_CREDENTIALS": str(file), "GOOGLE_CLOUD_PROJECT": "sim-project"}
    row = deployment(ProviderKind.VERTEX_AI, credentials=credentials)
    async with Providers([row]) as room:
        with pytest.raises(ProviderMisconfigured) as caught:
            await room.complete(row, ASK)
    assert "s3cret" not in str(caught.value) + repr(
        caught.value.__context__ and caught.value.__suppress_context__
    )
