"""Tokens times price. Pure, exact, `Decimal`."""

from __future__ import annotations

from decimal import Decimal

from gateway.types import Price, Usage


def cost_usd(usage: Usage, price: Price) -> Decimal:
    """US dollars for ``usage``: every input token is charged once, by its sort."""
    plain_input = usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens
    return (
        plain_input * price.input_per_token
        + usage.cached_input_tokens * price.cached_input_per_token
        + usage.cache_write_tokens * price.cache_write_per_token
        + usage.output_tokens * price.output_per_token
    )
