"""LiteLLM's objects as OpenAI's JSON: what OpenAI has, where OpenAI has it, and nothing of LiteLLM's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.types import JsonObject

_TOP = (
    "id",
    "object",
    "created",
    "model",
    "system_fingerprint",
    "service_tier",
    "choices",
)
_SAID = (
    "role",
    "content",
    "refusal",
    "tool_calls",
    "function_call",
    "audio",
    "annotations",
    "reasoning_content",
    "thinking_blocks",
    "images",
)
"""Of a message or a delta. The last three are not OpenAI's, but what an answer says must not be lost."""


def completion(response: Any) -> JsonObject:
    """A ``chat.completion``."""
    dumped = response.model_dump(exclude_none=True)
    payload = {name: dumped[name] for name in _TOP if name in dumped}
    payload["choices"] = [_choice(choice, "message") for choice in dumped.get("choices") or ()]
    return payload


def chunk(response: Any) -> JsonObject:
    """A ``chat.completion.chunk``."""
    dumped = response.model_dump(exclude_none=True)
    payload = {name: dumped[name] for name in _TOP if name in dumped}
    payload["choices"] = [_choice(choice, "delta") for choice in dumped.get("choices") or ()]
    return payload


def embeddings(response: Any) -> JsonObject:
    """A ``list`` of embeddings."""
    dumped = response.model_dump(exclude_none=True)
    return {"object": "list", "data": dumped.get("data") or [], "model": dumped.get("model")}


def _choice(choice: Mapping[str, Any], part: str) -> JsonObject:
    said = choice.get(part) or {}
    kept: JsonObject = {name: said[name] for name in _SAID if said.get(name) not in (None, [])}
    if part == "message":
        kept.setdefault("content", None)
        kept.setdefault("refusal", None)
    elif said.get("content") == "":
        kept["content"] = ""
    return {
        "index": choice.get("index", 0),
        part: kept,
        "logprobs": choice.get("logprobs"),
        "finish_reason": choice.get("finish_reason"),
    }
