"""An upstream over TLS: whose certificate is believed, and under which name. As tried on a Kong 3.9.1."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from embedded_edge.app import Edge
from embedded_edge.config import load_config
from embedded_edge.schema import ConfigError
from testing.certificates import Authority
from testing.conformance.serving import serving
from testing.edge import Document, get, send

NAME = "backend.test"
KNOWN = "7d0f2f4e-6a3b-5d1c-9a53-5c6f7d5b1c11"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def upstream(authority: Authority, tmp_path: Path) -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.pair(tmp_path, NAME))
    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def document(port: int, believed: Path, *, name: str = NAME, checks: bool = False) -> Document:
    """Calls the target under ``name`` and believes one authority."""
    active: dict[str, Any] = {"type": "https", "http_path": "/health"}
    if checks:
        active |= {
            "healthy": {"interval": 0.02, "successes": 1},
            "unhealthy": {"interval": 0.02, "tcp_failures": 1},
        }
    return {
        "_format_version": "3.0",
        "ca_certificates": [{"id": KNOWN, "cert": believed.read_text()}],
        "upstreams": [
            {
                "name": "up",
                "host_header": name,
                "targets": [{"target": f"127.0.0.1:{port}"}],
                "healthchecks": {"active": active},
            }
        ],
        "services": [
            {
                "name": "s",
                "protocol": "https",
                "host": "up",
                "retries": 0,
                "tls_verify": True,
                "ca_certificates": [KNOWN],
                "routes": [{"name": "r", "paths": ["/"]}],
            }
        ],
    }


async def status(given: Document) -> bytes:
    async with serving(Edge(load_config(given))) as port:
        return (await send(port, get()))[9:12]


async def test_a_certificate_of_a_named_authority_is_believed(authority: Authority, upstream: int) -> None:
    assert await status(document(upstream, authority.file)) == b"200"


async def test_one_of_another_authority_is_not(tmp_path: Path, upstream: int) -> None:
    assert await status(document(upstream, Authority(tmp_path, "another").file)) == b"502"


async def test_nor_one_of_another_name(authority: Authority, upstream: int) -> None:
    assert await status(document(upstream, authority.file, name="other.test")) == b"502"


async def test_health_checks_believe_the_same(authority: Authority, tmp_path: Path, upstream: int) -> None:
    good = document(upstream, authority.file, checks=True)
    bad = document(upstream, Authority(tmp_path, "another").file, checks=True)
    for given, expected in ((good, b"200"), (bad, b"503")):
        async with serving(Edge(load_config(given))) as port, asyncio.timeout(10):
            # A target is healthy until it was asked.
            while (found := (await send(port, get()))[9:12]) == b"502":
                await asyncio.sleep(0.01)
            assert found == expected


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"ca_certificates": ["none"]}, "there is no ca_certificate 'none'"),
        ({"protocol": "http"}, "ca_certificates are for https"),
        ({"tls_verify": False}, "'tls_verify' must be one of"),
    ],
)
def test_what_would_not_be_checked_is_refused(
    change: dict[str, Any], complaint: str, authority: Authority
) -> None:
    given = document(1, authority.file)
    given["services"][0] |= change
    with pytest.raises(ConfigError, match=complaint):
        load_config(given)


def test_a_row_holds_one_certificate(authority: Authority) -> None:
    given = document(1, authority.file)
    given["ca_certificates"][0]["cert"] *= 2
    with pytest.raises(ConfigError, match="must be one certificate"):
        load_config(given)
