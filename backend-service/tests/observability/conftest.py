"""A collector that takes OTLP over HTTP: a small real server that decodes what it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client.parser import text_string_to_metric_families

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


@dataclass
class Collector:
    """What came in, and how to answer: a status and a text, or not before `go_on` is set."""

    url: str = ""
    status: int = 200
    says: str = ""
    hangs: bool = False
    raw: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    other_paths: list[str] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        if request.path != "/base/v1/traces":
            self.other_paths.append(request.path)
        self.raw.append(await request.read())
        self.headers.append(dict(request.headers))
        self.arrived.set()
        if self.hangs:
            await self.go_on.wait()
        if self.status != 200:
            return web.Response(status=self.status, reason=self.says or None, text=self.says)
        body = ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=body, content_type="application/x-protobuf")

    def spans(self) -> list[Span]:
        return [
            span
            for raw in self.raw
            for resource in ExportTraceServiceRequest.FromString(raw).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans() if span.name == name]

    def resource(self) -> dict[str, Any]:
        (resource,) = ExportTraceServiceRequest.FromString(self.raw[0]).resource_spans
        return attributes(resource.resource)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.01)


def attributes(span: Any) -> dict[str, Any]:
    """The attributes of a span or a resource."""

    def plain(value: AnyValue) -> Any:
        return getattr(value, value.WhichOneof("value") or "string_value")

    return {pair.key: plain(pair.value) for pair in span.attributes}


@pytest.fixture(name="attributes", scope="session")
def attributes_fixture() -> Callable[[Any], dict[str, Any]]:
    return attributes


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    collector = Collector()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", collector.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    collector.url = f"http://{host}:{port}/base"
    yield collector
    collector.go_on.set()
    await runner.cleanup()


def series(text: str, prefix: str = "portcullis_") -> Series:
    """Every sample of Prometheus' text, by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith(prefix)
    }


class Scraped:
    """The metrics of a backend at one moment."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.series = series(text)

    def __call__(self, name: str, **labels: str) -> float:
        """The sum over all series of that name with at least these labels."""
        wanted = set(labels.items())
        found = [value for (n, have), value in self.series.items() if n == name and wanted <= have]
        assert found, f"no series {name} with {labels}"
        return sum(found)


@pytest.fixture(scope="session")
def scrape() -> Callable[[Any], Any]:
    async def scrape(backend: Any) -> Scraped:
        async with backend.session.get(f"{backend.management_url}/metrics") as response:
            assert response.status == 200
            return Scraped(await response.text())

    return scrape


@pytest.fixture(scope="session")
def read() -> Callable[..., Any]:
    """A chat request to its end; returns the status."""

    async def read(backend: Any, model: str = "m-own", stream: bool = False, **more: Any) -> int:
        body = {"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": stream}
        async with backend.post("/v1/chat/completions", body, **more) as response:
            await response.read()
            status: int = response.status
            return status

    return read


@pytest.fixture
async def impatient() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        yield session
