"""The store over TLS: a real Redis whose certificate is of an authority that the system does not know."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.configuration import Configuration
from gateway.settings import Settings
from testing.certificates import Authority
from testing.conformance.store import redis_running

BODY = {"model": "m-cloud", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def tls_port(authority: Authority, tmp_path: Path) -> AsyncIterator[int]:
    certificate, key = authority.pair(tmp_path, "localhost")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    options = (
        *("--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key)),
        *("--tls-ca-cert-file", str(authority.file), "--tls-auth-clients", "no"),
    )
    async with redis_running(0, *options):
        yield port


async def ready(backend: Any) -> tuple[int, str]:
    async with backend.session.get(backend.management_url + "/ready") as answer:
        return answer.status, (await answer.json())["parts"]["shared_store"]


async def test_it_is_used_with_its_authority(
    settings: Settings,
    configuration: Configuration,
    scripted: Any,
    running: Callable[..., Any],
    authority: Authority,
    tls_port: int,
) -> None:
    url = f"rediss://localhost:{tls_port}/0"
    settings = replace(settings, redis_url=url, redis_ca_file=authority.file)
    async with running(settings, configuration, scripted) as backend:
        assert await ready(backend) == (200, "ok")
        async with backend.post("/v1/chat/completions", BODY) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_nothing_is_sent_to_one_that_cannot_be_checked(
    host: str,
    settings: Settings,
    configuration: Configuration,
    scripted: Any,
    running: Callable[..., Any],
    authority: Authority,
    tmp_path: Path,
    tls_port: int,
) -> None:
    """Of an unknown authority, or of another name: the address is not in the certificate."""
    known = authority.file if host == "127.0.0.1" else Authority(tmp_path, "another").file
    settings = replace(settings, redis_url=f"rediss://{host}:{tls_port}/0", redis_ca_file=known)
    async with running(settings, configuration, scripted) as backend:
        status, problem = await ready(backend)
        assert (status, problem.startswith("Redis does not answer")) == (503, True)
        async with asyncio.timeout(10), backend.post("/v1/chat/completions", BODY) as answer:
            assert answer.status == 503
