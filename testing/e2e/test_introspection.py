"""What the gateway tells about itself, and to whom."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
import yaml

from testing.e2e.caller import Caller, error_of
from testing.e2e.simulators import Simulators
from testing.e2e.under_test import Gateway

ADMIN = {"scope": "inference admin"}


def _ids(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 200, answer.text
    assert answer.json()["object"] == "list"
    return {row["id"] for row in answer.json()["data"]}


def test_models_are_those_that_the_caller_may_use(
    caller: Caller, caller_for: Callable[[str], Caller], models: frozenset[str]
) -> None:
    assert {"gpt-4o", "gemini-3.5-flash-lite", "llama3.2:1b", "text-embedding-3-small"} <= models
    at_home = {"llama3.2:1b", "impatient-llama3.2:1b", "nomic-embed-text"}
    assert _ids(caller.get("/v1/models", claims={"class_floor": "phi"})) == at_home & models
    assert _ids(caller.get("/v1/models", headers={"X-Data-Class": "secret"})) == at_home & models
    assert _ids(caller.get("/v1/models", claims={"models": ["gpt-4o"]})) == {"gpt-4o"}
    assert _ids(caller.get("/v1/models", claims={"models": []})) == set()
    assert _ids(caller.get("/v1/models", claims={"residency": ["us-east-1"]})) <= {
        "claude-3-5-sonnet-bedrock",
        "impatient-claude-3-5-sonnet-bedrock",
    }
    assert _ids(caller_for("limited").get("/v1/models")) == {"gpt-4o-mini", *at_home}
    assert _ids(caller_for("clinic").get("/v1/models")) == at_home
    assert "gpt-4o" not in _ids(caller_for("at-home").get("/v1/models"))


def test_a_model_that_the_caller_may_not_use_is_none(caller: Caller) -> None:
    claims = {"models": ["gpt-4o"]}
    assert caller.get("/v1/models/gpt-4o", claims=claims).json()["id"] == "gpt-4o"
    assert caller.get("/v1/models/openai/gpt-4o", claims=claims).json()["id"] == "gpt-4o"
    for path in ("/v1/models/gpt-4o-mini", "/v1/models/llama3.2:1b"):
        answer = caller.get(path, claims=claims)
        assert answer.status_code == 404
        assert error_of(answer)["code"] == "model_not_found"


def test_every_listed_model_answers(caller: Caller, models: frozenset[str]) -> None:
    for model in sorted(models):
        path, what = (
            ("/v1/embeddings", {"input": "Hello"}) if "embed" in model else ("/chat", {"prompt": "Hello"})
        )
        answer = caller.request("POST", path, json={"model": model, **what})
        assert answer.status_code == 200, (model, answer.text)


@pytest.mark.parametrize("path", ["/config", "/settings", "/redis-test"])
def test_what_needs_the_scope_admin(
    caller: Caller, caller_for: Callable[[str], Caller], client: httpx.Client, gateway: Gateway, path: str
) -> None:
    assert client.get(gateway.url + path).status_code == 401
    for refused in (
        caller.get(path),
        caller.get(path, claims={"scope": "inference"}),
        caller_for("clinic").get(path, claims=ADMIN),
    ):
        assert refused.status_code == 403
        error = error_of(refused)
        assert error["type"] == "permission_error"
        assert "admin" in error["message"]
    answer = caller.get(path, claims=ADMIN)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-request-id"]


def test_no_secret_is_in_any_of_them(caller: Caller, gateway: Gateway) -> None:
    secrets = [row["secret"] for row in gateway.credentials.values() if "secret" in row]
    if gateway.tag_keys is not None:
        secrets += yaml.safe_load(gateway.tag_keys.read_text(encoding="utf-8"))["keys"].values()
    token = caller.token(**ADMIN) if caller.tenant else caller.token()
    for path in (
        "/config",
        "/settings",
        "/redis-test",
        "/providers",
        "/v1/models",
        "/health",
        "/openapi.json",
    ):
        text = caller.get(path, claims=ADMIN).text
        for secret in (*secrets, token):
            assert secret not in text
        for word in ("PRIVATE KEY", "sk-simulated", "gsk_simulated", "AKIASIM", "simulated-bedrock"):
            assert word not in text


def test_config_is_what_is_in_force(caller: Caller) -> None:
    config = caller.get("/config", claims=ADMIN).json()
    rows = {row["id"]: row for row in config["deployments"]}
    assert rows["ollama-llama"]["cleared_for"] == ["internal", "pii", "pci", "phi", "secret"]
    assert config["tenants"]["clinic"]["floor"] == ["phi"]


def test_settings(caller: Caller) -> None:
    settings = caller.get("/settings", claims=ADMIN).json()
    assert settings["max_body_bytes"] == 20 * 1024 * 1024
    assert settings["shared_store"] in {"redis", "in-process"}


def test_the_shared_store_is_probed(caller: Caller) -> None:
    assert caller.get("/redis-test", claims=ADMIN).json()["status"] == "ok"


def test_providers(caller: Caller, simulators: Simulators) -> None:
    listed = {row["name"]: row for row in caller.get("/providers").json()["providers"]}
    assert {row["kind"] for row in listed.values()} >= {"openai", "vertex_ai", "bedrock", "ollama"}
    assert all(row["simulated"] for row in listed.values()), "the answer says so plainly"
    (ollama,) = (row for row in listed["ollama"]["deployments"] if row["id"] == "ollama-llama")
    assert "phi" in ollama["cleared_for"]
    assert simulators.asked() == set()


def test_health_is_the_only_open_address(client: httpx.Client, gateway: Gateway) -> None:
    answer = client.get(f"{gateway.url}/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert client.head(f"{gateway.url}/health").status_code == 200
    for path in ("/health/", "/healthz", "/health/x", "/docs", "/openapi.json", "/ready", "/metrics", "/"):
        assert client.get(gateway.url + path).status_code == 401, path
    assert client.post(f"{gateway.url}/health").status_code == 401


def test_ready_says_which_part(client: httpx.Client, management_url: str) -> None:
    answer = client.get(f"{management_url}/ready")
    assert answer.status_code == 200
    body = answer.json()
    assert body["ready"] is True
    assert body["parts"]["shared_store"] == "ok"
    assert set(body["parts"].values()) == {"ok"}


def test_metrics_count_what_happened(
    caller: Caller, client: httpx.Client, management_url: str, models: frozenset[str]
) -> None:
    def value(name: str) -> float:
        for line in client.get(f"{management_url}/metrics").text.splitlines():
            if line.startswith(f"{name} "):
                return float(line.rpartition(" ")[2])
        return 0.0

    names = [
        'portcullis_requests_total{compliance_class="public",operation="chat",status="200"}',
        'portcullis_attempts_total{deployment="openai-gpt-4o",outcome="ok"}',
        'portcullis_tokens_total{deployment="openai-gpt-4o",kind="output"}',
        'portcullis_refusals_total{code="no_eligible_deployment",compliance_class="phi"}',
    ]
    before = [value(name) for name in names]
    assert caller.chat("gpt-4o").status_code == 200
    assert caller.chat("gpt-4o", headers={"X-Data-Class": "phi"}).status_code == 403
    after = [value(name) for name in names]
    assert all(late > early for early, late in zip(before, after, strict=True)), (before, after)
    cost = f'portcullis_cost_usd_total{{deployment="openai-gpt-4o",tenant="{caller.tenant or "demo"}"}}'
    assert value(cost) > 0


def test_documentation(caller: Caller, client: httpx.Client, gateway: Gateway) -> None:
    answer = caller.get("/openapi.json")
    assert answer.status_code == 200
    paths = answer.json()["paths"]
    assert {"/v1/chat/completions", "/v1/embeddings", "/v1/models", "/chat", "/health"} <= set(paths)
    body = paths["/v1/chat/completions"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert {"model", "messages"} <= set(body["required"])
    assert "text/html" in caller.get("/docs").headers["content-type"]
    if gateway.management_url is not None:
        for path in ("/docs", "/openapi.json"):
            assert client.get(gateway.management_url + path).status_code == 200


def test_the_operators_port_serves_nothing_else(client: httpx.Client, management_url: str) -> None:
    for path in ("/v1/models", "/config", "/settings", "/providers", "/health"):
        assert client.get(management_url + path).status_code == 404, path
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
    assert client.post(f"{management_url}/v1/chat/completions", json=body).status_code == 404
