"""The simulators of all providers, one process a test module, and deployments on them."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway.providers import Providers
from gateway.types import Deployment, Operation, Price, Provider, ProviderKind, Timeouts

ROOT = Path(__file__).parents[3]
MODELS = {
    ProviderKind.OPENAI: ("gpt-4o-mini", "text-embedding-3-small"),
    ProviderKind.ANTHROPIC: ("claude-sonnet-4-5", ""),
    ProviderKind.GROQ: ("llama-3.3-70b-versatile", ""),
    ProviderKind.OLLAMA: ("llama3.2", "nomic-embed-text"),
    ProviderKind.OPENAI_COMPATIBLE: ("qwen3", "bge-m3"),
    ProviderKind.VERTEX_AI: ("gemini-2.5-flash", "text-embedding-005"),
    ProviderKind.BEDROCK: ("anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.titan-embed-text-v2:0"),
    ProviderKind.VERTEX_ENDPOINT: ("4242", ""),
}
PATIENT = Timeouts(20, 20, 20, 40)
REGIONS = {ProviderKind.BEDROCK: "us-east-1"}


@dataclass(frozen=True)
class Simulators:
    """The running simulators and their control endpoint."""

    addresses: Mapping[str, Any]
    control: str

    def provider(self, kind: ProviderKind) -> Provider:
        row = self.addresses[kind]
        return Provider(kind.value, kind, row["base_url"], row["env"], simulated=True)

    async def fault(self, kind: ProviderKind, **fault: Any) -> None:
        await self._ask("PUT", f"/faults/{kind}", fault)

    async def no_faults(self) -> None:
        await self._ask("DELETE", "/faults")

    async def forget(self) -> None:
        await self._ask("DELETE", "/recordings")

    async def forget_tokens(self) -> None:
        await self._ask("DELETE", "/tokens")

    async def exchanges(self, kind: ProviderKind) -> list[dict[str, Any]]:
        """What that simulator received, oldest first; ``body`` and ``raw`` as bytes."""
        received = (await self._ask("GET", f"/recordings/{kind}"))[kind]
        assert received["dropped"] == 0
        return [
            exchange | {name: base64.b64decode(exchange[name]) for name in ("body", "raw")}
            for exchange in received["exchanges"]
        ]

    async def asked(self, kind: ProviderKind) -> list[dict[str, Any]]:
        """The same without Google's token requests."""
        return [row for row in await self.exchanges(kind) if not str(row["target"]).endswith("/token")]

    async def last(self, kind: ProviderKind) -> dict[str, Any]:
        """The body of the last request, as JSON."""
        exchange = (await self.exchanges(kind))[-1]
        body: dict[str, Any] = json.loads(exchange["body"])
        return body

    async def _ask(self, method: str, path: str, value: Any = None) -> Any:
        return await asyncio.to_thread(self._ask_blocking, method, path, value)

    def _ask_blocking(self, method: str, path: str, value: Any) -> Any:
        body = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(self.control + path, body, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            return json.loads(answer.read())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """LiteLLM asks instances for ``model_fields`` at Bedrock's chunks, which pydantic deprecates."""
    message = "Accessing the 'model_(computed_)?fields' attribute on the instance"
    deprecated = f"ignore:{message}:DeprecationWarning"
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(deprecated))


@pytest.fixture(scope="module")
def running() -> Iterator[Simulators]:
    command = [sys.executable, "-m", "testing.simulators"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            yield Simulators(ready["providers"], ready["control"])
        finally:
            process.terminate()


@pytest.fixture
async def simulators(running: Simulators) -> Simulators:
    """Without faults and recordings of an earlier test."""
    await running.no_faults()
    await running.forget()
    return running


MakeDeployment = Callable[..., Deployment]


@pytest.fixture
def deployment(running: Simulators) -> MakeDeployment:
    """A deployment of a kind; ``timeouts`` and fields of the provider may be given."""

    def make(
        kind: ProviderKind,
        operation: Operation = Operation.CHAT,
        timeouts: Timeouts = PATIENT,
        **provider: Any,
    ) -> Deployment:
        model = MODELS[kind][operation is Operation.EMBEDDINGS]
        return Deployment(
            id=f"{kind}-{operation}-{provider.get('name', '')}",
            provider=dataclasses.replace(running.provider(kind), **provider),
            model=model,
            upstream_model=model,
            operations=frozenset({operation}),
            region=REGIONS.get(kind, "europe-west1"),
            cleared_for=frozenset(),
            agreement=None,
            price=Price(*[Decimal(0)] * 4),
            timeouts=timeouts,
        )

    return make


@pytest.fixture
async def providers(simulators: Simulators, deployment: MakeDeployment) -> AsyncIterator[Providers]:
    """All kinds."""
    async with Providers([deployment(kind) for kind in ProviderKind]) as room:
        yield room
