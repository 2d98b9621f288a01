"""The door to LiteLLM: the only calls of it.

LiteLLM shapes the request and the answer; the wire under it (``wire.py``) sends, and decides what is true
of the answer. Its cheaper transformation layer can take over behind the same methods, on the same wire.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from gateway.errors import ProviderError
from gateway.providers import litellm_load, litellm_vertex
from gateway.providers.google_tokens import GoogleTokens
from gateway.providers.litellm_errors import translate
from gateway.providers.litellm_kinds import KINDS, Kind, origin_and_path
from gateway.providers.litellm_request import chat_arguments, embedding_arguments
from gateway.providers.usage import as_openai
from gateway.providers.wire import Call
from gateway.types import Answer, Chunk, Deployment, JsonObject, Operation, ProviderKind, Usage

_UPSTREAM_STREAM: JsonObject = {"stream": True, "stream_options": {"include_usage": True}}
_ONCE: JsonObject = {
    "num_retries": 0,
    "max_retries": 0,
    "_skip_mcp_handler": True,
    "_skip_responses_api_bridge": True,
}


@dataclass(frozen=True, slots=True)
class _Line:
    """What is the same for every request to one deployment."""

    kind: Kind
    origin: str
    path_prefix: str
    client: Any
    supported: frozenset[str]


class LiteLLMDoor:
    """Asks the deployments of every kind in ``KINDS``. Made in the loop that it is used in."""

    def __init__(
        self,
        deployments: Sequence[Deployment],
        session: aiohttp.ClientSession,
        tokens: Mapping[str, GoogleTokens],
    ) -> None:
        self._deployments = deployments
        self._session = session
        self._tokens = tokens
        self._lines: dict[str, _Line] = {}
        self._litellm: Any = None
        self._loading = asyncio.Lock()

    async def warm(self) -> None:
        """Import LiteLLM and what each deployment needs of it. Sends nothing."""
        for deployment in self._deployments:
            await self._line(deployment)

    async def complete(self, deployment: Deployment, request: JsonObject) -> Answer:
        line = await self._line(deployment)
        call = self._call(line, deployment, Operation.CHAT)
        arguments = chat_arguments(line.kind, deployment.provider, request, line.supported)
        response = await self._ask(self._litellm.acompletion, call, line, deployment, arguments, request)
        return self._answer(call, response, output=True)

    async def embed(self, deployment: Deployment, request: JsonObject) -> Answer:
        line = await self._line(deployment)
        call = self._call(line, deployment, Operation.EMBEDDINGS)
        arguments = embedding_arguments(line.kind, deployment.provider, request, line.supported)
        response = await self._ask(self._litellm.aembedding, call, line, deployment, arguments, request)
        return self._answer(call, response, output=False)

    async def stream(self, deployment: Deployment, request: JsonObject) -> AsyncGenerator[Chunk, None]:
        """The chunks; the last one, without choices, carries the usage. Closing it closes the connection."""
        line = await self._line(deployment)
        call = self._call(line, deployment, Operation.CHAT, streaming=True)
        arguments = chat_arguments(line.kind, deployment.provider, request, line.supported) | _UPSTREAM_STREAM
        wrapper: Any = None
        try:
            wrapper = await self._ask(self._litellm.acompletion, call, line, deployment, arguments, request)
            last: JsonObject = {}
            while (chunk := await self._next(call, wrapper, request)) is not None:
                yield Chunk(chunk)
                last = chunk
                if _finished(chunk) and call.watch is not None and call.watch.seen.closed:
                    break
            usage = call.watch.usage if call.watch is not None else call.usage
            if usage is not None:
                yield Chunk(_usage_chunk(last, usage), usage)
        finally:
            call.close()
            if wrapper is not None:
                with contextlib.suppress(Exception):
                    await wrapper.aclose()

    async def _next(self, call: Call, wrapper: Any, request: JsonObject) -> JsonObject | None:
        """The next chunk that says something; None at the proper end."""
        while True:
            try:
                with call.entered():
                    chunk = await anext(wrapper)
            except StopAsyncIteration:
                if call.failure is not None:
                    raise call.failure from None
                return None
            except Exception as error:
                raise self._translated(error, call, request) from None
            payload = _payload(chunk)
            payload.pop("usage", None)
            if payload.get("choices"):
                return payload

    async def _ask(
        self,
        ask: Any,
        call: Call,
        line: _Line,
        deployment: Deployment,
        arguments: JsonObject,
        request: JsonObject,
    ) -> Any:
        operation = Operation.EMBEDDINGS if "input" in arguments else Operation.CHAT
        await self._authenticate(deployment)
        try:
            with call.entered():
                return await ask(
                    model=line.kind.model(deployment, operation),
                    client=line.client,
                    timeout=deployment.timeouts.stream_s if call.streaming else deployment.timeouts.total_s,
                    **line.kind.account(deployment, line.kind.base_url(deployment)),
                    **_ONCE,
                    **arguments,
                )
        except Exception as error:
            raise self._translated(error, call, request) from None
        finally:
            if not call.streaming:
                call.close()

    async def _authenticate(self, deployment: Deployment) -> None:
        if deployment.provider.kind is ProviderKind.VERTEX_AI:
            token = await self._tokens[deployment.provider.name].token()
            litellm_vertex.hand_over(self._litellm, deployment, token)

    def _translated(self, error: Exception, call: Call, request: JsonObject) -> ProviderError:
        return translate(error, call, [name for name in request if name != "messages"])

    def _answer(self, call: Call, response: Any, *, output: bool) -> Answer:
        if call.failure is not None:
            raise call.failure
        payload = _payload(response)
        payload.pop("usage", None)
        if call.usage is not None:
            payload["usage"] = as_openai(call.usage, output=output)
        return Answer(payload, call.usage)

    def _call(
        self, line: _Line, deployment: Deployment, operation: Operation, *, streaming: bool = False
    ) -> Call:
        return Call(
            provider=deployment.provider,
            session=self._session,
            origin=line.origin,
            path_prefix=line.path_prefix,
            protocol=line.kind.protocol_of(deployment, operation),
            streaming=streaming,
            may_authenticate=line.kind.authenticates(deployment),
        )

    async def _line(self, deployment: Deployment) -> _Line:
        line = self._lines.get(deployment.id)
        if line is None:
            async with self._loading:
                line = self._lines[deployment.id] = await asyncio.to_thread(self._new_line, deployment)
        return line

    def _new_line(self, deployment: Deployment) -> _Line:
        litellm = self._litellm = litellm_load.load()
        provider = deployment.provider
        kind = KINDS[provider.kind]
        origin, path_prefix = origin_and_path(kind, deployment)
        base_url = kind.base_url(deployment)
        if kind.openai_sdk:
            client = litellm_load.openai_client(base_url, kind.account(deployment, base_url)["api_key"])
        else:
            client = litellm_load.http_client()
        supported = litellm.get_supported_openai_params(
            model=deployment.upstream_model, custom_llm_provider=kind.prefix
        )
        return _Line(kind, origin, path_prefix, client, frozenset(supported or ()))


def _payload(response: Any) -> JsonObject:
    """An object of LiteLLM's as plain JSON, without what is empty."""
    payload: JsonObject = response.model_dump(exclude_none=True)
    return payload


def _finished(chunk: JsonObject) -> bool:
    return any(choice.get("finish_reason") for choice in chunk["choices"])


def _usage_chunk(last: JsonObject, usage: Usage) -> JsonObject:
    kept: JsonObject = {name: last[name] for name in ("id", "object", "created", "model") if name in last}
    return {**kept, "choices": [], "usage": as_openai(usage)}
