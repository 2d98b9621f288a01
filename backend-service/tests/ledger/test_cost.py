"""Every token is charged once."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger import cost_usd
from gateway.types import Price, Usage

PRICE = Price(Decimal("0.000003"), Decimal("0.000015"), Decimal("0.0000003"), Decimal("0.00000375"))
tokens = st.integers(0, 10**7)


def test_each_sort_has_its_price() -> None:
    usage = Usage(input_tokens=1000, output_tokens=10, cached_input_tokens=600, cache_write_tokens=300)
    assert cost_usd(usage, PRICE) == (
        100 * PRICE.input_per_token
        + 600 * PRICE.cached_input_per_token
        + 300 * PRICE.cache_write_per_token
        + 10 * PRICE.output_per_token
    )


@given(plain=tokens, cached=tokens, written=tokens, output=tokens)
def test_the_parts_add_up_exactly(plain: int, cached: int, written: int, output: int) -> None:
    one = Decimal("0.0000001")
    usage = Usage(plain + cached + written, output, cached, written)
    assert cost_usd(usage, Price(one, one, one, one)) == (plain + cached + written + output) * one
