"""A request as it stands in Kong when compliance-tag gets it, and the tag that comes out."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import pytest

from compliance.tag import Tag, TagKeys, verify

SECRET = bytes(range(32))


@dataclass
class Request:
    """What the PDK calls of the plugin are answered with."""

    body: bytes | None
    token: Any
    headers: dict[str, Any] | None
    set_headers: dict[str, str] = field(default_factory=dict)

    def answer(self, method: str, args: list[Any]) -> Any:
        """One PDK call, as Kong would answer it."""
        if method == "kong.request.get_headers":
            return self.headers
        if method == "kong.ctx.shared.get":
            return self.token if args == ["authenticated_jwt_token"] else None
        if method == "kong.request.get_raw_body":
            return self.body
        if method == "kong.service.request.set_headers":
            self.set_headers = args[0]
        return None

    def tag(self) -> Tag:
        """The tag that was set, verified as the backend does."""
        assert self.headers is not None
        method, _, target = self.headers["x-gateway-target"][0].partition(" ")
        return verify(
            self.set_headers["X-Gateway-Tag"],
            TagKeys("k1", {"k1": SECRET}),
            now=time.time(),
            method=method,
            target=target,
            body_sha256=hashlib.sha256(self.body or b"").hexdigest(),
        )


@pytest.fixture
def make_request() -> Callable[..., Request]:
    """Headers as keyword arguments (underscores for dashes); None leaves one out. `claims` go into the
    token."""

    def make(body: Any = "hello", claims: dict[str, Any] | None = None, **headers: Any) -> Request:
        if not isinstance(body, bytes):
            body = json.dumps({"messages": [{"role": "user", "content": body}]}).encode()
        claims = {"iss": "acme-key", "sub": "jane", "exp": 2_000_000_000} | (claims or {})
        all_headers: dict[str, Any] = {
            "host": ["gateway.example"],
            "content-type": ["application/json"],
            "x-consumer-username": ["acme"],
            "x-gateway-target": ["POST /v1/chat/completions?x=1"],
        }
        all_headers |= {name.replace("_", "-"): value for name, value in headers.items()}
        return Request(
            body=body,
            token=jwt.encode(claims, bytes(32), algorithm="HS256"),
            headers={name: value for name, value in all_headers.items() if value is not None},
        )

    return make


@pytest.fixture
def write_keys() -> Callable[[Path], None]:
    """Put a good key file at a path, by rename."""

    def write(path: Path) -> None:
        temporary = path.with_name(path.name + ".new")
        secret = base64.urlsafe_b64encode(SECRET).decode()
        temporary.write_text(json.dumps({"current": "k1", "keys": {"k1": secret}}))
        temporary.replace(path)

    return write


@pytest.fixture
def keys_file(tmp_path: Path, write_keys: Callable[[Path], None]) -> Path:
    path = tmp_path / "tag-keys.json"
    write_keys(path)
    return path


@pytest.fixture(scope="session")
def plugin_folder() -> Path:
    return Path(__file__).resolve().parents[2] / "plugins" / "compliance-tag"
