"""The management port, and what the public one says, through a process' life."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from gateway.configuration import Configuration
from gateway.settings import Settings


async def status(backend: Any, path: str) -> tuple[int, Any]:
    async with backend.session.get(backend.management_url + path) as answer:
        return answer.status, await answer.json()


async def metric(backend: Any, name: str) -> float:
    async with backend.session.get(backend.management_url + "/metrics") as answer:
        text = await answer.text()
    [line] = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])


async def health(backend: Any) -> tuple[int, Any, str | None]:
    async with backend.session.get(backend.url + "/health") as answer:
        return answer.status, await answer.json(), answer.headers.get("connection")


async def test_while_it_serves(backend: Any) -> None:
    assert await status(backend, "/live") == (200, {"live": True})
    assert await status(backend, "/ready") == (200, {"ready": True, "parts": {"shared_store": "ok"}})
    assert await health(backend) == (200, {"status": "ok"}, None)
    assert await metric(backend, "portcullis_ready") == 1
    assert await metric(backend, "portcullis_draining") == 0


async def test_while_it_drains(backend: Any) -> None:
    backend.lifecycle.drain()
    assert await status(backend, "/live") == (200, {"live": True})
    assert await status(backend, "/ready") == (503, {"ready": False, "parts": {"process": "draining"}})
    assert await health(backend) == (503, {"status": "draining"}, "close")
    assert await metric(backend, "portcullis_ready") == 0
    assert await metric(backend, "portcullis_draining") == 1


async def test_requests_are_answered_while_it_drains(backend: Any) -> None:
    backend.lifecycle.drain()
    body = {"model": "m-cloud", "messages": [{"role": "user", "content": "hi"}]}
    for changes, expected in (({}, 200), ({"now": 0.0}, 401)):
        async with backend.post("/v1/chat/completions", body, **changes) as answer:
            assert (answer.status, answer.headers["connection"]) == (expected, "close")


async def test_it_has_started_once_the_providers_are_warmed(
    settings: Settings, configuration: Configuration, scripted: Any, running: Callable[..., Any]
) -> None:
    go = asyncio.Event()
    scripted.warm = go.wait
    async with running(settings, configuration, scripted) as backend:
        assert await status(backend, "/started") == (503, {"started": False})
        assert await status(backend, "/live") == (200, {"live": True})
        go.set()
        async with asyncio.timeout(10):
            while (await status(backend, "/started"))[0] != 200:
                await asyncio.sleep(0.01)
