"""What is known of one request, filled in step by step; headers, log line, metrics and traces show it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from compliance.classes import PUBLIC, ComplianceClass
from gateway.observability.steps import Attempt, Step, Timed
from gateway.types import Caller, Deployment, Usage

UNKNOWN: Final = "unknown"
"""The route of a request that came to none."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What HTTP says of it. ``route`` is the path's template, ``traceparent`` the caller's header or ""."""

    method: str
    route: str
    status: int
    traceparent: str = ""


@dataclass(slots=True)
class RequestRecord:
    """One request. Holds ids, names and numbers; never text of a prompt or an answer.

    Times are seconds of `time.perf_counter`. ``steps`` and ``asked`` stand in the order in which they
    happened. ``overhead_s`` is the time until the answer began that was not spent waiting for a provider,
    ``tag_failure`` why the edge's tag did not hold.
    """

    request_id: str
    started: float = field(default_factory=time.perf_counter)
    caller: Caller | None = None
    compliance: ComplianceClass = PUBLIC
    operation: str = "other"
    model: str | None = None
    stream: bool = False
    steps: list[Step] = field(default_factory=list)
    asked: list[Attempt] = field(default_factory=list)
    usage: Usage | None = None
    cost: Decimal | None = None
    overhead_s: float | None = None
    tag_failure: str | None = None
    refusal: str | None = None
    outcome: str = "ok"

    @property
    def attempts(self) -> int:
        """How many deployments were asked."""
        return len(self.asked)

    @property
    def deployment(self) -> Deployment | None:
        """Who answered, or was asked last."""
        return self.asked[-1].deployment if self.asked else None

    @property
    def upstream_s(self) -> float:
        """The time spent waiting for providers until the answer could begin."""
        return sum(attempt.waited_s for attempt in self.asked)

    def step(self, stage: str) -> Timed:
        """Counts the time inside as that stage's; a stage may have several parts."""
        return Timed(self.steps, stage)

    def ask(self, deployment: Deployment) -> Attempt:
        """A new attempt, whose time inside is a provider's."""
        attempt = Attempt(deployment)
        self.asked.append(attempt)
        return attempt

    def answer_begins(self) -> None:
        """From here on what takes time is the answer."""
        self.overhead_s = max(0.0, time.perf_counter() - self.started - self.upstream_s)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The answer's headers, as far as they are known when it begins."""
        deployment = self.deployment
        shown = {
            "x-request-id": self.request_id,
            "x-compliance-class": self.compliance.name,
            "x-gateway-deployment": deployment.id if deployment else "none",
            "x-gateway-provider": deployment.provider.name if deployment else "none",
            "x-gateway-attempts": str(self.attempts),
            "x-gateway-overhead-ms": f"{(self.overhead_s or 0.0) * 1000:.2f}",
            "x-gateway-cache": "off",
        }
        cost = Decimal(0) if self.attempts == 0 else self.cost
        if cost is not None:
            shown["x-gateway-cost-usd"] = money(cost)
        if deployment is not None and deployment.provider.simulated:
            shown["x-gateway-simulated"] = "true"
        return [(name.encode(), value.encode()) for name, value in shown.items()]


def money(amount: Decimal) -> str:
    """Plain digits, no exponent, at most twelve decimals: ``0.000123``."""
    text = f"{amount:.12f}".rstrip("0")
    return text + "0" if text.endswith(".") else text
