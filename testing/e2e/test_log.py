"""The log tells what happened, and nothing of what was said."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable

import httpx
import yaml

from testing.e2e.caller import CHAT, Caller
from testing.e2e.log import Log
from testing.e2e.simulators import Simulators
from testing.e2e.spellings import holds
from testing.e2e.under_test import Gateway

MARKER = "zq7Planted-Marker9"
"""Stands wherever a caller can put text."""
IN_THE_ADDRESS = "wv4Planted-Address7"
"""Stands in paths and queries, which the log of a Kong may hold, but ours does not."""


def test_one_line_a_request(caller: Caller, log: Log, simulators: Simulators) -> None:
    simulators.fault("groq", "500")
    answers = [
        caller.chat("gpt-4o"),
        caller.chat("llama-3.3-70b-versatile"),
        caller.chat("no-such-model"),
        caller.chat("gpt-4o", "SSN 219-09-9999"),
        caller.get("/v1/models"),
        caller.get("/nowhere"),
        caller.raw(b"not json"),
        caller.get("/config"),
    ]
    outcomes = [log.request(answer.headers["x-request-id"])["outcome"] for answer in answers]
    assert outcomes == [
        "ok",
        "provider_error",
        "model_not_found",
        "no_eligible_deployment",
        "ok",
        "unknown_url",
        "invalid_request",
        "forbidden",
    ]
    statuses = [log.request(answer.headers["x-request-id"])["status"] for answer in answers]
    assert statuses == [answer.status_code for answer in answers]
    for answer in answers:
        line = log.request(answer.headers["x-request-id"])
        assert line["level"] == "info"
        assert line["duration_ms"] >= line["upstream_ms"] >= 0
        assert line["timestamp"].endswith("Z")


def test_it_says_that_providers_are_simulated(log: Log, gateway: Gateway, caller: Caller) -> None:
    answer = caller.chat("gpt-4o")
    line = log.request(answer.headers["x-request-id"])
    assert line["simulated"] == (answer.headers.get("x-gateway-simulated") == "true")
    if line["simulated"] and any(entry["message"] == "ready" for entry in log.lines()):
        (said,) = (entry for entry in log.lines() if entry["message"] == "simulated_providers")
        assert said["level"] == "warning"
        assert len(said["providers"]) == 8


def test_nothing_of_what_was_said(
    caller: Caller, client: httpx.Client, gateway: Gateway, log: Log, simulators: Simulators
) -> None:
    """A marker wherever text can stand, in requests that go well and in such that fail in every way."""
    tokens = [caller.token() for _ in range(2)]
    last = None
    for fault in (None, "400", "401", "429", "500", "garbage", "cut", "malformed", "error-event", "refuse"):
        for name, model in (
            ("openai", "gpt-4o"),
            ("ollama", "llama3.2:1b"),
            ("anthropic", "claude-sonnet-4-6"),
        ):
            simulators.no_faults()
            if fault:
                simulators.fault(name, fault)
            caller.chat(model, MARKER, user=MARKER, metadata={MARKER: MARKER})
            caller.stream(model, MARKER)
    simulators.no_faults()
    for body in (
        {"model": MARKER, "messages": [{"role": "user", "content": MARKER}]},
        {"model": "gpt-4o", "messages": MARKER},
        {"model": "gpt-4o", "messages": [{"role": MARKER, "content": MARKER}]},
        {"model": "gpt-4o", "messages": [{"role": "user", "content": MARKER}], "temperature": MARKER},
        {"model": "gpt-4o", "messages": [{"role": "user", "content": f"SSN 219-09-9999 {MARKER}"}]},
        {MARKER: MARKER},
    ):
        caller.request("POST", CHAT, json=body)
    caller.raw(f'{{"model": "{MARKER}'.encode())
    caller.raw(MARKER.encode(), MARKER)
    caller.request("POST", "/v1/embeddings", json={"model": "text-embedding-3-small", "input": MARKER})
    caller.get(f"/{IN_THE_ADDRESS}?{IN_THE_ADDRESS}={IN_THE_ADDRESS}")
    caller.get(f"/v1/models/{IN_THE_ADDRESS}")
    caller.request(
        "POST",
        CHAT,
        json={"model": "gpt-4o", "messages": [{"role": "user", "content": MARKER}]},
        headers={"X-Data-Class": MARKER, "X-Gateway-Tag": MARKER, "Cookie": MARKER},
    )
    for token in (*tokens, MARKER, f"{tokens[0][:-3]}AAA"):
        last = client.get(f"{gateway.url}/v1/models", headers={"Authorization": f"Bearer {token}"})
    assert last is not None
    end = caller.get("/v1/models")
    log.request(end.headers["x-request-id"])
    assert not holds(log.data(), IN_THE_ADDRESS)
    for data in (log.data(), *_edge_logs(gateway)):
        assert not holds(data, MARKER)
        for token in tokens:
            assert token.encode() not in data
            assert token.rpartition(".")[2].encode() not in data


def test_no_secret(caller: Caller, log: Log, gateway: Gateway) -> None:
    """No consumer's secret, no tag key, no provider's key; the tags and tokens begin with eyJ."""
    caller.chat("gpt-4o")
    data = log.data()
    secrets = [row["secret"] for row in gateway.credentials.values() if "secret" in row]
    if gateway.tag_keys is not None:
        secrets += yaml.safe_load(gateway.tag_keys.read_text(encoding="utf-8"))["keys"].values()
    assert not [secret for secret in secrets if secret.encode() in data]
    start = urlsafe_b64encode(json.dumps({"alg": "HS256"}, separators=(",", ":")).encode())[:8]
    assert start == b"eyJhbGci"
    for word in (start, b"Bearer", b"PRIVATE KEY", b"sk-simulated", b"gsk_simulated", b"AKIASIM"):
        assert word not in data


def test_line_breaks_in_claims_make_no_lines(
    caller: Caller, log: Log, next_caller: Callable[[], Caller]
) -> None:
    subject = 'x\n{"message": "request", "request_id": "forged"}\r\n'
    answer = caller.chat("gpt-4o", claims={"sub": subject, "tier": "gold\r\nX-Evil: 1"})
    assert answer.status_code == 200
    assert "x-evil" not in answer.headers
    assert log.request(answer.headers["x-request-id"])["subject"] == subject
    assert not [line for line in log.lines() if line.get("request_id") == "forged"]


def _edge_logs(gateway: Gateway) -> list[bytes]:
    if gateway.edge_logs is None:
        return []
    return [path.read_bytes() for path in gateway.edge_logs.iterdir() if path.is_file()]
