"""Spans to a collector, by OpenTelemetry's SDK. Imported only where traces are on."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Sequence

import requests
import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from gateway.observability import span_names as names
from gateway.observability.record import Exchange, RequestRecord
from gateway.observability.spans import trace_request
from gateway.trace_target import TraceTarget

#: Spans that wait; when there are more, the oldest go. About 4 MB.
MOST_WAITING = 4096
#: A batch is encoded while requests are answered: small ones hold them up less.
BATCH = 128
BATCH_EVERY_S = 1.0
#: One batch, with its repetitions.
DEADLINE_S = 5.0
REPORT_EVERY_S = 60.0


class OtlpSender:
    """Sends to one collector. What it does not take is dropped, and said at most once a minute."""

    def __init__(self, target: TraceTarget, version: str) -> None:
        # Its records hold what the collector said, and at every attempt; `_Reporting` says what matters.
        for name in ("opentelemetry", "requests", "urllib3"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
            logging.getLogger(name).propagate = False
        self._exporter = _Reporting(_exporter(target))
        self._provider = TracerProvider(
            # A caller may keep its trace from us, but not have more of them kept than the operator wants.
            sampler=ParentBased(
                root=TraceIdRatioBased(target.ratio), remote_parent_sampled=TraceIdRatioBased(target.ratio)
            ),
            resource=Resource(
                {
                    names.SERVICE_NAME: "portcullis-backend",
                    names.SERVICE_VERSION: version,
                    names.SERVICE_INSTANCE: socket.gethostname(),
                }
            ),
            shutdown_on_exit=False,
            span_limits=SpanLimits(max_span_attributes=32, max_span_attribute_length=256),
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                self._exporter,
                max_queue_size=MOST_WAITING,
                max_export_batch_size=BATCH,
                schedule_delay_millis=BATCH_EVERY_S * 1000,
                export_timeout_millis=DEADLINE_S * 1000,
            )
        )
        self._tracer = self._provider.get_tracer("portcullis", version)

    def send(self, record: RequestRecord, exchange: Exchange) -> str | None:
        """Make the spans of ``record``; returns the trace's id if it is one that is sent."""
        return trace_request(self._tracer, record, exchange)

    @property
    def failing(self) -> bool:
        """Whether the collector did not take the last batch."""
        return self._exporter.failing

    def close(self) -> None:
        """Send what waits. Takes as long as the collector does."""
        self._provider.shutdown()

    def give_up(self) -> None:
        """Nothing is tried again from now on."""
        self._exporter.shutdown()


class _Reporting(SpanExporter):
    """Says how many spans were lost, not what the collector or the network said about it."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.failing = False
        self._lost = 0
        self._report_at = 0.0
        self._ended = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            self._lost += len(spans)
            if time.monotonic() >= self._report_at:
                structlog.get_logger("gateway.traces").warning("traces_lost", spans=self._lost)
                self._report_at = time.monotonic() + REPORT_EVERY_S
                self._lost = 0
        self.failing = result is not SpanExportResult.SUCCESS
        return result

    def shutdown(self) -> None:
        if not self._ended:
            self._ended = True
            self._exporter.shutdown()


def _exporter(target: TraceTarget) -> SpanExporter:
    session = requests.Session()
    # No proxy (that one is for providers) and no .netrc.
    session.trust_env = False
    return OTLPSpanExporter(
        endpoint=target.url, headers=dict(target.headers), timeout=DEADLINE_S, session=session
    )
