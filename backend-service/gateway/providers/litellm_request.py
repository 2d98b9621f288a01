"""What of a caller's request reaches LiteLLM, and under which name.

``acompletion`` takes hundreds of keyword arguments beside OpenAI's: ``api_base``, ``mock_response``,
``fallbacks``, ``extra_headers``. A caller must reach none of them, so only names listed here become
arguments.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from gateway.errors import ProviderError
from gateway.providers import failures
from gateway.providers.litellm_kinds import Kind
from gateway.types import JsonObject, Provider

CHAT = frozenset(
    {
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "modalities",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
    }
)
EMBEDDINGS = frozenset({"dimensions", "encoding_format", "input", "user"})

HINTS: Mapping[str, Collection[Any] | None] = {
    "frequency_penalty": (0,),
    "logprobs": (False,),
    "metadata": None,
    "modalities": (["text"],),
    "n": (1,),
    "parallel_tool_calls": (True,),
    "presence_penalty": (0,),
    "prompt_cache_key": None,
    "prompt_cache_retention": None,
    "response_format": ({"type": "text"},),
    "safety_identifier": None,
    "seed": None,
    "service_tier": None,
    "store": (False,),
    "user": None,
    "verbosity": None,
}
"""What may be left out where a provider does not know it: with these values (None: with any) an answer
without it is still the answer that was asked for. Everything else that is not supported is refused, never
dropped: whoever asks for ``logprobs`` or ``tools`` must not get an answer without them."""

_PASSED_BESIDE = frozenset({"metadata", "prompt_cache_retention"})
"""OpenAI's, but LiteLLM takes an argument of that name for its own use: these go into the body as they
are."""

_OURS = frozenset({"stream", "stream_options", "model"})
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,63}")
_TOOLS = frozenset({"function", "custom"})
_SOURCES = frozenset({"data", "file_data", "file_id", "image_url", "url", "video_url"})


def chat_arguments(
    kind: Kind, provider: Provider, request: JsonObject, supported: Collection[str]
) -> JsonObject:
    """LiteLLM's arguments for a chat request. Raises ``ProviderRejected`` naming what does not fit."""
    arguments = _arguments(kind, provider, request, CHAT, supported)
    _check_tools(provider, request)
    if kind.fetches:
        _check_sources(provider, request)
    return arguments


def embedding_arguments(
    kind: Kind, provider: Provider, request: JsonObject, supported: Collection[str]
) -> JsonObject:
    """LiteLLM's arguments for an embeddings request. Raises ``ProviderRejected``."""
    arguments = _arguments(kind, provider, request, EMBEDDINGS, {*supported, "input"})
    # Vectors as numbers are the default everywhere, and all that most providers know.
    if arguments.get("encoding_format") == "float" and "encoding_format" not in supported:
        del arguments["encoding_format"]
    return arguments


def _arguments(
    kind: Kind, provider: Provider, request: JsonObject, known: Collection[str], supported: Collection[str]
) -> JsonObject:
    arguments: JsonObject = {}
    beside: JsonObject = {}
    for name, value in request.items():
        if value is None or name in _OURS:
            continue
        if name not in known:
            if kind.extras or name in _PASSED_BESIDE:
                beside[name] = _copy(value)
                continue
            raise _unknown(provider, name)
        if name in HINTS and name not in supported and _is_hint(name, value):
            continue
        arguments[name] = _copy(value)
    if beside and kind.extras:
        arguments["extra_body"] = beside
    return arguments


def _is_hint(name: str, value: object) -> bool:
    values = HINTS[name]
    return values is None or value in values


def _copy(value: Any) -> Any:
    """LiteLLM changes messages in place; the next attempt needs them as they were. Texts are shared."""
    if isinstance(value, dict):
        return {name: _copy(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value


def _unknown(provider: Provider, name: str) -> ProviderError:
    param = name if _NAME.fullmatch(name) else None
    return failures.rejected(
        provider, "it does not know a parameter in it" + (f" ({param})" if param else ""), param=param
    )


def _check_tools(provider: Provider, request: JsonObject) -> None:
    """Others than functions make LiteLLM itself act (``mcp`` imports its proxy server)."""
    for index, tool in enumerate(request.get("tools") or ()):
        if not isinstance(tool, Mapping) or tool.get("type") not in _TOOLS:
            raise failures.rejected(
                provider, "only tools of type function or custom can be passed on", param=f"tools[{index}]"
            )


def _check_sources(provider: Provider, request: JsonObject) -> None:
    """LiteLLM fetches images by URL from inside the gateway's network. Ours must come with the request."""
    for index, message in enumerate(request.get("messages") or ()):
        content = message.get("content") if isinstance(message, Mapping) else None
        if isinstance(content, list) and any(not _carried(source) for source in _sources(content)):
            raise failures.rejected(
                provider,
                "it takes images and files only as data: URLs",
                param=f"messages[{index}].content",
            )


def _sources(node: object) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _sources(item)
    elif isinstance(node, Mapping) and node.get("type") != "text":
        for name, value in node.items():
            if isinstance(value, str):
                if name in _SOURCES:
                    yield value
            else:
                yield from _sources(value)


def _carried(source: str) -> bool:
    """A data: URL, a file in Google's store, or bare base64: nothing that names another place."""
    if source.startswith(("data:", "gs://")):
        return True
    return re.fullmatch(r"[A-Za-z0-9+/=_-]{64,}", source[:256]) is not None and "//" not in source[:8]
