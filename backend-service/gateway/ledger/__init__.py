"""Step 10: what an answer cost."""

from gateway.ledger.cost import cost_usd

__all__ = ["cost_usd"]
