"""A process with the backend in it: `child.py KEYS_FILE MARK`. Its environment says whether there are traces.

One request reaches a provider's room that fails with MARK in its message. Prints what was imported, as JSON.
"""

import asyncio
import json
import sys
import time
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from compliance.classes import ComplianceClass
from compliance.tag import HEADER, Tag, TagKeys, sign
from gateway.configuration import Configuration
from gateway.main import create_application
from gateway.observability import configure_logging
from gateway.settings import read_settings
from gateway.types import Deployment, Operation, Price, Provider, ProviderKind, Tenant

CHAT = "/v1/chat/completions"


class Failing:
    def __init__(self, mark: str) -> None:
        self.mark = mark

    async def __aenter__(self) -> Any:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def warm(self) -> None:
        return None

    async def complete(self, deployment: Deployment, request: Any) -> Any:
        raise RuntimeError(self.mark)

    stream = embed = complete


async def main(keys_file: str, mark: str) -> None:
    configure_logging("error")
    zero = Decimal(0)
    provider = Provider("cloud", ProviderKind.OPENAI, None, {})
    row = Deployment(
        id="cloud",
        provider=provider,
        model="m",
        upstream_model="m",
        operations=frozenset(Operation),
        region="us",
        cleared_for=frozenset(),
        agreement=None,
        price=Price(zero, zero, zero, zero),
    )
    tenant = Tenant("demo", ComplianceClass(), ("*",), frozenset({"inference"}))
    configuration = Configuration({"cloud": provider}, (row,), {"demo": tenant}, {})
    app = create_application(read_settings(), configuration, providers=Failing(mark)).backend
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": mark}]}).encode()
    tag = Tag(
        tenant="demo",
        subject="someone",
        tier=None,
        project=None,
        models=None,
        scopes=(),
        compliance=ComplianceClass(),
        rules=(),
        rules_revision="r",
        method="POST",
        target=CHAT,
        body_sha256=sha256(body).hexdigest(),
    )
    token = sign(tag, TagKeys.from_file(Path(keys_file)), time.time()).encode()
    headers = [(b"content-type", b"application/json"), (HEADER.lower().encode(), token)]
    assert await statuses(app, headers, body) == [500]
    assert await statuses(app, headers, body) == [401]


async def statuses(app: Any, headers: list[tuple[bytes, bytes]], body: bytes) -> list[int]:
    """Of one request, between a start and an end of the application."""
    events: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    answered: asyncio.Queue[str] = asyncio.Queue()

    async def lifespan(message: Any) -> None:
        await answered.put(message["type"])

    living = asyncio.create_task(app({"type": "lifespan", "state": {}}, events.get, lifespan))
    await events.put({"type": "lifespan.startup"})
    assert await answered.get() == "lifespan.startup.complete"
    found: list[int] = []
    left = iter([{"type": "http.request", "body": body}])

    async def receive() -> Any:
        message = next(left, None)
        return message if message else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            found.append(message["status"])

    scope = {
        "type": "http",
        "method": "POST",
        "path": CHAT,
        "raw_path": CHAT.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "headers": headers,
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    await app(scope, receive, send)
    await events.put({"type": "lifespan.shutdown"})
    assert await answered.get() == "lifespan.shutdown.complete"
    await living
    return found


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
    sys.stdout.write(json.dumps(sorted(sys.modules)) + "\n")
