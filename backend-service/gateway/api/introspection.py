"""What the gateway tells about itself. Nothing here holds a secret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.api.state import Checks
from gateway.configuration import Configuration
from gateway.errors import ModelNotFound, Unavailable
from gateway.settings import Settings
from gateway.types import Deployment


def models(deployments: Sequence[Deployment]) -> dict[str, Any]:
    """OpenAI's list of models; a model that several deployments serve stands there once."""
    rows = {deployment.model: _model(deployment) for deployment in reversed(deployments)}
    return {"object": "list", "data": list(reversed(rows.values()))}


def model(name: str, deployments: Sequence[Deployment]) -> dict[str, Any]:
    """OpenAI's description of one model. Raises ModelNotFound."""
    for deployment in deployments:
        if name in {deployment.model, deployment.qualified_model}:
            return _model(deployment)
    raise ModelNotFound("No model of that name; GET /v1/models lists those you may use.", param="model")


def providers(configuration: Configuration) -> dict[str, Any]:
    """Every provider with its deployments."""
    return {
        "providers": [
            {
                "name": provider.name,
                "kind": provider.kind.value,
                "simulated": provider.simulated,
                "available": provider.unavailable is None,
                "missing": provider.unavailable,
                "deployments": [
                    {
                        "id": deployment.id,
                        "model": deployment.model,
                        "region": deployment.region,
                        "operations": sorted(deployment.operations),
                        "cleared_for": sorted(deployment.cleared_for),
                    }
                    for deployment in configuration.deployments
                    if deployment.provider.name == provider.name
                ],
            }
            for provider in configuration.providers.values()
        ]
    }


async def shared_store(settings: Settings, checks: Checks) -> dict[str, Any]:
    """The shared store's kind and that it works. Raises Unavailable when it does not."""
    problem = await checks["shared_store"]()
    if problem is not None:
        raise Unavailable(f"The shared store does not work: {problem}.", retry_after_s=1)
    return {"status": "ok", "store": settings.public()["shared_store"]}


def _model(deployment: Deployment) -> dict[str, Any]:
    return {
        "id": deployment.model,
        "object": "model",
        "created": 0,
        "owned_by": deployment.provider.name,
    }
