"""Counting what happens into the metrics of `metric_rows`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

from gateway.observability import label_values as values
from gateway.observability.metric_rows import MetricRows
from gateway.observability.record import RequestRecord
from gateway.observability.steps import Attempt
from gateway.types import Agreement, Deployment


class Metrics(MetricRows):
    """All metrics of one gateway, and the moments at which they count."""

    def describe(
        self,
        deployments: Iterable[Deployment],
        *,
        version: str,
        rules_revision: str,
        today: Callable[[], date] = date.today,
    ) -> None:
        """Say what is in force, and make the series that must be there before their first event.

        A counter that appears with 1 has no rate at its first event, and a class that never went somewhere
        should show as 0. So these start at 0: `requests` of the inference operations by class with the
        statuses of an error rate, `refusals` by code and class, `no_eligible_deployment`, `tag_failures`,
        `stage_duration`, the two durations by inference operation, and for each deployment `dispatches` by
        class, `attempts` by outcome and `tokens` by kind. Not `cost_usd` (tenants times deployments) and the
        deployments' histograms: they appear with their first event.
        """
        self.build_info.labels(version, rules_revision).set(1)
        self._start_at_zero(
            (self.requests, values.INFERENCE, values.STATUSES, values.CLASSES),
            (self.duration, values.INFERENCE),
            (self.overhead, values.INFERENCE),
            (self.stage_duration, values.STAGES),
            (self.refusals, values.REFUSALS, values.CLASSES),
            (self.no_eligible_deployment, values.CLASSES, values.OBLIGATIONS),
            (self.tag_failures, values.TAG_FAILURES),
        )
        for deployment in deployments:
            self._describe(deployment, today)

    def _describe(self, deployment: Deployment, today: Callable[[], date]) -> None:
        name, provider = deployment.id, deployment.provider
        simulated = str(provider.simulated).lower()
        self.deployment_info.labels(name, provider.name, deployment.model, deployment.region, simulated).set(
            1
        )
        for category in deployment.cleared_for:
            in_force = _in_force(deployment.agreement, today)
            self.deployment_cleared.labels(name, category).set_function(in_force)
        if deployment.agreement is not None:
            self.agreement_expiry.labels(name).set(_end_of(deployment.agreement.expires))
        self._start_at_zero(
            (self.dispatches, (name,), values.CLASSES),
            (self.attempts, (name,), values.OUTCOMES),
            (self.tokens, (name,), values.TOKEN_KINDS),
        )

    @staticmethod
    def _start_at_zero(*rows: tuple[Any, *tuple[tuple[str, ...], ...]]) -> None:
        """A row is a metric and what each of its labels may hold."""
        for metric, *labels in rows:
            for each in product(*labels):
                metric.labels(*each)

    def lifecycle(self, *, ready: bool | None = None, draining: bool | None = None) -> None:
        """Where the process stands in its life; what is not given stays as it is."""
        if ready is not None:
            self.ready.set(ready)
        if draining is not None:
            self.draining.set(draining)

    def certificate_expires(self, listener: str, timestamp: float) -> None:
        """The end (epoch seconds) of the certificate that ``listener`` shows from now on."""
        self.certificate_expiry.labels(listener).set(timestamp)

    def nobody_may_see(self, record: RequestRecord, obligations: Iterable[str]) -> None:
        """Count a request without an eligible deployment. An obligation's details may be a caller's words."""
        for sort in {obligation.partition(":")[0] for obligation in obligations}:
            self.no_eligible_deployment.labels(record.compliance.name, sort).inc()

    def dispatched(self, record: RequestRecord, attempt: Attempt) -> None:
        """Count a request that is about to be sent."""
        self.dispatches.labels(attempt.deployment.id, record.compliance.name).inc()

    def attempted(self, attempt: Attempt) -> None:
        """Count an attempt that has ended."""
        name = attempt.deployment.id
        self.attempts.labels(name, attempt.outcome).inc()
        if attempt.ended is not None:
            self.attempt_duration.labels(name).observe(attempt.ended - attempt.sent)

    def observe(self, record: RequestRecord, status: int) -> None:
        """Count a request that has ended."""
        for attempt in record.asked:
            if attempt.ended is None:  # a stream that nobody began to read
                attempt.end(values.ABANDONED)
                self.attempted(attempt)
        if record.operation == values.HEALTH:
            return
        name = record.compliance.name
        self.requests.labels(record.operation, str(status), name).inc()
        self.duration.labels(record.operation).observe(time.perf_counter() - record.started)
        if record.overhead_s is not None:
            self.overhead.labels(record.operation).observe(record.overhead_s)
        if record.refusal is not None:
            self.refusals.labels(record.refusal, name).inc()
        if record.tag_failure is not None:
            self.tag_failures.labels(record.tag_failure).inc()
        self._stages(record)
        if record.asked:
            self._answer(record, record.asked[-1])

    def _stages(self, record: RequestRecord) -> None:
        spent: dict[str, float] = {}
        for stage, begun, ended in record.steps:
            spent[stage] = spent.get(stage, 0.0) + ended - begun
        if record.asked:
            spent["provider"] = record.upstream_s
        for stage, seconds in spent.items():
            self.stage_duration.labels(stage).observe(seconds)

    def _answer(self, record: RequestRecord, attempt: Attempt) -> None:
        name, usage = attempt.deployment.id, record.usage
        if attempt.first_token is not None:
            self.time_to_first_token.labels(name).observe(attempt.first_token - record.started)
        if usage is None:
            return
        if attempt.first_token is not None and attempt.last_token is not None and usage.output_tokens > 1:
            seconds = (attempt.last_token - attempt.first_token) / (usage.output_tokens - 1)
            self.time_per_output_token.labels(name).observe(seconds)
        counts = (
            usage.input_tokens,
            usage.output_tokens,
            usage.cached_input_tokens,
            usage.cache_write_tokens,
            usage.reasoning_tokens,
        )
        for kind, count in zip(values.TOKEN_KINDS, counts, strict=True):
            if count:
                self.tokens.labels(name, kind).inc(count)
        if record.cost and record.caller:
            self.cost.labels(name, record.caller.tenant).inc(float(record.cost))


def _in_force(agreement: Agreement | None, today: Callable[[], date]) -> Callable[[], float]:
    """1 or 0, as policy would decide at the moment of asking."""
    return lambda: float(agreement is None or agreement.expires >= today())


def _end_of(day: date) -> float:
    """The end of ``day`` in epoch seconds, by the clock by which policy takes its day."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time()).astimezone().timestamp()
