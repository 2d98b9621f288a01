"""The gateway's metrics. A metric is a row here; label sets are bounded by the configuration."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gateway.observability.record import RequestRecord

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
OVERHEAD_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1)


class Metrics:
    """All metrics of one gateway, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "portcullis_requests",
            "Requests answered.",
            ("operation", "status", "compliance_class"),
            registry=registry,
        )
        self.duration = Histogram(
            "portcullis_request_duration_seconds",
            "From the request's arrival at the backend to the end of its answer.",
            ("operation",),
            buckets=SECONDS,
            registry=registry,
        )
        self.overhead = Histogram(
            "portcullis_overhead_seconds",
            "Time until the answer began that was not spent waiting for a provider.",
            ("operation",),
            buckets=OVERHEAD_SECONDS,
            registry=registry,
        )
        self.attempts = Counter(
            "portcullis_attempts",
            "Requests sent to deployments, by how they ended.",
            ("deployment", "outcome"),
            registry=registry,
        )
        self.tokens = Counter(
            "portcullis_tokens",
            "Tokens by deployment and kind.",
            ("deployment", "kind"),
            registry=registry,
        )
        self.cost = Counter(
            "portcullis_cost_usd",
            "Cost of answers in US dollars.",
            ("deployment", "tenant"),
            registry=registry,
        )
        self.refusals = Counter(
            "portcullis_refusals",
            "Requests refused, by the error's code.",
            ("code", "compliance_class"),
            registry=registry,
        )
        self.in_flight = Gauge(
            "portcullis_in_flight_requests", "Requests being answered now.", registry=registry
        )

    def observe(self, record: RequestRecord, status: int) -> None:
        """Count a request that has ended."""
        name = record.compliance.name
        self.requests.labels(record.operation, str(status), name).inc()
        self.duration.labels(record.operation).observe(time.perf_counter() - record.started)
        if record.refusal is not None:
            self.refusals.labels(record.refusal, name).inc()
        if record.deployment is None or record.usage is None:
            return
        deployment, usage = record.deployment.id, record.usage
        for kind, count in (
            ("input", usage.input_tokens),
            ("output", usage.output_tokens),
            ("cached_input", usage.cached_input_tokens),
            ("cache_write", usage.cache_write_tokens),
            ("reasoning", usage.reasoning_tokens),
        ):
            if count:
                self.tokens.labels(deployment, kind).inc(count)
        if record.cost and record.caller:
            self.cost.labels(deployment, record.caller.tenant).inc(float(record.cost))
