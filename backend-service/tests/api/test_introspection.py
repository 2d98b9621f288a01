"""What the gateway tells, and to whom."""

from dataclasses import replace
from typing import Any

import pytest

ADMIN = ("admin", "inference")


async def test_models_are_those_the_caller_may_use(backend: Any) -> None:
    async with backend.get("/v1/models") as response:
        assert [row["id"] for row in (await response.json())["data"]] == ["m-cloud", "m-own"]
    async with backend.get("/v1/models", tenant="clinic") as response:
        assert [row["id"] for row in (await response.json())["data"]] == ["m-own"]
    async with backend.get("/v1/models", models=("m-cloud",)) as response:
        assert [row["id"] for row in (await response.json())["data"]] == ["m-cloud"]


async def test_one_model_by_either_name(backend: Any) -> None:
    for name in ("m-own", "own/m-own"):
        async with backend.get(f"/v1/models/{name}") as response:
            assert (await response.json())["id"] == "m-own"
    async with backend.get("/v1/models/m-cloud", tenant="clinic") as response:
        assert response.status == 404


@pytest.mark.parametrize("path", ["/config", "/settings", "/redis-test"])
async def test_administration_needs_its_scope(backend: Any, path: str) -> None:
    async with backend.get(path) as response:
        assert response.status == 403
        assert "admin" in (await response.json())["error"]["message"]
    async with backend.get(path, scopes=("admin",), tenant="clinic") as response:
        assert response.status == 403
    async with backend.get(path, scopes=ADMIN) as response:
        assert response.status == 200


async def test_nothing_shown_holds_a_secret(
    settings: Any, configuration: Any, scripted: Any, running: Any
) -> None:
    planted = "planted-secret-value"
    row = configuration.deployments[0]
    provider = replace(row.provider, credentials={"OPENAI_API_KEY": planted})
    changed = replace(
        configuration,
        providers={provider.name: provider},
        deployments=(replace(row, provider=provider), *configuration.deployments[1:]),
    )
    opened = replace(settings, credentials={"OPENAI_API_KEY": planted})
    async with running(opened, changed, scripted) as backend:
        for path in ("/config", "/settings", "/providers", "/redis-test", "/v1/models"):
            async with backend.get(path, scopes=ADMIN) as response:
                assert response.status == 200
                assert planted not in await response.text()
    assert planted not in repr(opened) + repr(changed)


async def test_providers_say_what_they_are_cleared_for(backend: Any) -> None:
    async with backend.get("/providers") as response:
        rows = (await response.json())["providers"]
    assert [row["name"] for row in rows] == ["cloud", "own"]
    assert rows[0]["deployments"][0]["cleared_for"] == ["internal"]


async def test_other_paths_and_methods_are_errors_of_ours(backend: Any) -> None:
    async with backend.get("/nothing") as response:
        assert response.status == 404
        assert (await response.json())["error"]["code"] == "unknown_url"
    async with backend.get("/v1/chat/completions") as response:
        assert response.status == 405
        assert (await response.json())["error"]["code"] == "method_not_allowed"


async def test_management_answers_without_a_tag(backend: Any) -> None:
    async with backend.session.get(backend.management_url + "/ready") as response:
        assert await response.json() == {"ready": True, "parts": {"shared_store": "ok"}}
    async with backend.session.get(backend.management_url + "/openapi.json") as response:
        schema = await response.json()
    assert "/v1/chat/completions" in schema["paths"]
    refs = [part for part in str(schema).split("'") if part.startswith("#/components/schemas/")]
    assert all(ref.rsplit("/", 1)[1] in schema["components"]["schemas"] for ref in refs)
    async with backend.session.get(backend.management_url + "/docs") as response:
        assert "swagger" in (await response.text()).lower()
    async with backend.session.get(backend.management_url + "/v1/models") as response:
        assert response.status == 404


async def test_a_part_that_is_down_is_named(
    settings: Any, configuration: Any, scripted: Any, running: Any
) -> None:
    lonely = replace(settings, redis_url="redis://127.0.0.1:9/0")
    async with (
        running(lonely, configuration, scripted) as backend,
        backend.session.get(backend.management_url + "/ready") as response,
    ):
        assert response.status == 503
        body = await response.json()
    assert body["ready"] is False
    assert "Redis does not answer" in body["parts"]["shared_store"]


async def test_metrics_count_what_happened(backend: Any) -> None:
    ask = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
    async with backend.post("/v1/chat/completions", ask):
        pass
    async with backend.session.get(backend.management_url + "/metrics") as response:
        text = await response.text()
    assert 'portcullis_requests_total{compliance_class="public",operation="chat",status="200"} 1.0' in text
    assert 'portcullis_tokens_total{deployment="cloud",kind="input"} 10.0' in text
    assert 'portcullis_cost_usd_total{deployment="cloud",tenant="demo"} 0.14' in text
    assert 'portcullis_attempts_total{deployment="cloud",outcome="ok"} 1.0' in text
