"""Answers: JSON at once, or a stream that tells the truth about its end."""

from __future__ import annotations

import asyncio
from array import array
from base64 import b64encode
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.errors import CallerLeft, GatewayError
from gateway.types import Chunk, JsonObject

Result = TypeVar("Result")


def json_answer(payload: Any) -> Response:
    """``payload`` as a JSON answer."""
    return Response(orjson.dumps(payload), media_type="application/json")


async def unless_caller_leaves(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """The result of ``work``; cancels it, and so the upstream, when the caller leaves first."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_left(request.receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise CallerLeft("The caller left before its answer began.")
        return task.result()
    finally:
        gone.cancel()
        if task.cancel():
            await asyncio.wait({task})


async def _left(receive: Receive) -> None:
    """Ends when the caller's connection does. The body has been read before."""
    while (await receive())["type"] != "http.disconnect":
        pass


class EventStream(Response):
    """Server-sent events. When the caller leaves, ``chunks`` is closed at once, and so the upstream."""

    media_type = "text/event-stream"

    def __init__(self, chunks: AsyncGenerator[Chunk, None], *, include_usage: bool) -> None:
        super().__init__(headers={"cache-control": "no-cache", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self.events = _events(chunks, include_usage=include_usage)

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.ensure_future(self._send(send))
        gone = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            gone.cancel()
            if sending.cancel():
                await asyncio.wait({sending})
            await self.events.aclose()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async for event in self.events:
            await send({"type": "http.response.body", "body": event, "more_body": True})
            # Events that came at once would all go out before anybody else's first one.
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b""})


async def _events(chunks: AsyncGenerator[Chunk, None], *, include_usage: bool) -> AsyncGenerator[bytes, None]:
    """OpenAI's events. `[DONE]` stands only at the end of a complete answer; an error stands in its place."""
    async with aclosing(chunks):
        try:
            async for chunk in chunks:
                if (payload := _shown(chunk, include_usage=include_usage)) is not None:
                    yield b"data: " + orjson.dumps(payload) + b"\n\n"
        except GatewayError as error:
            yield b"data: " + orjson.dumps(error.body()) + b"\n\n"
            return
        yield b"data: [DONE]\n\n"


def _shown(chunk: Chunk, *, include_usage: bool) -> JsonObject | None:
    """The chunk as the caller asked for it: usage is always asked upstream, but not always by the caller."""
    payload = chunk.payload
    if include_usage:
        return payload if chunk.usage is not None else {**payload, "usage": None}
    if not payload.get("choices"):
        return None
    payload.pop("usage", None)
    return payload


def with_base64_vectors(payload: JsonObject) -> JsonObject:
    """The same answer with each vector as base64 of little-endian 32-bit floats, as OpenAI sends it."""
    data = [
        {**row, "embedding": b64encode(array("f", row["embedding"]).tobytes()).decode()}
        for row in payload["data"]
    ]
    return {**payload, "data": data}
