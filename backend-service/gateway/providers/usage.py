"""Tokens as each protocol reports them, as one ``Usage`` whose parts add up.

Read from what came over the wire, not from LiteLLM: that estimates what a provider left out, and puts cached
tokens now inside and now beside the input.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.types import JsonObject, Usage

ReadUsage = Callable[[Mapping[str, Any]], Usage | None]
"""From the object that a protocol keeps its counts in; None when the counts are not there."""


def count(counts: object, name: str) -> int:
    """A token count; 0 where it is absent or not one."""
    value = counts.get(name) if isinstance(counts, Mapping) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def openai_usage(counts: Mapping[str, Any]) -> Usage | None:
    """``prompt_tokens`` holds the cached ones."""
    if "prompt_tokens" not in counts:
        return None
    prompt = counts.get("prompt_tokens_details")
    return Usage(
        input_tokens=count(counts, "prompt_tokens"),
        output_tokens=count(counts, "completion_tokens"),
        cached_input_tokens=count(prompt, "cached_tokens"),
        cache_write_tokens=count(prompt, "cache_write_tokens"),
        reasoning_tokens=count(counts.get("completion_tokens_details"), "reasoning_tokens"),
    )


def anthropic_usage(counts: Mapping[str, Any]) -> Usage | None:
    """``input_tokens`` holds neither the tokens read from the cache nor those written to it."""
    if "input_tokens" not in counts:
        return None
    read = count(counts, "cache_read_input_tokens")
    written = count(counts, "cache_creation_input_tokens")
    return Usage(
        input_tokens=count(counts, "input_tokens") + read + written,
        output_tokens=count(counts, "output_tokens"),
        cached_input_tokens=read,
        cache_write_tokens=written,
    )


def gemini_usage(counts: Mapping[str, Any]) -> Usage | None:
    """Thoughts are billed as output and are not in ``candidatesTokenCount``."""
    if "promptTokenCount" not in counts:
        return None
    thoughts = count(counts, "thoughtsTokenCount")
    return Usage(
        input_tokens=count(counts, "promptTokenCount") + count(counts, "toolUsePromptTokenCount"),
        output_tokens=count(counts, "candidatesTokenCount") + thoughts,
        cached_input_tokens=count(counts, "cachedContentTokenCount"),
        reasoning_tokens=thoughts,
    )


def ollama_usage(counts: Mapping[str, Any]) -> Usage | None:
    """Ollama leaves ``prompt_eval_count`` out when it had the whole prompt cached."""
    if "eval_count" not in counts and "prompt_eval_count" not in counts:
        return None
    return Usage(input_tokens=count(counts, "prompt_eval_count"), output_tokens=count(counts, "eval_count"))


def bedrock_usage(counts: Mapping[str, Any]) -> Usage | None:
    """``inputTokens`` leaves the cache's tokens out, which shows in ``totalTokens``."""
    if "inputTokens" not in counts:
        return None
    plain, output = count(counts, "inputTokens"), count(counts, "outputTokens")
    read, written = count(counts, "cacheReadInputTokens"), count(counts, "cacheWriteInputTokens")
    inside = count(counts, "totalTokens") == plain + output
    return Usage(
        input_tokens=plain if inside else plain + read + written,
        output_tokens=output,
        cached_input_tokens=read,
        cache_write_tokens=written,
    )


def add(first: Usage | None, second: Usage | None) -> Usage | None:
    """The sum, for an answer that took several requests."""
    if first is None or second is None:
        return first or second
    return Usage(
        first.input_tokens + second.input_tokens,
        first.output_tokens + second.output_tokens,
        first.cached_input_tokens + second.cached_input_tokens,
        first.cache_write_tokens + second.cache_write_tokens,
        first.reasoning_tokens + second.reasoning_tokens,
    )


def as_openai(usage: Usage, *, output: bool = True) -> JsonObject:
    """The ``usage`` object of OpenAI's shape; embeddings have no output."""
    total: JsonObject = {"prompt_tokens": usage.input_tokens}
    if output:
        total["completion_tokens"] = usage.output_tokens
    total["total_tokens"] = usage.input_tokens + usage.output_tokens
    if output:
        prompt = {"cached_tokens": usage.cached_input_tokens}
        if usage.cache_write_tokens:
            prompt["cache_write_tokens"] = usage.cache_write_tokens
        total["prompt_tokens_details"] = prompt
        total["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return total
