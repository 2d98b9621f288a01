"""Step 8: which of the eligible deployments to ask, in which order. Pure."""

from gateway.routing.plan import AUTO, Plan, candidates, plan

__all__ = ["AUTO", "Plan", "candidates", "plan"]
