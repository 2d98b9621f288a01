"""What is known of one request, filled in step by step, and shown in headers, the log line and metrics."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from compliance.classes import PUBLIC, ComplianceClass
from gateway.types import Caller, Deployment, Usage


@dataclass(slots=True)
class RequestRecord:
    """One request. Holds ids, names and numbers; never text of a prompt or an answer.

    ``upstream_s`` is the time spent waiting for providers until the answer could begin; what is left of the
    request's time is the gateway's own.
    """

    request_id: str
    started: float = field(default_factory=time.perf_counter)
    caller: Caller | None = None
    compliance: ComplianceClass = PUBLIC
    operation: str = "other"
    model: str | None = None
    stream: bool = False
    deployment: Deployment | None = None
    attempts: int = 0
    usage: Usage | None = None
    cost: Decimal | None = None
    upstream_s: float = 0.0
    refusal: str | None = None
    outcome: str = "ok"

    @contextmanager
    def upstream(self) -> Iterator[None]:
        """Counts the time inside as a provider's."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.upstream_s += time.perf_counter() - begun

    def overhead_ms(self) -> float:
        """Milliseconds since the request came in that were not spent waiting for a provider."""
        return max(0.0, (time.perf_counter() - self.started - self.upstream_s) * 1000)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The answer's headers, as far as they are known when it begins."""
        deployment = self.deployment
        shown = {
            "x-request-id": self.request_id,
            "x-compliance-class": self.compliance.name,
            "x-gateway-deployment": deployment.id if deployment else "none",
            "x-gateway-provider": deployment.provider.name if deployment else "none",
            "x-gateway-attempts": str(self.attempts),
            "x-gateway-overhead-ms": f"{self.overhead_ms():.2f}",
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
