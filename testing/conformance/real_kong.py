"""A Kong that runs already: KONG_URL is its proxy, KONG_ADMIN_URL its admin API (DB-less)."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import os
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from testing.conformance import replay

TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_READY = 299
_FAR_S = 3 * 365 * 86400
# Pauses of the recording that are longer than this were waits of the recorder, not of the case.
_LONGEST_PAUSE_S = 5.0


class RealKong:
    """One case at a time: `configure` it, then `ask`."""

    def __init__(self, proxy: str, admin: str) -> None:
        self.port = urlsplit(proxy).port or 80
        self._admin = admin
        self._secrets: list[bytes] = []
        self._before: float | None = None

    @classmethod
    def from_environment(cls) -> "RealKong | None":
        url = os.environ.get("KONG_URL")
        return cls(url, os.environ["KONG_ADMIN_URL"]) if url else None

    async def version(self) -> str:
        """As its admin API names itself, `3.9.x`."""
        async with aiohttp.ClientSession() as session, session.get(f"{self._admin}/status") as answer:
            return answer.headers["Server"].removeprefix("kong/")

    async def configure(self, config: Mapping[str, Any]) -> None:
        """Returns when that configuration, and no other, answers."""
        self._secrets = [secret.encode() for secret in _values(config, "secret")]
        self._before = None
        mark = f"/__ready-{uuid.uuid4()}"
        document = {**_fresh(config), "routes": [*config.get("routes", []), _ready_route(mark)]}
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{self._admin}/config", json=document) as answer:
                assert answer.status == 201, await answer.text()
            async with asyncio.timeout(20):
                while True:
                    async with session.get(f"http://127.0.0.1:{self.port}{mark}") as ready:
                        if ready.status == _READY:
                            return
                    await asyncio.sleep(0.05)

    async def ask(self, recorded: Mapping[str, Any]) -> replay.Response:
        """The recorded request, with its tokens as young as they were then."""
        await self.pause(recorded["at"])
        return await self.send(self.renew(recorded["request"], time.time() - recorded["at"]))

    async def send(self, request: Mapping[str, Any]) -> replay.Response:
        """The request as it is."""
        return await replay.exchange(self.port, request)

    async def pause(self, at: float) -> None:
        """Waits as long as the recording did since its last exchange."""
        if self._before is not None:
            await asyncio.sleep(min(_LONGEST_PAUSE_S, max(0.0, at - self._before)))
        self._before = at

    def renew(self, request: Mapping[str, Any], later: float) -> dict[str, Any]:
        """The request with the times in its tokens moved by `later` seconds."""

        def moved(text: str) -> str:
            return TOKEN.sub(lambda found: self._renewed(found[0], later), text)

        raw = request.get("raw")
        return {
            **request,
            "path": moved(request["path"]),
            "headers": [[name, moved(value)] for name, value in request["headers"]],
            "raw": raw and moved(raw),
        }

    def _renewed(self, token: str, later: float) -> str:
        """The token with its times moved, if it has any and one of the case's secrets signs it."""
        head, claims, signature = token.split(".")
        with contextlib.suppress(ValueError):
            read = json.loads(_decode(claims))
            if not isinstance(read, dict):
                return token
            timed = {name: read[name] for name in ("exp", "nbf") if _matters(name, read.get(name), later)}
            for secret in self._secrets if timed else []:
                for digest in ("sha256", "sha384", "sha512"):
                    if _mac(secret, digest, f"{head}.{claims}") == signature:
                        moved = {**read, **{name: value + int(later) for name, value in timed.items()}}
                        signed = f"{head}.{_encode(json.dumps(moved).encode())}"
                        return f"{signed}.{_mac(secret, digest, signed)}"
        return token


def _matters(name: str, value: Any, later: float) -> bool:
    """Whether that claim means another thing now than when it was recorded, `later` seconds ago."""
    if not isinstance(value, (int, float)):
        return False
    return value > time.time() - later if name == "nbf" else abs(value - time.time()) < _FAR_S


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _mac(secret: bytes, digest: str, signed: str) -> str:
    return _encode(hmac.new(secret, signed.encode(), getattr(hashlib, digest)).digest())


def _values(config: Any, key: str) -> Iterator[str]:
    if isinstance(config, Mapping):
        for name, value in config.items():
            if name == key and isinstance(value, str):
                yield value
            yield from _values(value, key)
    elif isinstance(config, list):
        for item in config:
            yield from _values(item, key)


def _fresh(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration under names that Kong has not seen: counters and health outlive a configuration."""
    text = json.dumps(config)
    for upstream in config.get("upstreams", []):
        text = text.replace(upstream["name"], f"{upstream['name']}.n{uuid.uuid4().hex[:8]}")
    made: dict[str, Any] = json.loads(text)
    if not replay.has_plugin(config, "rate-limiting"):
        return made  # ids that follow from the names decide which of two equal routes comes first
    holders = [*made.get("services", []), *made.get("routes", [])]
    holders += [route for service in made.get("services", []) for route in service.get("routes", [])]
    for holder in holders:
        holder.setdefault("id", str(uuid.uuid4()))
    return made


def _ready_route(path: str) -> dict[str, Any]:
    lua = f'return function() kong.response.exit({_READY}, "") end'
    plugin = {"name": "pre-function", "config": {"access": [lua]}}
    return {"name": f"ready-{uuid.uuid4()}", "paths": [path], "plugins": [plugin]}
