"""What the pipeline sees of the providers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Sequence
from types import TracebackType
from typing import Protocol, Self

import aiohttp

from gateway.providers import failures
from gateway.providers.connecting import new_session
from gateway.providers.deadlines import Stream
from gateway.providers.google_tokens import GoogleTokens
from gateway.providers.litellm_door import LiteLLMDoor
from gateway.providers.vertex_endpoint import VertexEndpointDoor
from gateway.proxy import Proxy
from gateway.types import Answer, Chunk, Deployment, JsonObject, ProviderKind


class Door(Protocol):
    """A way to ask deployments of some kinds. Raises ``ProviderError`` only; deadlines are not its
    business."""

    async def warm(self) -> None: ...

    async def complete(self, deployment: Deployment, request: JsonObject) -> Answer: ...

    def stream(self, deployment: Deployment, request: JsonObject) -> AsyncGenerator[Chunk, None]: ...

    async def embed(self, deployment: Deployment, request: JsonObject) -> Answer: ...


class Providers:
    """Asks any deployment that it was built with, once per call: no retry, no fallback.

    ``request`` is OpenAI's body without ``model`` and ``stream``; it is not changed. Every error is a
    ``ProviderError`` whose message holds nothing of the request or of the provider's words. Use it as an
    asynchronous context; connections belong to the loop that entered it. Whom ``proxy`` serves is asked
    through it and in no other way.
    """

    def __init__(self, deployments: Sequence[Deployment], proxy: Proxy | None = None) -> None:
        self._deployments = tuple(deployments)
        self._proxy = proxy
        self._tokens = GoogleTokens((row.provider for row in self._deployments), proxy)
        self._session: aiohttp.ClientSession | None = None
        self._litellm: LiteLLMDoor | None = None
        self._endpoints: VertexEndpointDoor | None = None

    async def __aenter__(self) -> Self:
        self._session = new_session()
        self._litellm = LiteLLMDoor(
            [row for row in self._deployments if row.provider.kind is not ProviderKind.VERTEX_ENDPOINT],
            self._session,
            self._tokens,
            self._proxy,
        )
        self._endpoints = VertexEndpointDoor(
            [row for row in self._deployments if row.provider.kind is ProviderKind.VERTEX_ENDPOINT],
            self._tokens,
            self._proxy,
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def complete(self, deployment: Deployment, request: JsonObject) -> Answer:
        """A whole answer, within ``timeouts.total_s``. Raises ``ProviderError``."""
        return await self._within(deployment, self._door(deployment).complete(deployment, request))

    async def embed(self, deployment: Deployment, request: JsonObject) -> Answer:
        """Vectors in OpenAI's shape, within ``timeouts.total_s``. Raises ``ProviderError``."""
        return await self._within(deployment, self._door(deployment).embed(deployment, request))

    async def stream(self, deployment: Deployment, request: JsonObject) -> Stream:
        """A stream whose first chunk has come; what fails before it is raised here.

        Afterwards the iterator raises ``StreamInterrupted`` or ``ProviderTimeout``; one that ends without
        them is complete. Closing it (``aclose``) ends the request upstream at once. The usage, when there
        is one, is on the last chunk, which has no choices.
        """
        return await Stream.begin(deployment, self._door(deployment).stream(deployment, request))

    async def warm(self) -> None:
        """Import what the configured kinds need. Sends nothing to anybody."""
        for door in (self._litellm, self._endpoints):
            if door is not None:
                await door.warm()

    async def aclose(self) -> None:
        """Close every connection. May be repeated."""
        await self._tokens.aclose()
        for door in (self._litellm, self._endpoints):
            if door is not None:
                await door.aclose()
        if self._session is not None:
            await self._session.close()

    def _door(self, deployment: Deployment) -> Door:
        door: Door | None = self._litellm
        if deployment.provider.kind is ProviderKind.VERTEX_ENDPOINT:
            door = self._endpoints
        if door is None:
            raise RuntimeError("Providers is used outside of its context")
        return door

    async def _within(self, deployment: Deployment, answer: Awaitable[Answer]) -> Answer:
        total_s = deployment.timeouts.total_s
        try:
            async with asyncio.timeout(total_s):
                return await answer
        except TimeoutError:
            raise failures.timed_out(deployment.provider, total_s) from None
