"""What the path is compared with: uvicorn and aiohttp that pass bodies on, and do nothing else.

Reads {"upstream": URL, "key": bearer} as JSON on standard input, prints {"url": ...} and serves until SIGTERM
or the end of its parent.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Any

import aiohttp
import uvicorn
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

from testing.simulators.parent import when_parent_ends


class PassThrough:
    """An ASGI application: every request is a POST of its body to one address."""

    def __init__(self, upstream: str, key: str) -> None:
        self._upstream = upstream
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._pass(receive, send)

    async def _live(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await receive()
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), headers=self._headers
        ) as self._session:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _pass(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        assert self._session is not None
        asked: Any = await receive()
        body = asked["body"]
        while asked.get("more_body"):
            asked = await receive()
            body += asked["body"]
        async with self._session.post(self._upstream, data=body) as answer:
            headers = [(b"content-type", answer.headers["content-type"].encode())]
            if answer.content_length is not None:
                headers.append((b"content-length", str(answer.content_length).encode()))
            await send(
                {
                    "type": "http.response.start",
                    "status": answer.status,
                    "headers": headers,
                    "trailers": False,
                }
            )
            async for piece in answer.content.iter_any():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Server(uvicorn.Server):
    """Ends with its parent."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        when_parent_ends(self._stop)

    def _stop(self) -> None:
        self.should_exit = True


def main() -> None:
    """Serve one upstream."""
    job = json.load(sys.stdin)
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(
        json.dumps({"url": f"http://127.0.0.1:{listening.getsockname()[1]}", "pid": os.getpid()}), flush=True
    )
    config = uvicorn.Config(
        PassThrough(job["upstream"], job["key"]),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
    )
    _Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
