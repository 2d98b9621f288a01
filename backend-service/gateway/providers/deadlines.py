"""A stream under the deadlines of its deployment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator

from gateway.providers import failures
from gateway.types import Chunk, Deployment


class Stream(AsyncIterator[Chunk]):
    """The chunks of an open stream, the first of which has come.

    Each comes within ``stall_s`` of the one before, and all within ``stream_s`` of the start, or
    ``ProviderTimeout`` is raised. Whatever ends the iteration, ``aclose`` too, ends the request upstream.
    """

    def __init__(self, deployment: Deployment, chunks: AsyncGenerator[Chunk, None]) -> None:
        self._deployment = deployment
        self._chunks = chunks
        self._ends_at = time.monotonic() + deployment.timeouts.stream_s
        self._first: Chunk | None = None

    @classmethod
    async def begin(cls, deployment: Deployment, chunks: AsyncGenerator[Chunk, None]) -> Stream:
        """Wait for the first chunk; what fails before it is raised here."""
        stream = cls(deployment, chunks)
        stream._first = await stream._next(deployment.timeouts.first_chunk_s)
        if stream._first is None:
            raise failures.bad_answer(deployment.provider)
        return stream

    async def __anext__(self) -> Chunk:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        chunk = await self._next(self._deployment.timeouts.stall_s)
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        """Cancel the request upstream. May be repeated; not while another task waits for a chunk."""
        self._first = None
        await self._chunks.aclose()

    async def _next(self, within_s: float) -> Chunk | None:
        within_s = min(within_s, max(self._ends_at - time.monotonic(), 0.0))
        try:
            async with asyncio.timeout(within_s):
                return await anext(self._chunks, None)
        except TimeoutError:
            raise failures.timed_out(self._deployment.provider, within_s) from None
