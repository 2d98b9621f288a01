"""Prices out of LiteLLM's map."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gateway.providers.litellm_prices import price_of
from gateway.types import Price, ProviderKind


def test_a_price_is_exact() -> None:
    assert price_of(ProviderKind.OPENAI, "gpt-4o") == Price(
        Decimal("0.0000025"), Decimal("0.00001"), Decimal("0.00000125"), Decimal("0.0000025")
    )
    assert price_of(ProviderKind.ANTHROPIC, "claude-sonnet-4-5") == Price(
        Decimal("0.000003"), Decimal("0.000015"), Decimal("0.0000003"), Decimal("0.00000375")
    )


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        (ProviderKind.VERTEX_AI, "gemini-2.5-flash"),
        (ProviderKind.VERTEX_AI, "text-embedding-005"),
        (ProviderKind.VERTEX_AI, "claude-sonnet-4-5"),
        (ProviderKind.BEDROCK, "anthropic.claude-sonnet-4-5-20250929-v1:0"),
        (ProviderKind.BEDROCK, "amazon.titan-embed-text-v2:0"),
        (ProviderKind.OPENAI, "text-embedding-3-small"),
    ],
)
def test_every_kind_finds_its_models(kind: ProviderKind, model: str) -> None:
    price = price_of(kind, model)
    assert price is not None
    assert price.input_per_token > 0
    assert isinstance(price.output_per_token, Decimal)


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        (ProviderKind.OPENAI, "no-such-model"),
        (ProviderKind.OPENAI, "claude-sonnet-4-5"),
        (ProviderKind.ANTHROPIC, "gpt-4o"),
        (ProviderKind.OPENAI_COMPATIBLE, "gpt-4o"),
        (ProviderKind.VERTEX_ENDPOINT, "gemini-2.5-flash"),
        (ProviderKind.OPENAI, "sample_spec"),
    ],
)
def test_no_price_is_taken_from_another_provider(kind: ProviderKind, model: str) -> None:
    assert price_of(kind, model) is None


def test_the_cache_is_never_cheaper_than_the_map_says() -> None:
    price = price_of(ProviderKind.BEDROCK, "amazon.titan-embed-text-v2:0")
    assert price is not None
    assert price.cached_input_per_token == price.cache_write_per_token == price.input_per_token
