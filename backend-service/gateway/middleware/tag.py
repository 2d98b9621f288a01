"""Nothing gets in without a valid tag of the edge over this very request."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from hashlib import sha256

from starlette.types import ASGIApp, Receive, Scope, Send

from compliance.tag import HEADER, Tag, TagError, TagKeys, verify
from gateway.errors import Unauthenticated
from gateway.middleware.bodies import Bodies
from gateway.middleware.replay import ReplayGuard
from gateway.observability import RequestRecord
from gateway.observability.label_values import REPEATED, USED

HEADER_BYTES = HEADER.lower().encode()
OPEN_PATHS = frozenset({"/health"})
HASH_IN_THREAD_OVER = 256 * 1024


class TagCheck:
    """Reads the body, verifies the tag over it, and leaves both in ``scope["state"]`` (``tag``, ``body``)."""

    def __init__(self, app: ASGIApp, keys: TagKeys, replay: ReplayGuard, bodies: Bodies) -> None:
        self.app = app
        self.keys = keys
        self.replay = replay
        self.bodies = bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self.app(scope, receive, send)
            return
        record: RequestRecord = scope["state"]["record"]
        tokens = [value for name, value in scope["headers"] if name == HEADER_BYTES]
        if len(tokens) != 1:
            record.tag_failure = REPEATED if tokens else "missing"
            raise Unauthenticated("No valid tag of the edge: send requests through the gateway's address.")
        async with AsyncExitStack() as stack:
            with record.step("read"):
                body = await stack.enter_async_context(self.bodies.read(scope, receive))
            with record.step("tag"):
                scope["state"]["tag"] = await self._verified(scope, tokens[0], body, record)
            scope["state"]["body"] = body
            await self.app(scope, receive, send)

    async def _verified(self, scope: Scope, token: bytes, body: bytes, record: RequestRecord) -> Tag:
        digest = await _digest(body)
        try:
            tag = verify(
                token.decode("latin-1"),
                self.keys,
                now=time.time(),
                method=scope["method"],
                target=_target(scope),
                body_sha256=digest,
            )
        except TagError as error:
            record.tag_failure = error.reason
            raise Unauthenticated(
                f"The edge's tag does not hold for this request ({error.reason})."
            ) from None
        if scope["method"] not in {"GET", "HEAD"} and not await self.replay.first_use(tag.jti):
            record.tag_failure = USED
            raise Unauthenticated("The edge's tag does not hold for this request (used).")
        return tag


async def _digest(body: bytes) -> str:
    if len(body) <= HASH_IN_THREAD_OVER:
        return sha256(body).hexdigest()
    return await asyncio.to_thread(lambda: sha256(body).hexdigest())


def _target(scope: Scope) -> str:
    """Path and query as they stood in the request line."""
    query: bytes = scope["query_string"]
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    return (path + b"?" + query if query else path).decode("latin-1")
