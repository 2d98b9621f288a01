"""Tokens: each protocol's own counts, as parts that add up."""

from __future__ import annotations

import itertools

import pytest

from gateway.providers.usage import (
    add,
    anthropic_usage,
    as_openai,
    bedrock_usage,
    gemini_usage,
    ollama_usage,
    openai_usage,
)
from gateway.types import Usage


def test_openai_counts_cached_tokens_within_the_input() -> None:
    usage = openai_usage(
        {
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "prompt_tokens_details": {"cached_tokens": 64},
            "completion_tokens_details": {"reasoning_tokens": 30},
        }
    )
    assert usage == Usage(100, 50, 64, 0, 30)


def test_anthropic_counts_cached_and_cache_writing_tokens_beside_the_input() -> None:
    usage = anthropic_usage(
        {
            "input_tokens": 10,
            "output_tokens": 5,
            "cache_read_input_tokens": 70,
            "cache_creation_input_tokens": 20,
        }
    )
    assert usage == Usage(100, 5, 70, 20)


def test_gemini_counts_thoughts_beside_the_candidates() -> None:
    usage = gemini_usage(
        {
            "promptTokenCount": 90,
            "toolUsePromptTokenCount": 10,
            "candidatesTokenCount": 5,
            "thoughtsTokenCount": 7,
            "cachedContentTokenCount": 40,
        }
    )
    assert usage == Usage(100, 12, 40, 0, 7)


def test_bedrock_shows_in_the_total_where_it_counts_the_cache() -> None:
    beside = {"inputTokens": 10, "outputTokens": 5, "cacheReadInputTokens": 70, "cacheWriteInputTokens": 20}
    assert bedrock_usage(beside | {"totalTokens": 105}) == Usage(100, 5, 70, 20)
    assert bedrock_usage(
        {"inputTokens": 100, "outputTokens": 5, "totalTokens": 105, "cacheReadInputTokens": 70}
    ) == (Usage(100, 5, 70, 0))


def test_ollama_leaves_out_a_prompt_that_it_had_cached() -> None:
    assert ollama_usage({"eval_count": 3}) == Usage(0, 3)


@pytest.mark.parametrize("read", [openai_usage, anthropic_usage, gemini_usage, ollama_usage, bedrock_usage])
def test_no_counts_are_no_usage(read: object) -> None:
    assert callable(read)
    assert read({}) is None


@pytest.mark.parametrize("odd", [None, -3, 1.5, "7", True, [], {}])
def test_odd_counts_are_nought(odd: object) -> None:
    assert openai_usage({"prompt_tokens": odd, "completion_tokens": odd}) == Usage(0, 0)
    assert openai_usage({"prompt_tokens": 4, "prompt_tokens_details": odd}) == Usage(4, 0)


def test_parts_never_exceed_the_input() -> None:
    for plain, read, written, output in itertools.product((0, 1, 17), repeat=4):
        anthropic = anthropic_usage(
            {
                "input_tokens": plain,
                "output_tokens": output,
                "cache_read_input_tokens": read,
                "cache_creation_input_tokens": written,
            }
        )
        bedrock = bedrock_usage(
            {
                "inputTokens": plain,
                "outputTokens": output,
                "totalTokens": plain + read + written + output,
                "cacheReadInputTokens": read,
                "cacheWriteInputTokens": written,
            }
        )
        assert anthropic == bedrock
        assert anthropic is not None
        assert anthropic.input_tokens == plain + anthropic.cached_input_tokens + anthropic.cache_write_tokens


def test_an_answer_of_several_requests_is_their_sum() -> None:
    assert add(None, None) is None
    assert add(None, Usage(1, 2)) == Usage(1, 2)
    assert add(Usage(1, 2, 1, 0, 2), Usage(10, 20, 0, 3, 4)) == Usage(11, 22, 1, 3, 6)


def test_the_openai_object_has_the_totals_of_its_parts() -> None:
    value = as_openai(Usage(100, 12, 40, 5, 7))
    assert value["total_tokens"] == 112
    assert value["prompt_tokens_details"] == {"cached_tokens": 40, "cache_write_tokens": 5}
    assert as_openai(Usage(3, 0), output=False) == {"prompt_tokens": 3, "total_tokens": 3}
