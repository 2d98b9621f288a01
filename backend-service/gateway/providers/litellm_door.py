"""The door to LiteLLM: the only calls of it.

LiteLLM shapes the request and the answer; the wire under it (``wire.py``) sends, and decides what is true
of the answer. Its cheaper transformation layer can take over behind the same methods, on the same wire.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from gateway.errors import ProviderError
from gateway.providers import aws_roles, litellm_load, litellm_shape, litellm_vertex
from gateway.providers.aws_roles import AwsRoles
from gateway.providers.google_tokens import GoogleTokens
from gateway.providers.litellm_errors import translate
from gateway.providers.litellm_kinds import KINDS, Kind, origin_and_path
from gateway.providers.litellm_request import chat_arguments, embedding_arguments
from gateway.providers.usage import as_openai
from gateway.providers.wire import Call
from gateway.proxy import Proxy
from gateway.types import Answer, Chunk, Deployment, JsonObject, Operation, ProviderKind, Usage

_UPSTREAM_STREAM: JsonObject = {"stream": True, "stream_options": {"include_usage": True}}
_ONCE: JsonObject = {"num_retries": 0, "max_retries": 0}
# Neither LiteLLM's own handling of tools, nor another API than the one whose streams we read.
_CHAT_ONLY: JsonObject = {"_skip_mcp_handler": True, "_skip_responses_api_bridge": True}
_NO_KEYS: JsonObject = {"aws_access_key_id": "rehearsal", "aws_secret_access_key": "rehearsal"}
_REHEARSED: JsonObject = {"messages": [{"role": "user", "content": "."}]}


@dataclass(frozen=True, slots=True)
class _Line:
    """What is the same for every request to one deployment."""

    deployment: Deployment
    kind: Kind
    origin: str
    path_prefix: str
    client: Any
    supported: frozenset[str]
    proxy: Proxy | None

    def call(
        self,
        session: aiohttp.ClientSession,
        operation: Operation,
        *,
        streaming: bool = False,
        rehearsal: bool = False,
    ) -> Call:
        return Call(
            provider=self.deployment.provider,
            session=session,
            origin=self.origin,
            path_prefix=self.path_prefix,
            protocol=self.kind.protocol_of(self.deployment, operation),
            streaming=streaming,
            may_authenticate=self.kind.authenticates(self.deployment),
            rehearsal=rehearsal,
            proxy=self.proxy,
        )


class LiteLLMDoor:
    """Asks the deployments of every kind in ``KINDS``. Made in the loop that it is used in."""

    def __init__(
        self,
        deployments: Sequence[Deployment],
        session: aiohttp.ClientSession,
        tokens: GoogleTokens,
        proxy: Proxy | None = None,
    ) -> None:
        self._deployments = deployments
        self._session = session
        self._tokens = tokens
        self._proxy = proxy
        self._roles = AwsRoles(session, proxy)
        self._lines: dict[str, _Line] = {}
        self._litellm: Any = None
        self._loading = asyncio.Lock()

    async def warm(self) -> None:
        """Import LiteLLM and, by a request that is not sent, what it imports at each kind's first one."""
        rehearsed: set[ProviderKind] = set()
        for deployment in self._deployments:
            line = await self._line(deployment)
            if deployment.provider.kind not in rehearsed and Operation.CHAT in deployment.operations:
                rehearsed.add(deployment.provider.kind)
                await self._rehearse(line)

    async def complete(self, deployment: Deployment, request: JsonObject) -> Answer:
        line = await self._line(deployment)
        arguments = chat_arguments(line.kind, deployment.provider, request, line.supported)
        call = line.call(self._session, Operation.CHAT)
        response = await self._chat(line, call, arguments)
        return _answer(call, _without_prefix(line.kind, litellm_shape.completion(response)))

    async def embed(self, deployment: Deployment, request: JsonObject) -> Answer:
        line = await self._line(deployment)
        arguments = embedding_arguments(line.kind, deployment.provider, request, line.supported)
        call = line.call(self._session, Operation.EMBEDDINGS)
        account = _account(line) | await self._authenticate(line, call)
        model = line.kind.model(deployment, Operation.EMBEDDINGS)
        try:
            with call.entered():
                response = await self._litellm.aembedding(model=model, **account, **_ONCE, **arguments)
        except Exception as error:
            raise self._translated(error, call, arguments) from None
        finally:
            call.close()
        return _answer(call, _without_prefix(line.kind, litellm_shape.embeddings(response)))

    async def stream(self, deployment: Deployment, request: JsonObject) -> AsyncGenerator[Chunk, None]:
        """The chunks; the last one, without choices, carries the usage. Closing it closes the connection."""
        line = await self._line(deployment)
        arguments = chat_arguments(line.kind, deployment.provider, request, line.supported)
        call = line.call(self._session, Operation.CHAT, streaming=True)
        wrapper: Any = None
        try:
            wrapper = await self._chat(line, call, arguments | _UPSTREAM_STREAM)
            first: JsonObject = {}
            while (chunk := await self._next(call, wrapper, arguments)) is not None:
                first = first or chunk
                # Some of LiteLLM's streams name each chunk anew; OpenAI's have one id.
                yield Chunk(chunk | {name: first[name] for name in ("id", "created") if name in first})
                if _finished(chunk) and call.watch is not None and call.watch.seen.closed:
                    break
            if (usage := call.counted()) is not None:
                yield Chunk(_usage_chunk(first, usage), usage)
        finally:
            call.close()
            if wrapper is not None:
                with contextlib.suppress(Exception):
                    await wrapper.aclose()

    async def _next(self, call: Call, wrapper: Any, names: Iterable[str]) -> JsonObject | None:
        """The next chunk that says something; None at the proper end."""
        while True:
            try:
                with call.entered():
                    chunk = litellm_shape.chunk(await anext(wrapper))
            except StopAsyncIteration:
                if call.failure is not None:
                    raise call.failure from None
                return None
            except Exception as error:
                raise self._translated(error, call, names) from None
            if _says_something(chunk):
                return chunk

    async def _chat(self, line: _Line, call: Call, arguments: JsonObject) -> Any:
        account = _account(line) | await self._authenticate(line, call)
        model = line.kind.model(line.deployment, Operation.CHAT)
        try:
            with call.entered():
                return await self._litellm.acompletion(
                    model=model, **account, **_ONCE, **_CHAT_ONLY, **arguments
                )
        except Exception as error:
            raise self._translated(error, call, arguments) from None
        finally:
            if not call.streaming:
                call.close()

    async def _rehearse(self, line: _Line) -> None:
        for streaming in (False, True):
            call = line.call(self._session, Operation.CHAT, streaming=streaming, rehearsal=True)
            arguments = _REHEARSED | (_UPSTREAM_STREAM if streaming else {})
            with contextlib.suppress(ProviderError):
                await self._chat(line, call, arguments)

    async def aclose(self) -> None:
        await self._roles.aclose()

    async def _authenticate(self, line: _Line, call: Call) -> JsonObject:
        """What only now is known of the account, as arguments."""
        provider = line.deployment.provider
        if provider.kind is ProviderKind.VERTEX_AI:
            token = "" if call.rehearsal else await self._tokens.token(provider)
            litellm_vertex.hand_over(self._litellm, line.deployment, token)
        elif provider.kind is ProviderKind.BEDROCK and aws_roles.assumes(provider):
            return _NO_KEYS if call.rehearsal else (await self._roles.keys(line.deployment)).arguments()
        return {}

    def _translated(self, error: Exception, call: Call, names: Iterable[str]) -> ProviderError:
        if call.status == 401 and call.provider.kind is ProviderKind.VERTEX_AI:
            self._tokens.forget(call.provider)
        return translate(error, call, [name for name in names if name != "messages"])

    async def _line(self, deployment: Deployment) -> _Line:
        line = self._lines.get(deployment.id)
        if line is None:
            async with self._loading:
                line = self._lines[deployment.id] = await asyncio.to_thread(self._new_line, deployment)
        return line

    def _new_line(self, deployment: Deployment) -> _Line:
        litellm = self._litellm = litellm_load.load()
        kind = KINDS[deployment.provider.kind]
        origin, path_prefix = origin_and_path(kind, deployment)
        base_url = kind.base_url(deployment)
        if kind.openai_sdk:
            client = litellm_load.openai_client(base_url, kind.account(deployment, base_url)["api_key"])
        else:
            client = litellm_load.http_client()
        if deployment.provider.kind is ProviderKind.OLLAMA:
            litellm_load.free_model(litellm, deployment.upstream_model)
        supported = litellm.get_supported_openai_params(
            model=deployment.upstream_model, custom_llm_provider=kind.prefix
        )
        proxy = self._proxy if self._proxy and self._proxy.serves(origin) else None
        return _Line(deployment, kind, origin, path_prefix, client, frozenset(supported or ()), proxy)


def _account(line: _Line) -> JsonObject:
    deployment = line.deployment
    timeouts = deployment.timeouts
    return {
        "client": line.client,
        # Ours come first; this one is for what LiteLLM does with a timeout of its own (600 s).
        "timeout": max(timeouts.total_s, timeouts.stream_s) + 60,
        **line.kind.account(deployment, line.kind.base_url(deployment)),
    }


def _answer(call: Call, payload: JsonObject) -> Answer:
    if call.failure is not None:
        raise call.failure
    if call.usage is not None:
        payload["usage"] = as_openai(call.usage, output=payload["object"] != "list")
    return Answer(payload, call.usage)


def _without_prefix(kind: Kind, payload: JsonObject) -> JsonObject:
    """LiteLLM puts its own name of some providers in front of the model."""
    for prefix in (kind.prefix, kind.embeddings_prefix):
        if prefix and payload.get("model"):
            payload["model"] = payload["model"].removeprefix(f"{prefix}/")
    return payload


def _says_something(chunk: JsonObject) -> bool:
    return any(choice["delta"] or choice["finish_reason"] for choice in chunk["choices"])


def _finished(chunk: JsonObject) -> bool:
    return any(choice.get("finish_reason") for choice in chunk["choices"])


def _usage_chunk(first: JsonObject, usage: Usage) -> JsonObject:
    kept: JsonObject = {name: first[name] for name in ("id", "object", "created", "model") if name in first}
    return {**kept, "choices": [], "usage": as_openai(usage)}
