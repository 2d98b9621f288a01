"""Own models on a Vertex AI endpoint: OpenAI-shaped bodies in ``RawPredict`` and ``StreamRawPredict`` over
gRPC.

gRPC, because the client's REST transport wraps such bodies and cannot read their streams.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any

import orjson

from gateway.errors import ProviderError
from gateway.providers import aiplatform, failures, protocols, vertex_channel
from gateway.providers.google_tokens import GoogleTokens
from gateway.providers.protocols import StreamWatch, UpstreamError
from gateway.proxy import Proxy
from gateway.types import Answer, Chunk, Deployment, JsonObject

_NOT_SENT = frozenset({"model", "stream", "stream_options"})


class VertexEndpointDoor:
    """Asks deployments of the kind VERTEX_ENDPOINT. Imports its library at the first use."""

    def __init__(
        self, deployments: Sequence[Deployment], tokens: GoogleTokens, proxy: Proxy | None = None
    ) -> None:
        self._deployments = deployments
        self._tokens = tokens
        self._proxy = proxy
        self._channels: dict[str, Any] = {}
        self._clients: dict[str, Any] = {}

    async def warm(self) -> None:
        """Import the library and make the clients; a channel connects at its first call."""
        for deployment in self._deployments:
            await self._client(deployment)

    async def aclose(self) -> None:
        for channel in self._channels.values():
            await channel.close()

    async def complete(self, deployment: Deployment, request: JsonObject) -> Answer:
        provider = deployment.provider
        try:
            client, body, metadata = await self._prepared(deployment, request, {})
            answer = await client.raw_predict(
                request=body, metadata=metadata, retry=None, timeout=deployment.timeouts.total_s
            )
            payload = orjson.loads(answer.data)
        except orjson.JSONDecodeError:
            raise failures.bad_answer(provider) from None
        except Exception as error:
            raise self._translated(deployment, error, started=False) from None
        if not isinstance(payload, dict) or not isinstance(payload.get("choices"), list):
            raise failures.bad_answer(provider)
        return Answer(payload, protocols.OPENAI.usage_of(payload))

    async def embed(self, deployment: Deployment, request: JsonObject) -> Answer:
        """Containers differ in how they embed, so none is asked."""
        del request
        raise failures.rejected(deployment.provider, "its endpoints are not asked for embeddings")

    async def stream(self, deployment: Deployment, request: JsonObject) -> AsyncGenerator[Chunk, None]:
        """The chunks as the container sends them. Closing it cancels the call."""
        extra: JsonObject = {"stream": True, "stream_options": {"include_usage": True}}
        watch = StreamWatch(protocols.OPENAI)
        call: Any = None
        try:
            client, body, metadata = await self._prepared(deployment, request, extra)
            call = await client.stream_raw_predict(
                request=body, metadata=metadata, retry=None, timeout=deployment.timeouts.stream_s
            )
            async for chunk in _chunks(call, watch):
                yield chunk
        except Exception as error:
            raise self._translated(deployment, error, started=watch.started) from None
        finally:
            if call is not None:
                call.cancel()
        if watch.cut:
            provider = deployment.provider
            raise failures.interrupted(provider) if watch.started else failures.bad_answer(provider)

    async def _prepared(
        self, deployment: Deployment, request: JsonObject, extra: JsonObject
    ) -> tuple[Any, JsonObject, Sequence[tuple[str, str]]]:
        client = await self._client(deployment)
        token = await self._tokens.token(deployment.provider)
        body = {name: value for name, value in request.items() if name not in _NOT_SENT} | extra
        raw = {
            "endpoint": endpoint_name(deployment),
            "http_body": {"content_type": "application/json", "data": orjson.dumps(body)},
        }
        return client, raw, (("authorization", f"Bearer {token}"),)

    async def _client(self, deployment: Deployment) -> Any:
        address = vertex_channel.address_of(deployment)
        if address not in self._clients:
            service = await asyncio.to_thread(aiplatform.load)
            if address not in self._clients:
                self._channels[address] = vertex_channel.opened(deployment.provider, address, self._proxy)
                transport = service.async_client.PredictionServiceGrpcAsyncIOTransport
                self._clients[address] = service.PredictionServiceAsyncClient(
                    transport=transport(channel=self._channels[address])
                )
        return self._clients[address]

    def _translated(self, deployment: Deployment, error: Exception, *, started: bool) -> ProviderError:
        if isinstance(error, ProviderError):
            return error
        provider = deployment.provider
        if started:
            return failures.interrupted(provider)
        if isinstance(error, UpstreamError):
            return failures.failed_early(provider)
        code = getattr(error, "code", None)
        if not isinstance(code, int):
            return failures.bad_answer(provider)
        if code == 401:
            self._tokens.forget(provider)
        if code == 503:
            address = vertex_channel.address_of(deployment)
            if failure := vertex_channel.failure_of(error, provider, address, self._proxy):
                return failure
        return failures.of_status(provider, int(code), retry_after_s=_retry_after_s(error))


async def _chunks(call: AsyncIterator[Any], watch: StreamWatch) -> AsyncIterator[Chunk]:
    async for message in call:
        for event in watch.events(message.data):
            if (chunk := _chunk(event.data)) is not None:
                yield chunk
        if watch.fault is not None:
            raise watch.fault
    for event in watch.remaining():
        if (chunk := _chunk(event.data)) is not None:
            yield chunk
    if watch.fault is not None:
        raise watch.fault


def _chunk(data: bytes) -> Chunk | None:
    if not data or data == b"[DONE]":
        return None
    payload = orjson.loads(data)
    counts = payload.get("usage")
    if counts is None:
        payload.pop("usage", None)
        return Chunk(payload)
    return Chunk(payload, protocols.OPENAI.usage(counts))


def endpoint_name(deployment: Deployment) -> str:
    """The full name; the row may give only the endpoint's id."""
    name = deployment.upstream_model
    if "/" in name:
        return name
    project = deployment.provider.credentials.get("GOOGLE_CLOUD_PROJECT")
    if not project:
        raise failures.misconfigured(deployment.provider, "GOOGLE_CLOUD_PROJECT is not set")
    return f"projects/{project}/locations/{deployment.region}/endpoints/{name}"


def _retry_after_s(error: Exception) -> float | None:
    headers: dict[str, str] = {}
    for call in getattr(error, "errors", ()):
        headers.update(
            {key: value for key, value in call.trailing_metadata() or () if isinstance(value, str)}
        )
    for detail in getattr(error, "details", ()):
        delay = getattr(detail, "retry_delay", None)
        if delay is not None:
            return failures.bounded(delay.seconds + delay.nanos / 1e9)
    return failures.retry_after_s(headers)
