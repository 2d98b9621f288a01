"""The metrics, one a row: name, what it says, labels. Each label set is bounded by the configuration.

Names and units are Prometheus'. The buckets of what is an OpenTelemetry GenAI metric too follow that one's,
with a longer end: https://github.com/open-telemetry/semantic-conventions-genai (2026-11).
"""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from gateway.observability.children import Counter, Gauge, Histogram

PREFIX = "portcullis_"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
OVERHEAD_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1)
STAGE_SECONDS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25, 1, 5, 30, 120, 600)
LAG_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
ATTEMPT_SECONDS = (
    0.01,
    0.02,
    0.04,
    0.08,
    0.16,
    0.32,
    0.64,
    1.28,
    2.56,
    5.12,
    10.24,
    20.48,
    40.96,
    81.92,
    600,
)
FIRST_TOKEN_SECONDS = (0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60)
OUTPUT_TOKEN_SECONDS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5)


class MetricRows:
    """Every metric of one gateway, in a registry of its own, with the process' own beside them."""

    def __init__(self) -> None:
        # A `_created` series beside every counter and histogram is asked for by nobody, and half of the text.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        for process in (ProcessCollector, PlatformCollector, GCCollector):
            process(registry=registry)

        def counter(name: str, says: str, *labels: str) -> Counter:
            return Counter(PREFIX + name, says, labels, registry=registry)

        def gauge(name: str, says: str, *labels: str) -> Gauge:
            return Gauge(PREFIX + name, says, labels, registry=registry)

        def seconds(name: str, says: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"{PREFIX}{name}_seconds", says, labels, buckets=buckets, registry=registry)

        # The request as its caller sees it.
        self.requests = counter("requests", "Requests answered.", "operation", "status", "compliance_class")
        self.duration = seconds(
            "request_duration",
            "From the request's arrival at the backend to the end of its answer.",
            SECONDS,
            "operation",
        )
        self.overhead = seconds(
            "overhead",
            "Time until the answer began that was not spent waiting for a provider.",
            OVERHEAD_SECONDS,
            "operation",
        )
        self.stage_duration = seconds(
            "stage_duration", "A request's time in one stage.", STAGE_SECONDS, "stage"
        )
        self.in_flight = gauge("in_flight_requests", "Requests being answered now.")
        self.open_streams = gauge("open_streams", "Streams that have begun and not ended.")

        # What deployments were asked, and how that went.
        self.dispatches = counter(
            "dispatches",
            "Requests for a deployment, by the class of what they hold; counted before they leave.",
            "deployment",
            "compliance_class",
        )
        self.attempts = counter(
            "attempts", "Requests sent to deployments, by how they ended.", "deployment", "outcome"
        )
        self.attempt_duration = seconds(
            "attempt_duration",
            "From sending a request to a deployment to the end of its answer.",
            ATTEMPT_SECONDS,
            "deployment",
        )
        self.time_to_first_token = seconds(
            "time_to_first_token",
            "Streams: from the request's arrival at the backend to the first chunk with content.",
            FIRST_TOKEN_SECONDS,
            "deployment",
        )
        self.time_per_output_token = seconds(
            "time_per_output_token",
            "Streams: time for each output token after the first, as it was passed on.",
            OUTPUT_TOKEN_SECONDS,
            "deployment",
        )
        self.tokens = counter("tokens", "Tokens by deployment and kind.", "deployment", "kind")
        self.cost = counter("cost_usd", "Cost of answers in US dollars.", "deployment", "tenant")

        # What was refused, and why.
        self.refusals = counter(
            "refusals", "Requests refused, by the error's code.", "code", "compliance_class"
        )
        self.no_eligible_deployment = counter(
            "no_eligible_deployment",
            "Requests that no deployment may see, by each sort of obligation that failed.",
            "compliance_class",
            "obligation",
        )
        self.tag_failures = counter("tag_failures", "Tags of the edge that did not hold.", "reason")

        # The process and what it works with.
        self.event_loop_lag = seconds(
            "event_loop_lag", "How late the event loop turns to what is due.", LAG_SECONDS
        )
        self.ready = gauge("ready", "1 while every part is well and requests are welcome.")
        self.draining = gauge("draining", "1 from SIGTERM on: running requests end, new ones go elsewhere.")
        self.deployment_info = gauge(
            "deployment_info",
            "1 for every deployment in force.",
            "deployment",
            "provider",
            "model",
            "region",
            "simulated",
        )
        self.deployment_cleared = gauge(
            "deployment_cleared",
            "1 where a deployment may see a category beyond public data, 0 once its agreement has expired.",
            "deployment",
            "category",
        )
        self.agreement_expiry = gauge(
            "agreement_expiry_timestamp_seconds", "When a deployment's agreement ends.", "deployment"
        )
        self.certificate_expiry = gauge(
            "tls_certificate_expiry_timestamp_seconds",
            "When the certificate that a listener shows ends.",
            "listener",
        )
        self.build_info = gauge(
            "build_info", "1 for what runs, and the detectors' rules in it.", "version", "rules_revision"
        )
