"""Nothing in the environment redirects a request, adds to it, or lets another one out."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.types import Deployment, ProviderKind

Simulators = Any
MakeDeployment = Callable[..., Deployment]

POISON = "poison-from-the-environment"
TRAP = "http://127.0.0.1:9"

_ADDRESSES = """
    OPENAI_BASE_URL OPENAI_API_BASE ANTHROPIC_API_BASE ANTHROPIC_BASE_URL GROQ_API_BASE OLLAMA_API_BASE
    HOSTED_VLLM_API_BASE VERTEXAI_API_BASE VERTEX_API_BASE AWS_BEDROCK_RUNTIME_ENDPOINT AWS_ENDPOINT_URL
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME AWS_STS_ENDPOINT HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy
    all_proxy grpc_proxy LITELLM_MODEL_COST_MAP_URL
"""
_VALUES = """
    OPENAI_API_KEY OPENAI_ORG_ID OPENAI_ORGANIZATION OPENAI_PROJECT_ID OPENAI_ADMIN_KEY ANTHROPIC_API_KEY
    ANTHROPIC_AUTH_TOKEN GROQ_API_KEY OLLAMA_API_KEY HOSTED_VLLM_API_KEY AWS_ACCESS_KEY_ID AWS_SESSION_TOKEN
    AWS_SECRET_ACCESS_KEY AWS_BEARER_TOKEN_BEDROCK AWS_PROFILE AWS_PROFILE_NAME AWS_ROLE_NAME AWS_SESSION_NAME
    AWS_WEB_IDENTITY_TOKEN AWS_ROLE_ARN AWS_REGION AWS_REGION_NAME AWS_DEFAULT_REGION VERTEXAI_PROJECT
    VERTEXAI_LOCATION VERTEX_LOCATION VERTEXAI_CREDENTIALS GOOGLE_APPLICATION_CREDENTIALS GOOGLE_CLOUD_PROJECT
    LITELLM_USER_AGENT LITELLM_DEFAULT_EMBEDDING_ENCODING_FORMAT
"""
ENVIRONMENT = (
    dict.fromkeys(_ADDRESSES.split(), TRAP)
    | dict.fromkeys(_VALUES.split(), POISON)
    | {
        "DEBUG_OTEL": "true",
        "EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER": "true",
        "LITELLM_DROP_PARAMS": "true",
        "LITELLM_LOG": "DEBUG",
        "LITELLM_MODE": "DEV",
        "LITELLM_ROUTE_ALL_CHAT_OPENAI_TO_RESPONSES": "true",
        "NO_PROXY": "",
        "OPENAI_CUSTOM_HEADERS": f"x-poison: {POISON}",
        "SSL_VERIFY": "false",
    }
)

PROGRAM = """
import asyncio, gc, json, sys
from decimal import Decimal
from gateway.providers import Providers
from gateway.types import Deployment, Operation, Price, Provider, ProviderKind

def row(given):
    provider = Provider(given["kind"], ProviderKind(given["kind"]), given["base_url"], given["env"], True)
    return Deployment(given["kind"], provider, "m", given["model"], frozenset({Operation.CHAT}),
                      given["region"], frozenset(), None, Price(*[Decimal(0)] * 4))

async def main():
    ask = {"messages": [{"role": "user", "content": "the secret prompt"}]}
    deployments = [row(given) for given in json.loads(sys.stdin.read())]
    async with Providers(deployments) as room:
        await room.warm()
        for deployment in deployments:
            assert (await room.complete(deployment, ask)).usage
            assert [chunk async for chunk in await room.stream(deployment, ask)]
        import httpx
        from gateway.providers.litellm_load import _ClosedWire
        from gateway.providers.wire import Wire
        clients = [each for each in gc.get_objects() if isinstance(each, httpx.Client | httpx.AsyncClient)]
        assert clients
        assert all(isinstance(each._transport, Wire | _ClosedWire) for each in clients)
        assert not any(any(each._mounts.values()) for each in clients)
    print("done")

asyncio.run(main())
"""


async def test_every_kind_in_a_poisoned_environment(
    simulators: Simulators, deployment: MakeDeployment, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(f"OPENAI_API_KEY={POISON}\nOPENAI_BASE_URL={TRAP}\n", encoding="utf-8")
    rows = [deployment(kind) for kind in ProviderKind]
    given = [
        {
            "kind": row.provider.kind,
            "base_url": row.provider.base_url,
            "env": dict(row.provider.credentials),
            "model": row.upstream_model,
            "region": row.region,
        }
        for row in rows
    ]
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(sys.path), "HOME": str(tmp_path), "PATH": ""},
        timeout=100,
    )
    assert done.stdout == "done\n", done.stderr
    assert "the secret prompt" not in done.stderr
    assert POISON not in done.stderr
    for kind in ProviderKind:
        asked = await simulators.asked(kind)
        assert len(asked) == 2, kind
        for exchange in asked:
            assert exchange["status"] == 200
            assert POISON.encode() not in exchange["raw"]
            assert "poison" not in json.dumps(exchange["headers"]).lower()


@pytest.mark.parametrize("kind", [ProviderKind.OPENAI_COMPATIBLE, ProviderKind.OLLAMA])
async def test_the_gateways_own_addresses_are_the_only_ones(
    kind: ProviderKind, simulators: Simulators, deployment: MakeDeployment
) -> None:
    """No look-ups beside the request: not for a model's properties, not for a tokenizer."""
    from gateway.providers import Providers

    row = deployment(kind)
    async with Providers([row]) as room:
        await room.warm()
        await room.complete(row, {"messages": [{"role": "user", "content": "Hi"}]})
        async for _ in await room.stream(row, {"messages": [{"role": "user", "content": "Hi"}]}):
            pass
    assert len({exchange["target"] for exchange in await simulators.exchanges(kind)}) == 1
    assert len(await simulators.exchanges(kind)) == 2
