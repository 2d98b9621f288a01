"""Counting what happens into the metrics of `metric_rows`."""

from __future__ import annotations

import time

from gateway.observability.metric_rows import MetricRows
from gateway.observability.record import RequestRecord


class Metrics(MetricRows):
    """All metrics of one gateway, and the moments at which they count."""

    def lifecycle(self, *, ready: bool | None = None, draining: bool | None = None) -> None:
        """Where the process stands in its life; what is not given stays as it is."""
        if ready is not None:
            self.ready.set(ready)
        if draining is not None:
            self.draining.set(draining)

    def certificate_expires(self, listener: str, timestamp: float) -> None:
        """The end (epoch seconds) of the certificate that ``listener`` shows from now on."""
        self.certificate_expiry.labels(listener).set(timestamp)

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
