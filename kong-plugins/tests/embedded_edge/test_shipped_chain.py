"""configs/kong/kong.yaml whole, with compliance-tag as it is, in front of an application."""

import base64
import hashlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from compliance.tag import HEADER, Tag, TagKeys, verify
from embedded_edge.app import Edge
from embedded_edge.config import load_config
from testing.conformance.serving import serving
from testing.edge import Backend, get, send, shipped, token

PLUGINS = Path(__file__).parents[2] / "plugins"
PROMPT = json.dumps({"model": "m", "messages": [{"role": "user", "content": "SSN 536-90-4399"}]}).encode()


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    path = tmp_path / "tag-keys.json"
    secret = base64.urlsafe_b64encode(bytes(range(32))).rstrip(b"=").decode()
    path.write_text(json.dumps({"current": "k1", "keys": {"k1": secret}}))
    return path


@asynccontextmanager
async def chain(keys_file: Path, backend: Backend) -> AsyncIterator[int]:
    document = shipped()
    for plugin in document["services"][0]["routes"][1]["plugins"]:
        if plugin["name"] == "compliance-tag":
            plugin["config"]["tag_keys_file"] = str(keys_file)
    edge = Edge(load_config(document, [PLUGINS]), {"127.0.0.1:8081": backend})
    async with serving(edge) as port:
        yield port


def bearer(**claims: Any) -> str:
    return f"Authorization: Bearer {token({'iss': 'acme', 'exp': time.time() + 60, **claims})}"


def tag_of(backend: Backend, keys_file: Path, method: str, target: str, body: bytes) -> Tag:
    (tag,) = backend.header(HEADER.lower())
    return verify(
        tag,
        TagKeys.from_file(keys_file),
        now=time.time(),
        method=method,
        target=target,
        body_sha256=hashlib.sha256(body).hexdigest(),
    )


async def test_a_request_arrives_tagged_whatever_its_sender_claimed(
    keys_file: Path, backend: Backend
) -> None:
    spoofed = (
        "X-Gateway-Tag: forged",
        "X-Gateway-Subject: root",
        "x-user-tier: gold",
        "X-Consumer-Username: b",
    )
    request = get(
        "/v1/chat/completions?x=1",
        bearer(sub="ann", tier="iron"),
        "Content-Type: application/json",
        *spoofed,
        method="POST",
        body=PROMPT,
    )
    async with chain(keys_file, backend) as port:
        assert (await send(port, request)).startswith(b"HTTP/1.1 200 OK\r\n")
    tag = tag_of(backend, keys_file, "POST", "/v1/chat/completions?x=1", PROMPT)
    assert (tag.tenant, tag.subject, tag.tier) == ("acme", "ann", "iron")
    assert "pii" in tag.compliance.categories
    assert backend.header("x-gateway-subject") == ["ann"]
    assert backend.header("x-user-tier") == ["iron"]


async def test_a_large_body_is_tagged_too(keys_file: Path, backend: Backend) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "word " * 80_000}]}).encode()
    request = get("/v1/x", bearer(), "Content-Type: application/json", method="POST", body=body)
    async with chain(keys_file, backend) as port:
        assert (await send(port, request)).startswith(b"HTTP/1.1 200 OK\r\n")
    assert tag_of(backend, keys_file, "POST", "/v1/x", body).subject == "acme"


async def test_health_is_open_and_untagged(keys_file: Path, backend: Backend) -> None:
    async with chain(keys_file, backend) as port:
        assert (await send(port, get("/health", "X-Gateway-Tag: forged"))).startswith(b"HTTP/1.1 200 OK\r\n")
    assert backend.header(HEADER.lower()) == []


@pytest.mark.parametrize("path", ["/", "/v1/models", "/health/", "/healthz", "/config", "/ready", "/metrics"])
async def test_everything_else_needs_a_token(path: str, keys_file: Path, backend: Backend) -> None:
    async with chain(keys_file, backend) as port:
        answer = await send(port, get(path))
    assert answer.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    assert answer.endswith(b'{"message":"Unauthorized"}')
    assert b"\r\nX-Request-Id: " in answer
    assert backend.scopes == []


async def test_bad_keys_refuse_every_request(tmp_path: Path, backend: Backend) -> None:
    async with chain(tmp_path / "absent.json", backend) as port:
        answer = await send(port, get("/v1/models", bearer()))
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert backend.scopes == []


async def test_a_preflight_needs_no_token(keys_file: Path, backend: Backend) -> None:
    preflight = ("Origin: https://app.example", "Access-Control-Request-Method: POST")
    async with chain(keys_file, backend) as port:
        answer = await send(port, get("/v1/chat/completions", *preflight, method="OPTIONS"))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nAccess-Control-Allow-Origin: *\r\n" in answer
    assert backend.scopes == []
