"""An embedded edge with a small application behind it, on a socket: for tests of the edge."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from embedded_edge.app import Edge
from embedded_edge.config import load_config
from testing.conformance.serving import serving

KONG_YAML = Path(__file__).parents[1] / "configs" / "kong" / "kong.yaml"
SECRET = "a-secret-for-tests-0123456789abcdef"
NOW = 1_800_000_000.0

Document = dict[str, Any]


def token(claims: dict[str, Any], secret: str = SECRET) -> str:
    """An HS256 token."""
    signed = b".".join(
        _base64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims)
    )
    mac = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return (signed + b"." + _base64(mac)).decode()


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def shipped() -> Document:
    """configs/kong/kong.yaml with one consumer."""
    document: Document = yaml.safe_load(KONG_YAML.read_text("utf-8"))
    document["consumers"] = [{"username": "acme", "jwt_secrets": [{"key": "acme", "secret": SECRET}]}]
    return document


def document(*plugins: dict[str, Any], **service: Any) -> Document:
    """One service with one route for everything, and the plugins on it."""
    route = {"name": "r", "paths": ["/"], "strip_path": False, "plugins": list(plugins)}
    return {
        "_format_version": "3.0",
        "services": [{"name": "s", "url": "http://127.0.0.1:8081", **service, "routes": [route]}],
        "consumers": [{"username": "acme", "jwt_secrets": [{"key": "acme", "secret": SECRET}]}],
    }


class Backend:
    """An ASGI application that remembers what it got; `behave` replaces its answer."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []
        self.bodies: list[bytes] = []
        self.behave: Callable[[Any, Any], Any] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        self.bodies.append((await receive())["body"])
        if self.behave is not None:
            await self.behave(receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    def header(self, name: str) -> list[str]:
        """Values of that field in the last request."""
        sent = self.scopes[-1]["headers"]
        return [value.decode("latin-1") for key, value in sent if key == name.encode()]


@asynccontextmanager
async def edge_serving(document: Document, backend: Backend, *plugin_dirs: Path) -> AsyncIterator[int]:
    """The port of an edge that calls `backend` in process; its clock stands at NOW."""
    edge = Edge(load_config(document, plugin_dirs, clock=lambda: NOW), {"127.0.0.1:8081": backend})
    async with serving(edge) as port:
        yield port


async def send(port: int, data: bytes) -> bytes:
    """Sends the bytes and reads until the edge closes."""
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        try:
            return await reader.read()
        finally:
            writer.close()


def get(path: str = "/v1/models", *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
    """A request whose answer ends with the connection."""
    lines = [f"{method} {path} HTTP/1.1", "Host: edge.test", "Connection: close", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def bearer(**claims: Any) -> str:
    return f"Authorization: Bearer {token({'iss': 'acme', 'exp': NOW + 60, **claims})}"
