"""What the metrics count, when, and that nobody can make up a series."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from compliance.classes import ComplianceClass
from compliance.revision import RULES_REVISION
from gateway.errors import ProviderRateLimited, ProviderUnreachable, StreamInterrupted
from gateway.observability import Metrics
from gateway.observability import label_values as values
from gateway.observability.loop_lag import sampling
from gateway.types import Agreement, Deployment

CHAT = "/v1/chat/completions"
ROWS = {
    "requests_total": {"operation", "status", "compliance_class"},
    "request_duration_seconds": {"operation"},
    "overhead_seconds": {"operation"},
    "stage_duration_seconds": {"stage"},
    "time_to_first_token_seconds": {"deployment"},
    "time_per_output_token_seconds": {"deployment"},
    "attempts_total": {"deployment", "outcome"},
    "attempt_duration_seconds": {"deployment"},
    "dispatches_total": {"deployment", "compliance_class"},
    "tokens_total": {"deployment", "kind"},
    "cost_usd_total": {"deployment", "tenant"},
    "refusals_total": {"code", "compliance_class"},
    "no_eligible_deployment_total": {"compliance_class", "obligation"},
    "tag_failures_total": {"reason"},
    "in_flight_requests": set(),
    "open_streams": set(),
    "event_loop_lag_seconds": set(),
    "ready": set(),
    "draining": set(),
    "deployment_info": {"deployment", "provider", "model", "region", "simulated"},
    "deployment_cleared": {"deployment", "category"},
    "agreement_expiry_timestamp_seconds": {"deployment"},
    "tls_certificate_expiry_timestamp_seconds": {"listener"},
    "build_info": {"version", "rules_revision"},
}


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"portcullis_{name}", labels)


def test_the_rows_are_those_that_dashboards_and_alerts_are_made_of() -> None:
    found = {
        f"{family.name}{'_total' if family.type == 'counter' else ''}": set(row._labelnames)
        for row in vars(Metrics()).values()
        if hasattr(row, "collect") and hasattr(row, "_labelnames")
        for family in row.collect()
    }
    assert found == {f"portcullis_{name}": labels for name, labels in ROWS.items()}


def test_what_an_alert_divides_is_there_before_it_happens(deployment: Callable[..., Deployment]) -> None:
    metrics = Metrics()
    metrics.describe([deployment("cloud")], version="1", rules_revision="r")
    for compliance_class in ("public", "internal", "pii", "pci", "phi", "secret"):
        assert value(metrics, "dispatches_total", deployment="cloud", compliance_class=compliance_class) == 0
        for operation in ("chat", "embeddings"):
            labels = {"operation": operation, "compliance_class": compliance_class}
            assert value(metrics, "requests_total", status="200", **labels) == 0
            assert value(metrics, "requests_total", status="503", **labels) == 0
        assert value(metrics, "refusals_total", code="invalid_tag", compliance_class=compliance_class) == 0
    for outcome in ("ok", "abandoned", "provider_unreachable", "stream_interrupted"):
        assert value(metrics, "attempts_total", deployment="cloud", outcome=outcome) == 0
    for reason in ("missing", "bad-signature", "expired", "used", "repeated"):
        assert value(metrics, "tag_failures_total", reason=reason) == 0
    assert value(metrics, "stage_duration_seconds_count", stage="settle") == 0
    assert value(metrics, "build_info", version="1", rules_revision="r") == 1
    assert value(metrics, "ready") == value(metrics, "draining") == 0


def test_clearance_ends_with_its_agreement(deployment: Callable[..., Deployment]) -> None:
    last = date(2026, 11, 21)
    row = deployment("own", cleared_for=frozenset({"phi", "pii"}), agreement=Agreement("BAA-1", last))
    today = [last]
    metrics = Metrics()
    metrics.describe([row], version="1", rules_revision="r", today=lambda: today[0])
    assert value(metrics, "deployment_cleared", deployment="own", category="phi") == 1
    assert value(metrics, "deployment_cleared", deployment="own", category="pci") is None
    ends = value(metrics, "agreement_expiry_timestamp_seconds", deployment="own")
    assert ends is not None
    assert datetime.fromtimestamp(ends - 1).astimezone().date() == last
    assert datetime.fromtimestamp(ends).astimezone().date() == last + timedelta(days=1)
    today[0] += timedelta(days=1)
    assert value(metrics, "deployment_cleared", deployment="own", category="phi") == 0


def test_the_process_says_where_it_stands() -> None:
    metrics = Metrics()
    metrics.lifecycle(ready=True)
    metrics.lifecycle(draining=True)
    metrics.certificate_expires("public", 1_800_000_000)
    metrics.certificate_expires("public", 1_900_000_000)
    assert (value(metrics, "ready"), value(metrics, "draining")) == (1, 1)
    assert value(metrics, "tls_certificate_expiry_timestamp_seconds", listener="public") == 1_900_000_000


async def test_a_request_is_counted_once_in_each_of_its_stages(backend: Any, scrape: Any, read: Any) -> None:
    assert await read(backend) == 200
    now = await scrape(backend)
    labels = {"operation": "chat", "status": "200", "compliance_class": "public"}
    assert now("portcullis_requests_total", **labels) == 1
    for stage in values.STAGES:
        assert now("portcullis_stage_duration_seconds_count", stage=stage) == 1, stage
    for name in ("request_duration", "overhead"):
        assert now(f"portcullis_{name}_seconds_count", operation="chat") == 1
    assert now("portcullis_attempts_total", deployment="own", outcome="ok") == 1
    assert now("portcullis_attempt_duration_seconds_count", deployment="own") == 1
    assert now("portcullis_dispatches_total", deployment="own", compliance_class="public") == 1
    assert now("portcullis_tokens_total", deployment="own", kind="input") == 10
    assert now("portcullis_cost_usd_total", deployment="own", tenant="demo") == pytest.approx(0.14)
    assert now("portcullis_in_flight_requests") == 0
    assert now("portcullis_build_info", rules_revision=RULES_REVISION) == 1
    assert now("portcullis_deployment_info", deployment="own", provider="own", simulated="false") == 1
    assert "process_resident_memory_bytes" in now.text
    assert "python_gc_collections_total" in now.text
    assert "python_info" in now.text
    assert "_created" not in now.text


async def test_stages_take_their_time_and_no_other(
    scripted: Any, running: Any, settings: Any, configuration: Any, chunks: Any, scrape: Any, read: Any
) -> None:
    scripted.script["own"] = [0.2, *chunks("a"), 0.3]
    async with running(settings, configuration, Awaited(scripted)) as backend:
        assert await read(backend, stream=True) == 200
        now = await scrape(backend)
    whole = now("portcullis_request_duration_seconds_sum", operation="chat")
    attempt = now("portcullis_attempt_duration_seconds_sum", deployment="own")
    provider = now("portcullis_stage_duration_seconds_sum", stage="provider")
    assert whole >= attempt >= provider + 0.3
    assert provider >= 0.2
    # The stages lie beside one another, and the rest of the stream is in none.
    assert now("portcullis_stage_duration_seconds_sum") <= whole - 0.3
    assert now("portcullis_overhead_seconds_sum", operation="chat") <= whole - 0.5


async def test_tokens_of_a_stream_have_their_times(
    scripted: Any, backend: Any, chunks: Any, scrape: Any, read: Any
) -> None:
    role = replace(chunks("x", usage=None)[0], payload={"choices": [{"delta": {"role": "assistant"}}]})
    first, *rest = chunks("one", "two")
    scripted.script["own"] = [role, 0.1, first, 0.2, *rest]
    assert await read(backend, stream=True) == 200
    now = await scrape(backend)
    whole = now("portcullis_request_duration_seconds_sum", operation="chat")
    assert 0.1 <= now("portcullis_time_to_first_token_seconds_sum", deployment="own") <= whole - 0.2
    # Two tokens, says the usage: the one after the first took the time between them.
    assert 0.2 <= now("portcullis_time_per_output_token_seconds_sum", deployment="own") <= whole - 0.1
    assert now("portcullis_time_to_first_token_seconds_count", deployment="own") == 1


async def test_an_answer_that_is_no_stream_has_none(backend: Any, scrape: Any, read: Any) -> None:
    await read(backend)
    assert "portcullis_time_to_first_token_seconds_count" not in (await scrape(backend)).text


async def test_each_dispatch_has_one_outcome(
    scripted: Any,
    settings: Any,
    configuration: Any,
    running: Any,
    deployment: Any,
    answer: Any,
    chunks: Any,
    scrape: Any,
    read: Any,
) -> None:
    rows = tuple(deployment(name, model="m") for name in ("a", "b"))
    configuration = replace(configuration, deployments=rows)
    down = ProviderUnreachable("down", provider="a")
    broken = [*chunks("x", usage=None), StreamInterrupted("broke", provider="a")]
    async with running(settings, configuration, scripted) as backend:
        scripted.script = {"a": down, "b": answer()}
        assert await read(backend, "m") == 200
        scripted.script = {"a": ProviderRateLimited("slow", provider="a"), "b": down}
        assert await read(backend, "m") == 502
        scripted.script = {"a": broken}
        assert await read(backend, "m", stream=True) == 200
        scripted.script = {"a": [*chunks("x", usage=None), 30.0]}
        body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True}
        async with backend.post(CHAT, body) as response:
            await response.content.readany()
            assert (await scrape(backend))("portcullis_open_streams") == 1
        scripted.script = {"a": 30.0}
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await read(backend, "m")
        async with asyncio.timeout(5):
            while (await scrape(backend))("portcullis_in_flight_requests") > 0:
                await asyncio.sleep(0.01)
        now = await scrape(backend)
    outcomes = {
        (dict(labels)["deployment"], dict(labels)["outcome"]): count
        for (name, labels), count in now.series.items()
        if name == "portcullis_attempts_total" and count
    }
    assert outcomes == {
        ("a", "provider_unreachable"): 1,
        ("b", "ok"): 1,
        ("a", "provider_rate_limited"): 1,
        ("b", "provider_unreachable"): 1,
        ("a", "stream_interrupted"): 1,
        ("a", "abandoned"): 2,
    }
    assert now("portcullis_dispatches_total") == sum(outcomes.values())
    assert now("portcullis_attempt_duration_seconds_count") == sum(outcomes.values())
    assert now("portcullis_open_streams") == 0


async def test_what_is_sent_is_counted_before_it_leaves(
    scripted: Any, backend: Any, scrape: Any, read: Any
) -> None:
    scripted.script["own"] = 30.0
    phi = ComplianceClass(frozenset({"phi"}))
    asking = asyncio.create_task(read(backend, "auto", compliance=phi))
    async with asyncio.timeout(5):
        while not scripted.asked:
            await asyncio.sleep(0.005)
    now = await scrape(backend)
    assert now("portcullis_dispatches_total", deployment="own", compliance_class="phi") == 1
    assert now("portcullis_dispatches_total", deployment="cloud") == 0
    asking.cancel()
    await asyncio.wait({asking})


async def test_refusals_say_which_obligation_failed(backend: Any, scrape: Any, read: Any) -> None:
    phi = ComplianceClass(frozenset({"phi"}))
    nowhere = ComplianceClass(residency=frozenset({"planted-region"}))
    assert await read(backend, "m-cloud", compliance=phi) == 403
    assert await read(backend, "auto", compliance=nowhere) == 403
    now = await scrape(backend)
    name = "portcullis_no_eligible_deployment_total"
    assert now(name, compliance_class="phi", obligation="cleared_for") == 1
    assert now(name, compliance_class="public", obligation="residency") == 1
    assert now("portcullis_refusals_total", code="no_eligible_deployment", compliance_class="phi") == 1
    assert now(name, obligation="agreement") == 0
    assert "planted-region" not in now.text


async def test_tags_that_fail_say_why(backend: Any, scrape: Any, read: Any) -> None:
    header = {"X-Gateway-Tag": backend.tag("POST", CHAT, b"{}")}
    async with backend.post(CHAT, b"{}", headers=header) as response:
        assert response.status == 400
    async with backend.post(CHAT, b"{}", headers=header) as response:
        assert response.status == 401
    assert await read(backend, now=time.time() - 60) == 401
    async with backend.session.post(backend.url + CHAT, json={}) as response:
        assert response.status == 401
    twice = [("X-Gateway-Tag", "a"), ("X-Gateway-Tag", "b")]
    async with backend.session.post(backend.url + CHAT, data=b"", headers=twice) as response:
        assert response.status == 401
    now = await scrape(backend)
    assert {
        dict(labels)["reason"]: count
        for (name, labels), count in now.series.items()
        if name == "portcullis_tag_failures_total" and count
    } == {"used": 1, "expired": 1, "missing": 1, "repeated": 1}


async def test_health_checks_are_no_requests(backend: Any, scrape: Any) -> None:
    before = await scrape(backend)
    for _ in range(3):
        async with backend.session.get(f"{backend.url}/health") as response:
            assert response.status == 200
    assert _known(before) == _known(await scrape(backend))


async def test_nobody_can_make_up_a_series(
    backend: Any, scripted: Any, answer: Any, chunks: Any, scrape: Any, read: Any
) -> None:
    """Whatever stands in a request: every label's value is the configuration's, or one of a fixed set."""
    planted = "zq7planted"
    await read(backend)
    scripted.script["own"] = chunks(planted)
    await read(backend, stream=True)
    scripted.script["own"] = answer(planted)
    named = ComplianceClass(frozenset({"pii"}), frozenset({planted}))
    for number in range(3):
        word = f"{planted}{number}"
        await read(backend, word)
        await read(backend, f"{word}/gpt")
        await read(backend, "auto", compliance=named, subject=word, project=word, tier=word, rules=(word,))
        await read(backend, "auto", tenant=word)
        await read(backend, headers={"x-request-id": word, "x-user-tier": word, "traceparent": word})
        async with backend.get(f"/{word}") as response:
            assert response.status == 404
        async with backend.get(f"/v1/models/{word}?{word}={word}") as response:
            assert response.status == 404
        async with backend.session.request("PROPFIND", f"{backend.url}/{word}") as response:
            assert response.status == 401
        async with backend.post(CHAT, {"model": word, word: word}) as response:
            assert response.status == 400
    now = await scrape(backend)
    assert planted not in now.text.lower()
    allowed = {
        "deployment": {"cloud", "own"},
        "tenant": {"demo", "clinic"},
        "compliance_class": set(values.CLASSES),
        "stage": set(values.STAGES),
        "outcome": set(values.OUTCOMES),
        "code": set(values.REFUSALS),
        "reason": set(values.TAG_FAILURES),
        "kind": set(values.TOKEN_KINDS),
        "obligation": set(values.OBLIGATIONS),
        "operation": {"chat", "embeddings", "models", "other"},
        "status": {"200", "400", "401", "403", "404", "500", "502", "503", "504"},
    }
    held = {pair for _, labels in now.series for pair in labels if pair[0] in allowed}
    assert {(name, value) for name, value in held if value not in allowed[name]} == set()


async def test_a_loop_that_is_held_up_shows() -> None:
    metrics = Metrics()
    async with sampling(metrics.event_loop_lag, every_s=0.02):
        await asyncio.sleep(0.1)
        calm = value(metrics, "event_loop_lag_seconds_bucket", le="+Inf")
        assert calm is not None
        assert calm >= 1
        before = value(metrics, "event_loop_lag_seconds_bucket", le="0.1")
        await asyncio.sleep(0)
        time.sleep(0.3)  # noqa: ASYNC251 - this is the fault
        await asyncio.sleep(0.05)
    late = value(metrics, "event_loop_lag_seconds_bucket", le="+Inf")
    within = value(metrics, "event_loop_lag_seconds_bucket", le="0.1")
    assert late is not None
    assert within is not None
    assert before is not None
    assert late - within >= 1


async def test_the_backend_samples_its_loop(backend: Any, scrape: Any) -> None:
    async with asyncio.timeout(5):
        while not (await scrape(backend))("portcullis_event_loop_lag_seconds_count"):
            await asyncio.sleep(0.05)


def _known(scraped: Any) -> dict[Any, float]:
    return {
        series: count
        for series, count in scraped.series.items()
        if not series[0].startswith("portcullis_event_loop_lag")
    }


class Awaited:
    """A room whose streams begin with their first chunk, as those of real providers do."""

    def __init__(self, room: Any) -> None:
        self.room = room

    def __getattr__(self, name: str) -> Any:
        return getattr(self.room, name)

    async def __aenter__(self) -> Any:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def stream(self, deployment: Any, request: Any) -> Any:
        chunks = await self.room.stream(deployment, request)
        first = await anext(chunks)

        async def whole() -> Any:
            yield first
            async for chunk in chunks:
                yield chunk

        return whole()
