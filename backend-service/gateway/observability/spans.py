"""A request that has ended as spans: names, numbers and times out of its record, and nothing else of it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gateway.observability import span_names as names
from gateway.observability.label_values import ABANDONED, OK
from gateway.observability.record import UNKNOWN, Exchange, RequestRecord
from gateway.observability.steps import Attempt

Attributes = dict[str, str | int | float | bool]

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
#: How requests and attempts end that did not fail; who left before the end is no failure of ours.
NO_FAILURES = frozenset({OK, ABANDONED, "stream_abandoned", "cancelled"})
#: A model's name is the provider's text: what does not look like one stays out.
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}")
_PARENT = TraceContextTextMapPropagator()


def trace_request(tracer: Tracer, record: RequestRecord, exchange: Exchange) -> str | None:
    """The spans of a request that ends now. Returns the trace's id, or None when it is not sampled.

    Of the caller's context only ids and the flag are taken: its ``tracestate`` and ``baggage`` are text.
    """
    now = time.perf_counter()
    clock = _Clock(time.time_ns(), now)
    parent = {"traceparent": exchange.traceparent} if exchange.traceparent else {}
    method = exchange.method if exchange.method in METHODS else "_OTHER"
    root = tracer.start_span(
        method if exchange.route == UNKNOWN else f"{method} {exchange.route}",
        context=_PARENT.extract(parent, Context()),
        kind=SpanKind.SERVER,
        start_time=clock(record.started),
    )
    if not root.is_recording():
        return None
    inside = set_span_in_context(root, Context())

    for part in _parts(record, now):
        span = tracer.start_span(part.name, inside, part.kind, part.attributes, start_time=clock(part.begun))
        _fail(span, part.failure)
        span.end(clock(part.ended))
    root.set_attributes(_of_request(record, exchange, method))
    if exchange.status >= 500 or exchange.status < 400:
        _fail(root, record.outcome)
    root.end(clock(now))
    return f"{root.get_span_context().trace_id:032x}"


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    begun: float
    ended: float
    kind: SpanKind = SpanKind.INTERNAL
    attributes: Attributes | None = None
    failure: str | None = None


def _parts(record: RequestRecord, now: float) -> Iterator[_Part]:
    """The request's steps; what has not ended ends now."""
    read = [step.ended for step in record.steps if step.stage not in names.STEPS]
    yield _Part(names.API, record.started, max(read, default=now), failure=record.tag_failure)
    for stage, begun, ended in record.steps:
        if stage in names.STEPS:
            yield _Part(names.STEPS[stage], begun, ended)
    for number, attempt in enumerate(record.asked, 1):
        yield _Part(
            names.PROVIDER,
            attempt.sent,
            attempt.ended or now,
            SpanKind.CLIENT,
            _of_attempt(record, attempt, number),
            attempt.outcome,
        )


class _Clock:
    """From seconds of `time.perf_counter` to nanoseconds of the epoch."""

    def __init__(self, epoch_ns: int, counter_s: float) -> None:
        self.epoch_ns = epoch_ns
        self.counter_s = counter_s

    def __call__(self, counter_s: float) -> int:
        return self.epoch_ns + int((counter_s - self.counter_s) * 1e9)


def _fail(span: Span, code: str | None) -> None:
    if code is not None and code not in NO_FAILURES:
        span.set_attribute(names.ERROR_TYPE, code)
        span.set_status(Status(StatusCode.ERROR))


def _of_request(record: RequestRecord, exchange: Exchange, method: str) -> Attributes:
    return _known(
        {
            names.HTTP_METHOD: method,
            names.HTTP_ROUTE: exchange.route if exchange.route != UNKNOWN else None,
            names.HTTP_STATUS: exchange.status,
            names.REQUEST_ID: record.request_id,
            names.COMPLIANCE_CLASS: record.compliance.name,
            names.TENANT: record.caller.tenant if record.caller else None,
            names.MODEL: record.model,
            names.DEPLOYMENT: record.deployment.id if record.deployment else None,
            names.ATTEMPTS: record.attempts,
            names.OUTCOME: record.outcome,
            names.COST: float(record.cost) if record.cost is not None else None,
        }
    )


def _of_attempt(record: RequestRecord, attempt: Attempt, number: int) -> Attributes:
    deployment, model = attempt.deployment, attempt.response_model
    usage = record.usage if attempt is record.asked[-1] else None
    streamed = record.stream and attempt.answered is not None
    return _known(
        {
            names.OPERATION: record.operation,
            names.PROVIDER_NAME: names.PROVIDERS[deployment.provider.kind],
            names.REQUEST_MODEL: deployment.upstream_model,
            names.REQUEST_STREAM: record.stream or None,
            names.RESPONSE_MODEL: model if isinstance(model, str) and _MODEL.fullmatch(model) else None,
            names.TIME_TO_FIRST_CHUNK: attempt.waited_s if streamed else None,
            names.INPUT_TOKENS: usage.input_tokens if usage else None,
            names.OUTPUT_TOKENS: usage.output_tokens if usage else None,
            names.CACHE_READ_TOKENS: (usage.cached_input_tokens or None) if usage else None,
            names.CACHE_WRITE_TOKENS: (usage.cache_write_tokens or None) if usage else None,
            names.REASONING_TOKENS: (usage.reasoning_tokens or None) if usage else None,
            names.COMPLIANCE_CLASS: record.compliance.name,
            names.DEPLOYMENT: deployment.id,
            names.REGION: deployment.region,
            names.ATTEMPT: number,
            names.SIMULATED: deployment.provider.simulated or None,
        }
    )


def _known(attributes: Mapping[str, str | float | bool | None]) -> Attributes:
    return {name: value for name, value in attributes.items() if value is not None}
