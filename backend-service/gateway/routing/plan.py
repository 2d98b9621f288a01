"""From the name that a caller asked for to the deployments to ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.types import Deployment, Operation

#: The model name that leaves the choice to the gateway.
AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Plan:
    """The deployments to ask, first to last, and why in this order."""

    attempts: tuple[Deployment, ...]
    reason: str


def candidates(model: str, operation: Operation, deployments: Sequence[Deployment]) -> tuple[Deployment, ...]:
    """The deployments that ``model`` names for ``operation``, in the file's order.

    A name may carry its provider (``openai/gpt-4o``); ``auto`` names all of them.
    """
    return tuple(
        deployment
        for deployment in deployments
        if operation in deployment.operations
        and model in {AUTO, deployment.model, deployment.qualified_model}
    )


def plan(model: str, eligible: Sequence[Deployment]) -> Plan:
    """``auto`` takes the first eligible deployment; a model's name all that serve it, in the file's order.

    ``eligible`` must not be empty.
    """
    if model == AUTO:
        return Plan((eligible[0],), "auto: first cleared deployment in the file's order")
    return Plan(tuple(eligible), "by name, in the file's order")
