"""Values that tests of several rooms start from, and the backend on real sockets."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest
import uvicorn

from compliance.classes import ComplianceClass
from compliance.tag import HEADER, Tag, TagKeys, sign
from gateway.configuration import Configuration
from gateway.lifecycle import Lifecycle
from gateway.main import create_application
from gateway.serve import address, bind
from gateway.settings import Settings
from gateway.types import (
    Answer,
    Chunk,
    Deployment,
    JsonObject,
    Operation,
    Price,
    Provider,
    ProviderKind,
    Tenant,
    Usage,
)

CENT = Decimal("0.01")
USED = Usage(10, 2)
PRICE = Price(CENT, 2 * CENT, CENT / 2, CENT * 3)


def deployment(name: str = "cloud", **changes: Any) -> Deployment:
    """A deployment of model ``m-<name>`` at provider ``<name>``, for public data unless told otherwise."""
    base = Deployment(
        id=name,
        provider=Provider(name, ProviderKind.OPENAI, "http://127.0.0.1:9", {}),
        model=f"m-{name}",
        upstream_model=f"m-{name}",
        operations=frozenset(Operation),
        region="us",
        cleared_for=frozenset(),
        agreement=None,
        price=PRICE,
    )
    return replace(base, **changes)


@pytest.fixture(name="deployment", scope="session")
def deployment_fixture() -> Callable[..., Deployment]:
    return deployment


@dataclass
class Scripted:
    """A providers' room that answers by deployment id: an answer, a list of chunks, or an error to raise.

    Chunks may hold an error (raised in its place) or a number (seconds to wait).
    """

    script: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, JsonObject]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def warm(self) -> None:
        return None

    async def complete(self, deployment: Deployment, request: JsonObject) -> Answer:
        return await self._answer(deployment, request)

    async def embed(self, deployment: Deployment, request: JsonObject) -> Answer:
        return await self._answer(deployment, request)

    async def _answer(self, deployment: Deployment, request: JsonObject) -> Answer:
        self.asked.append((deployment.id, request))
        scripted = self.script[deployment.id]
        if isinstance(scripted, Exception):
            raise scripted
        if isinstance(scripted, float):
            try:
                await asyncio.sleep(scripted)
            finally:
                self.closed.append(deployment.id)
        answer: Answer = scripted
        return answer

    async def stream(self, deployment: Deployment, request: JsonObject) -> AsyncGenerator[Chunk, None]:
        self.asked.append((deployment.id, request))
        scripted = self.script[deployment.id]
        if isinstance(scripted, Exception):
            raise scripted
        return self._chunks(deployment.id, scripted)

    async def _chunks(self, name: str, scripted: Sequence[Any]) -> AsyncGenerator[Chunk, None]:
        try:
            for step in scripted:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, float):
                    await asyncio.sleep(step)
                else:
                    yield step
        finally:
            self.closed.append(name)


def answer(text: str = "yes", usage: Usage | None = USED) -> Answer:
    message = {"role": "assistant", "content": text}
    return Answer({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}, usage)


def chunks(*texts: str, usage: Usage | None = USED) -> list[Chunk]:
    said = [Chunk({"choices": [{"index": 0, "delta": {"content": text}}]}) for text in texts]
    counts = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
    return [*said, Chunk({"choices": [], "usage": counts}, usage)] if usage else said


@pytest.fixture
def scripted() -> Scripted:
    return Scripted({"cloud": answer(), "own": answer("mine")})


@pytest.fixture(name="answer")
def answer_fixture() -> Callable[..., Answer]:
    return answer


@pytest.fixture(name="chunks")
def chunks_fixture() -> Callable[..., list[Chunk]]:
    return chunks


@dataclass
class Backend:
    """The backend on a socket, and an edge's key to sign tags with."""

    url: str
    management_url: str
    keys: TagKeys
    session: aiohttp.ClientSession
    lifecycle: Lifecycle

    def tag(self, method: str, target: str, body: bytes = b"", **changes: Any) -> str:
        """A tag over just this request; ``now`` and any field of the tag may be changed."""
        now = changes.pop("now", time.time())
        keys = changes.pop("keys", self.keys)
        tag = Tag(
            tenant="demo",
            subject="someone",
            tier=None,
            project=None,
            models=None,
            scopes=(),
            compliance=ComplianceClass(),
            rules=(),
            rules_revision="r1",
            method=method,
            target=target,
            body_sha256=sha256(body).hexdigest(),
        )
        return sign(replace(tag, **changes), keys, now)

    @asynccontextmanager
    async def post(
        self, target: str, payload: Any, *, headers: dict[str, str] | None = None, **changes: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        sent = {
            "content-type": "application/json",
            HEADER: self.tag("POST", target, body, **changes),
            **(headers or {}),
        }
        async with self.session.post(self.url + target, data=body, headers=sent) as response:
            yield response

    @asynccontextmanager
    async def get(self, target: str, **changes: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        sent = {HEADER: self.tag("GET", target, **changes)}
        async with self.session.get(self.url + target, headers=sent) as response:
            yield response


def tag_keys_file(folder: Path) -> Path:
    file = folder / "tag-keys.json"
    file.write_text(json.dumps({"current": "a", "keys": {"a": "QUFB" * 11}}))
    return file


def own_and_cloud() -> tuple[Deployment, ...]:
    everything = frozenset({"internal", "pii", "pci", "phi", "secret"})
    return (
        deployment("cloud", cleared_for=frozenset({"internal"})),
        deployment("own", cleared_for=everything),
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(config_file=tmp_path / "gateway.yaml", tag_keys_file=tag_keys_file(tmp_path))


@pytest.fixture
def configuration() -> Configuration:
    rows = own_and_cloud()
    tenants = {
        "demo": Tenant("demo", ComplianceClass(), ("*",), frozenset({"inference", "admin"})),
        "clinic": Tenant("clinic", ComplianceClass(frozenset({"phi"})), ("*",), frozenset({"inference"})),
    }
    return Configuration({row.provider.name: row.provider for row in rows}, rows, tenants, {"version": 1})


@asynccontextmanager
async def running(settings: Settings, configuration: Configuration, room: Any) -> AsyncIterator[Backend]:
    """The backend and its management port, served for as long as the context lasts."""
    application = create_application(settings, configuration, providers=room)
    sockets = [bind("127.0.0.1", 0), bind("127.0.0.1", 0)]
    servers = []
    for app, lifespan in ((application.backend, "on"), (application.management, "off")):
        config = uvicorn.Config(app, lifespan=lifespan, log_config=None, http="httptools", ws="none")  # type: ignore[arg-type]
        servers.append(uvicorn.Server(config))
    tasks = [
        asyncio.create_task(server._serve([bound])) for server, bound in zip(servers, sockets, strict=True)
    ]
    async with asyncio.timeout(10):
        while not all(server.started for server in servers):
            assert not any(task.done() for task in tasks)
            await asyncio.sleep(0.005)
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
            keys = TagKeys.from_file(settings.tag_keys_file)
            urls = [address(bound) for bound in sockets]
            yield Backend(*urls, keys, session, application.gateway.lifecycle)
    finally:
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)


@pytest.fixture
async def backend(
    settings: Settings, configuration: Configuration, scripted: Scripted
) -> AsyncIterator[Backend]:
    async with running(settings, configuration, scripted) as served:
        yield served


@pytest.fixture(name="running", scope="session")
def running_fixture() -> Callable[..., Any]:
    return running
