"""A Kong with our plugins, loaded with a document, before a backend that keeps what it gets."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import jwt
from aiohttp import web

from compliance.tag import HEADER, Tag, TagKeys, verify
from embedded_edge.app import Edge
from embedded_edge.config import load_config
from gateway.kong_config import KONG_YAML, read_yaml, render
from testing.conformance.real_kong import RealKong
from testing.conformance.serving import serving
from testing.identity_provider import AUDIENCE, IdentityProvider

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "kong-plugins" / "plugins"
SECRETS = {
    "acme": "acme-secret-0123456789-0123456789-0123",
    "clinic": "clinic-secret-0123456789-0123456789-01",
}
ON_A_REAL_KONG = "KONG_URL" in os.environ

Document = dict[str, Any]


def credential(tenant: str, key: str | None = None) -> dict[str, str]:
    """An HS256 credential of a tenant; another `key` makes it another one."""
    return {"key": key or tenant, "algorithm": "HS256", "secret": SECRETS[tenant] + (key or "")}


def consumers(**extra: dict[str, str]) -> list[Mapping[str, Any]]:
    """Each tenant with its own credential, and one more where it is given."""
    return [
        {
            "username": name,
            "custom_id": f"{name}-1",
            "jwt_secrets": [credential(name), *([extra[name]] if name in extra else [])],
        }
        for name in SECRETS
    ]


def local_token(tenant: str, row: Mapping[str, str] | None = None, **claims: Any) -> str:
    """A token under Kong's own credential."""
    row = row or credential(tenant)
    payload = {"iss": row["key"], "sub": "bob", "exp": int(time.time()) + 300, **claims}
    return jwt.encode(payload, row["secret"], algorithm="HS256")


def believing(*rows: tuple[IdentityProvider, str], **more: Any) -> dict[str, Any]:
    """The configuration of oidc-jwt for these providers, each with its consumer."""
    issuers = [{"issuer": idp.issuer, "consumer": consumer, "audience": [AUDIENCE]} for idp, consumer in rows]
    return {"issuers": issuers, **more}


def write_tag_keys(path: Path, current: str, *kids: str) -> None:
    """A key file with these kids, by rename. A kid's secret is always the same."""
    keys = {kid: base64.urlsafe_b64encode(kid.encode().ljust(32, b"-")).decode() for kid in kids}
    temporary = path.with_name(f"{path.name}.new")
    temporary.write_text(json.dumps({"current": current, "keys": keys}))
    temporary.replace(path)


@dataclass
class Received:
    """One request as the backend got it."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    def tag(self, keys_file: Path) -> Tag:
        """The tag, verified as the backend does."""
        return verify(
            self.headers[HEADER],
            TagKeys.from_file(keys_file),
            now=time.time(),
            method=self.method,
            target=self.target,
            body_sha256=hashlib.sha256(self.body).hexdigest(),
        )


@dataclass
class Backend:
    url: str = ""
    received: list[Received] = field(default_factory=list)

    async def keep(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.path == "/health":
            return web.Response(text="ok")  # Kong's own check
        self.received.append(Received(request.method, request.raw_path, request.headers.copy(), body))
        return web.Response(text="ok")


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Chain:
    """What the tests ask: a Kong's address, and what has come through it."""

    url: str
    backend: Backend
    keys_file: Path
    client: aiohttp.ClientSession

    async def ask(self, token: str | None = None, body: Any = None, **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        data = json.dumps(body or {"messages": [{"role": "user", "content": "hello"}]}).encode()
        async with self.client.post(
            f"{self.url}/v1/chat/completions?x=1",
            data=data,
            headers={"Content-Type": "application/json", **sent},
        ) as answer:
            return Answer(answer.status, answer.headers.copy(), await answer.read())

    def last_tag(self) -> Tag:
        return self.backend.received[-1].tag(self.keys_file)


def shipped(
    backend_url: str, keys_file: Path, issuers: Mapping[str, Any] | None, **extra: dict[str, str]
) -> Document:
    """configs/kong/kong.yaml as a start renders it, without rate limits."""
    return render(
        read_yaml(ROOT / KONG_YAML),
        consumers=consumers(**extra),
        service_url=backend_url,
        tag_keys_file=str(keys_file),
        limits=False,
        issuers=issuers,
    )


@contextlib.asynccontextmanager
async def backend() -> AsyncIterator[Backend]:
    """On a free port."""
    kept = Backend()
    application = web.Application(client_max_size=1 << 26)
    application.router.add_route("*", "/{path:.*}", kept.keep)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        kept.url = f"http://{host}:{port}"
        yield kept
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def chain(
    tmp_path: Path,
    issuers: Mapping[str, Any] | None = None,
    plugins: Path = PLUGINS,
    **extra: dict[str, str],
) -> AsyncIterator[Chain]:
    """The chain on the embedded edge, or on the Kong of the environment. `extra`: a tenant's second
    credential."""
    keys_file = tmp_path / "tag-keys.json"
    if not keys_file.exists():
        write_tag_keys(keys_file, "k1", "k1")
    async with backend() as kept, aiohttp.ClientSession() as client:
        document = shipped(kept.url, keys_file, issuers, **extra)
        async with _loaded(document, plugins) as url:
            yield Chain(url, kept, keys_file, client)


@contextlib.asynccontextmanager
async def _loaded(document: Document, plugins: Path) -> AsyncIterator[str]:
    real = RealKong.from_environment()
    if real is None:
        async with serving(Edge(load_config(document, [plugins]))) as port:
            yield f"http://127.0.0.1:{port}"
    else:
        with _alone():
            await real.configure(document)
            yield f"http://127.0.0.1:{real.port}"


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """A real Kong is loaded by one test at a time."""
    with (Path(tempfile.gettempdir()) / "portcullis-real-kong.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
