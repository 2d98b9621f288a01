"""A request goes to the deployment's region or nowhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from gateway.errors import ProviderMisconfigured
from gateway.providers import Providers
from gateway.providers.litellm_kinds import KINDS, origin_and_path
from gateway.providers.vertex_endpoint import endpoint_name
from gateway.types import Deployment, JsonObject, ProviderKind

Simulators = Any
MakeDeployment = Callable[..., Deployment]
ASK: JsonObject = {"messages": [{"role": "user", "content": "Hi"}]}


async def test_litellm_cannot_move_a_model_to_another_region(
    simulators: Simulators, deployment: MakeDeployment
) -> None:
    """Its map says where a model is served, and it goes there, with a warning, whatever it was told."""
    from gateway.providers import litellm_load

    model = "deepseek-ai/deepseek-v3.2-maas"
    assert litellm_load.load().model_cost[f"vertex_ai/{model}"]["supported_regions"] == ["global"]
    row = dataclasses.replace(deployment(ProviderKind.VERTEX_AI), upstream_model=model)
    async with Providers([row]) as room:
        with pytest.raises(ProviderMisconfigured):
            await room.complete(row, ASK)
    assert await simulators.asked(ProviderKind.VERTEX_AI) == []


@pytest.mark.parametrize(
    ("kind", "region", "origin"),
    [
        (ProviderKind.VERTEX_AI, "europe-west4", "https://europe-west4-aiplatform.googleapis.com"),
        (ProviderKind.VERTEX_AI, "global", "https://aiplatform.googleapis.com"),
        (ProviderKind.VERTEX_AI, "eu", "https://aiplatform.eu.rep.googleapis.com"),
        (ProviderKind.BEDROCK, "eu-central-1", "https://bedrock-runtime.eu-central-1.amazonaws.com"),
        (ProviderKind.BEDROCK, "cn-north-1", "https://bedrock-runtime.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_real_addresses_are_the_regions(
    kind: ProviderKind, region: str, origin: str, deployment: MakeDeployment
) -> None:
    row = dataclasses.replace(deployment(kind, base_url=None), region=region)
    given, path = origin_and_path(KINDS[kind], row)
    assert given == origin
    if kind is ProviderKind.VERTEX_AI:
        assert path == f"/v1/projects/sim-project/locations/{region}/"


def test_an_endpoint_may_be_given_by_id_or_by_name(deployment: MakeDeployment) -> None:
    row = deployment(ProviderKind.VERTEX_ENDPOINT)
    assert endpoint_name(row) == "projects/sim-project/locations/europe-west1/endpoints/4242"
    full = "projects/p/locations/us-east4/endpoints/7"
    assert endpoint_name(dataclasses.replace(row, upstream_model=full)) == full
