"""Prices from the map that ships in the LiteLLM package, read without importing it."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from gateway.providers.litellm_kinds import KINDS
from gateway.providers.litellm_load import folder
from gateway.types import Price, ProviderKind

_FILE = "model_prices_and_context_window_backup.json"


def price_of(kind: ProviderKind, upstream_model: str) -> Price | None:
    """US dollars a token as the pinned map lists them; None for a model that it does not price.

    What the map leaves out is priced so that it is never too low: cached input as input, writing to the cache
    as input. Tiers for long contexts are not in a ``Price``.
    """
    row = KINDS.get(kind)
    if row is None:
        return None
    for name in (f"{row.prefix}/{upstream_model}", upstream_model):
        entry = _prices().get(name)
        if entry is not None and _section(entry) in row.price_sections:
            return _price(entry)
    return None


def _price(entry: Mapping[str, Any]) -> Price | None:
    per_input, per_output = entry.get("input_cost_per_token"), entry.get("output_cost_per_token")
    if not isinstance(per_input, Decimal) or not isinstance(per_output, Decimal):
        return None
    return Price(
        input_per_token=per_input,
        output_per_token=per_output,
        cached_input_per_token=_decimal(entry, "cache_read_input_token_cost", per_input),
        cache_write_per_token=_decimal(entry, "cache_creation_input_token_cost", per_input),
    )


def _decimal(entry: Mapping[str, Any], name: str, default: Decimal) -> Decimal:
    value = entry.get(name)
    return value if isinstance(value, Decimal) else default


@functools.cache
def _prices() -> Mapping[str, Mapping[str, Any]]:
    """Only the rows and fields that ``price_of`` reads: the whole map is 20 MB of objects."""
    wanted = (
        "cache_creation_input_token_cost",
        "cache_read_input_token_cost",
        "input_cost_per_token",
        "litellm_provider",
        "output_cost_per_token",
    )
    document = json.loads((folder() / _FILE).read_bytes(), parse_float=Decimal, parse_int=Decimal)
    sections = frozenset().union(*(row.price_sections for row in KINDS.values()))
    return {
        model: {name: entry[name] for name in wanted if name in entry}
        for model, entry in document.items()
        if _section(entry) in sections
    }


def _section(entry: Mapping[str, Any]) -> str:
    """``vertex_ai`` of ``vertex_ai-language-models``."""
    return str(entry.get("litellm_provider", "")).split("-")[0]
