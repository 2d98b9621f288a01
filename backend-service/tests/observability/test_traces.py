"""Traces: what a request's spans say, what they never say, and what a bad collector cannot do."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest
import structlog
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from compliance.classes import ComplianceClass
from gateway.errors import ProviderUnreachable, StreamInterrupted
from gateway.observability import Exchange, RequestRecord, Traces, configure_logging
from gateway.observability.otlp import BATCH, DEADLINE_S, MOST_WAITING
from gateway.observability.traces import LAST_CHANCE_S
from gateway.trace_target import TraceTarget, parse_trace_target

CHAT = "/v1/chat/completions"
ROOT = f"POST {CHAT}"
MARK = "zq7planted-marker"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"

Traced = Callable[..., Any]


@pytest.fixture
def traced(settings: Any, configuration: Any, scripted: Any, running: Any, collector: Any) -> Traced:
    """The backend with traces to the collector; whatever it sends has come when the context ends."""

    @asynccontextmanager
    async def start(target: TraceTarget | None = None, **changes: Any) -> AsyncIterator[Any]:
        target = target or parse_trace_target(collector.url)
        changed = replace(configuration, **changes)
        async with running(replace(settings, traces=target), changed, scripted) as backend:
            yield backend

    return start


def seconds(span: Span) -> float:
    return (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9


async def test_a_request_is_its_steps(traced: Traced, collector: Any, read: Any, attributes: Any) -> None:
    phi = ComplianceClass(frozenset({"phi"}))
    begun = time.time_ns()
    async with traced() as backend:
        assert await read(backend, "auto", compliance=phi, headers={"x-request-id": "req-1"}) == 200
    spans = {span.name: span for span in collector.spans()}
    assert spans.keys() == {ROOT, "3 api", "5 policy", "8 routing", "9 provider", "10 settle"}
    root = spans.pop(ROOT)
    assert root.kind == Span.SPAN_KIND_SERVER
    assert not root.parent_span_id
    assert begun <= root.start_time_unix_nano <= root.end_time_unix_nano <= time.time_ns()
    order = sorted(spans.values(), key=lambda span: int(span.start_time_unix_nano))
    assert [span.name for span in order] == ["3 api", "5 policy", "8 routing", "9 provider", "10 settle"]
    for span in order:
        assert (span.trace_id, span.parent_span_id) == (root.trace_id, root.span_id)
        assert root.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= root.end_time_unix_nano
    said = attributes(root)
    assert said == {
        "http.request.method": "POST",
        "http.route": CHAT,
        "http.response.status_code": 200,
        "portcullis.request_id": "req-1",
        "portcullis.compliance_class": "phi",
        "portcullis.tenant": "demo",
        "portcullis.model": "auto",
        "portcullis.deployment": "own",
        "portcullis.attempts": 1,
        "portcullis.outcome": "ok",
        "portcullis.cost_usd": pytest.approx(0.14),
    }
    assert attributes(spans["9 provider"]) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m-own",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 2,
        "portcullis.compliance_class": "phi",
        "portcullis.deployment": "own",
        "portcullis.region": "us",
        "portcullis.attempt": 1,
    }
    assert spans["9 provider"].kind == Span.SPAN_KIND_CLIENT
    assert root.status.code == spans["9 provider"].status.code == Status.STATUS_CODE_UNSET
    resource = collector.resource()
    assert resource.pop("service.instance.id")
    assert resource == {"service.name": "portcullis-backend", "service.version": "0.1.0"}


async def test_every_attempt_is_a_span(
    traced: Traced, collector: Any, scripted: Any, answer: Any, deployment: Any, read: Any, attributes: Any
) -> None:
    rows = tuple(deployment(name, model="m") for name in ("a", "b"))
    said = replace(answer(), payload={**answer().payload, "model": "gpt-4o-2026-01-01"})
    scripted.script = {"a": ProviderUnreachable(MARK, provider="a"), "b": said}
    async with traced(deployments=rows) as backend:
        assert await read(backend, "m") == 200
    first, second = sorted(collector.named("9 provider"), key=lambda span: int(span.start_time_unix_nano))
    assert [attributes(span)["portcullis.deployment"] for span in (first, second)] == ["a", "b"]
    assert [attributes(span)["portcullis.attempt"] for span in (first, second)] == [1, 2]
    assert first.status.code == Status.STATUS_CODE_ERROR
    assert attributes(first)["error.type"] == "provider_unreachable"
    assert "gen_ai.usage.input_tokens" not in attributes(first)
    assert "error.type" not in attributes(second)
    assert attributes(second)["gen_ai.response.model"] == "gpt-4o-2026-01-01"
    (root,) = collector.named(ROOT)
    assert attributes(root)["portcullis.attempts"] == 2
    assert root.status.code == Status.STATUS_CODE_UNSET


async def test_a_stream_is_as_long_as_it_lasts(
    traced: Traced, collector: Any, scripted: Any, chunks: Any, read: Any, attributes: Any
) -> None:
    scripted.script["own"] = [*chunks("a"), 0.2]
    async with traced() as backend:
        assert await read(backend, stream=True) == 200
        scripted.script["own"] = [*chunks("a", usage=None), StreamInterrupted("broke", provider="own")]
        assert await read(backend, stream=True) == 200
        scripted.script["own"] = ProviderUnreachable("down", provider="own")
        assert await read(backend) == 502
    whole, broken, refused = collector.named(ROOT)
    assert seconds(whole) >= 0.2
    attempts = {bytes(span.trace_id): span for span in collector.named("9 provider")}
    assert seconds(attempts[whole.trace_id]) >= 0.2
    said = attributes(attempts[whole.trace_id])
    assert said["gen_ai.request.stream"] is True
    assert 0 <= said["gen_ai.response.time_to_first_chunk"] <= seconds(attempts[whole.trace_id]) - 0.2
    assert said["gen_ai.usage.output_tokens"] == 2
    for root, code in ((broken, "stream_interrupted"), (refused, "provider_unreachable")):
        assert root.status.code == Status.STATUS_CODE_ERROR
        assert attributes(root)["error.type"] == attributes(root)["portcullis.outcome"] == code
        assert attempts[root.trace_id].status.code == Status.STATUS_CODE_ERROR


async def test_a_refusal_ends_where_it_was_refused(
    traced: Traced, collector: Any, read: Any, attributes: Any
) -> None:
    async with traced() as backend:
        assert await read(backend, "m-cloud", compliance=ComplianceClass(frozenset({"phi"}))) == 403
        assert await read(backend, now=time.time() - 60) == 401
    (refused,), (unknown,) = collector.named(ROOT), collector.named("POST")
    steps = {span.name for span in collector.spans() if span.trace_id == refused.trace_id}
    assert steps == {ROOT, "3 api", "5 policy"}
    assert attributes(refused)["portcullis.outcome"] == "no_eligible_deployment"
    assert refused.status.code == Status.STATUS_CODE_UNSET
    (api,) = [s for s in collector.spans() if s.trace_id == unknown.trace_id and s.name == "3 api"]
    assert attributes(api)["error.type"] == "expired"


@pytest.mark.parametrize(
    ("given", "continued", "sent"),
    [
        ([f"00-{TRACE}-{PARENT}-01"], True, True),
        ([f"00-{TRACE}-{PARENT}-00"], True, False),
        ([f"ff-{TRACE}-{PARENT}-01"], False, True),
        ([f"00-{TRACE}-{'0' * 16}-01"], False, True),
        ([f"00-{TRACE.upper()}-{PARENT}-01"], False, True),
        ([MARK], False, True),
        (["é" * 60], False, True),
        ([f"00-{TRACE}-{PARENT}-01", f"00-{TRACE[::-1]}-{PARENT}-01"], False, True),
    ],
)
async def test_a_trace_goes_on_where_the_caller_has_one(
    traced: Traced, collector: Any, given: list[str], continued: bool, sent: bool
) -> None:
    async with traced() as backend:
        headers = [("X-Gateway-Tag", backend.tag("GET", "/v1/models")), ("baggage", f"a={MARK}")]
        headers += [("traceparent", value) for value in given]
        headers += [("tracestate", f"vendor={MARK}")]
        async with backend.session.get(f"{backend.url}/v1/models", headers=headers) as response:
            assert response.status == 200
    assert bool(collector.raw) == sent
    for root in collector.named("GET /v1/models"):
        assert (root.trace_id.hex() == TRACE) == continued
        assert root.parent_span_id.hex() == (PARENT if continued else "")
        assert root.trace_state == ""
    assert MARK.encode() not in b"".join(collector.raw)


async def test_the_ratio_is_a_bound(traced: Traced, collector: Any, read: Any) -> None:
    """A caller that asks to be traced is no exception to it; the choice is by the trace's id."""
    target = parse_trace_target(collector.url, ratio="0.5")
    async with traced(target) as backend:
        for number in range(40):
            chosen = f"{number:016x}{'0' if number % 2 else 'f'}{number:015x}"
            await read(backend, headers={"traceparent": f"00-{chosen}-{PARENT}-01"})
    assert {int(root.trace_id.hex(), 16) % 2 for root in collector.named(ROOT)} == {1}
    assert len(collector.named(ROOT)) == 20


async def test_no_content_and_no_key_gets_in(
    traced: Traced, collector: Any, scripted: Any, answer: Any, chunks: Any, configuration: Any
) -> None:
    rows = tuple(
        replace(row, provider=replace(row.provider, credentials={"OPENAI_API_KEY": MARK}))
        for row in configuration.deployments
    )
    everywhere = {"x-user-tier": MARK, "authorization": MARK, "cookie": MARK, "user-agent": MARK}
    message = {"role": "user", "content": MARK, "name": MARK}
    payload = {**answer(MARK).payload, "model": f"{MARK} said so", "id": MARK, "system_fingerprint": MARK}
    async with traced(deployments=rows) as backend:

        async def ask(target: str = CHAT, tag: Any = None, **more: Any) -> None:
            body = {"model": "m-own", "messages": [message], "user": MARK, "metadata": {MARK: MARK}} | more
            named = {"subject": MARK, "project": MARK, "tier": MARK, "rules": (MARK,)} | (tag or {})
            async with backend.post(target, body, headers=everywhere, **named) as response:
                await response.read()

        scripted.script["own"] = replace(answer(), payload=payload)
        await ask()
        await ask(model=MARK)
        await ask(messages=[{"role": MARK}])
        await ask(f"{CHAT}?{MARK}={MARK}")
        await ask(f"/{MARK}")
        scripted.script["own"] = [*chunks(MARK, usage=None), ValueError(MARK)]
        with pytest.raises(Exception, match="not completed"):
            await ask(stream=True)
        scripted.script["own"] = RuntimeError(MARK)
        await ask()
        await ask(tag={"compliance": ComplianceClass(residency=frozenset({MARK}))})
        await ask(tag={"tenant": MARK})
    everything = b"".join(collector.raw)
    assert len(collector.spans()) > 20
    assert MARK.encode() not in everything
    assert b"eyJ" not in everything


async def test_the_collector_gets_its_headers_and_nobody_is_shown_them(
    traced: Traced, collector: Any, read: Any
) -> None:
    target = parse_trace_target(collector.url, f"x-api-key={MARK},x-tenant=a%20b")
    async with traced(target) as backend:
        await read(backend)
        async with backend.get("/settings", scopes=("admin",)) as response:
            shown = await response.json()
    assert shown["trace_ratio"] == 1
    assert MARK not in str(shown) + repr(target)
    assert collector.url not in str(shown) + repr(target)
    assert (collector.headers[0]["x-api-key"], collector.headers[0]["x-tenant"]) == (MARK, "a b")
    assert collector.headers[0]["Content-Type"] == "application/x-protobuf"


async def test_the_log_names_the_trace(
    traced: Traced, collector: Any, read: Any, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    configure_logging("info")
    async with traced() as backend:
        await read(backend)
        await read(backend, headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
    (root,) = collector.named(ROOT)
    assert [line["trace_id"] for line in logged()] == [root.trace_id.hex(), None]


BAD: dict[str, dict[str, Any]] = {
    "nobody there": {"url": "http://127.0.0.1:9"},
    "hangs": {"hangs": True},
    "busy": {"status": 503, "says": MARK},
    "refuses": {"status": 400, "says": MARK},
}


@pytest.mark.parametrize("fault", BAD)
async def test_a_bad_collector_costs_spans_and_nothing_else(
    traced: Traced, collector: Any, read: Any, logged: Callable[[], list[dict[str, Any]]], fault: str
) -> None:
    for name, value in BAD[fault].items():
        setattr(collector, name, value)
    configure_logging("info")
    target = parse_trace_target(collector.url, f"authorization=Bearer {MARK}")
    async with traced(target) as backend:
        begun = time.perf_counter()
        for _ in range(30):
            assert await read(backend) == 200
        assert time.perf_counter() - begun < DEADLINE_S
        if fault != "nobody there":
            await asyncio.wait_for(collector.arrived.wait(), 10)
        ending = time.perf_counter()
    assert time.perf_counter() - ending < LAST_CHANCE_S + 1.5
    lines = logged()
    assert len([line for line in lines if line["message"] == "request"]) == 30
    others = [line for line in lines if line["message"] != "request"]
    assert [line["message"] for line in others] in ([], ["traces_lost"])
    if fault == "refuses":
        assert others
    assert MARK not in str(lines)
    assert "Traceback" not in str(lines)


async def test_the_end_does_not_wait_for_a_collector_that_failed_before(collector: Any) -> None:
    collector.status = 400
    async with Traces(parse_trace_target(collector.url), "1") as traces:
        traces.ended(RequestRecord("r1"), Exchange("GET", "/x", 200))
        await asyncio.wait_for(collector.arrived.wait(), 10)
        collector.hangs = True
        traces.ended(RequestRecord("r2"), Exchange("GET", "/x", 200))
        await collector.until(lambda: len(collector.raw) == 2)
        ending = time.perf_counter()
    assert time.perf_counter() - ending < 1


async def test_what_waits_is_bounded(collector: Any) -> None:
    """Behind a collector that hangs the oldest spans go, and the newest come when it goes on."""
    collector.hangs = True
    async with Traces(parse_trace_target(collector.url), "1") as traces:
        for number in range(MOST_WAITING):
            traces.ended(RequestRecord(f"r{number}"), Exchange("GET", "/x", 200))
            if number == BATCH:
                await asyncio.wait_for(collector.arrived.wait(), 10)
        collector.hangs = False
        collector.go_on.set()
        last = f"r{MOST_WAITING - 1}".encode()
        await collector.until(lambda: any(last in raw for raw in collector.raw))
    assert MOST_WAITING - BATCH <= len(collector.spans()) <= MOST_WAITING + 4 * BATCH


@pytest.mark.parametrize(
    ("endpoint", "headers", "ratio", "fault"),
    [
        (f"{MARK}", "", "", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        (f"grpc://{MARK}:4317", "", "", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        (f"http://host:{MARK}", "", "", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        (f"http://[{MARK}", "", "", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("http://host:4318", MARK, "", "OTEL_EXPORTER_OTLP_HEADERS"),
        ("http://host:4318", f"a={MARK}%0D%0Ab: c", "", "OTEL_EXPORTER_OTLP_HEADERS"),
        ("http://host:4318", f"a={MARK}%C3%A9", "", "OTEL_EXPORTER_OTLP_HEADERS"),
        ("http://host:4318", "", "2", "PORTCULLIS_TRACE_RATIO"),
        ("http://host:4318", "", "-0.1", "PORTCULLIS_TRACE_RATIO"),
        ("http://host:4318", "", "nan", "PORTCULLIS_TRACE_RATIO"),
        ("http://host:4318", "", "1.5", "PORTCULLIS_TRACE_RATIO"),
    ],
)
def test_a_wrong_variable_is_named_and_not_shown(endpoint: str, headers: str, ratio: str, fault: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fault)) as error:
        parse_trace_target(endpoint, headers, ratio)
    assert MARK not in str(error.value)
    assert error.value.__cause__ is None


@pytest.mark.parametrize(("ratio", "number"), [("", 1), ("0", 0), ("1.0", 1), ("0.25", 0.25), (".5", 0.5)])
def test_a_ratio_is_a_share(ratio: str, number: float) -> None:
    target = parse_trace_target("https://host/otlp/", "a=b, c = d=e%3D", ratio)
    assert target == TraceTarget("https://host/otlp/v1/traces", {"a": "b", "c": "d=e="}, number)


def test_traces_are_off_without_a_collector() -> None:
    assert parse_trace_target("  ") is None


@pytest.fixture
def logged(capfdbinary: pytest.CaptureFixture[bytes]) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What was logged, by a test that configures logging; what is no line of ours shows as one."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def lines() -> list[dict[str, Any]]:
        out, err = capfdbinary.readouterr()
        found = []
        for line in (out + err).splitlines():
            try:
                found.append(orjson.loads(line))
            except orjson.JSONDecodeError:
                found.append({"message": "not ours", "text": line.decode()})
        return found

    yield lines
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
