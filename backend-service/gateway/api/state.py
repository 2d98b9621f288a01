"""What endpoints work with: built once at start, handed over by the application's state."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request

from gateway.configuration import Configuration
from gateway.errors import Forbidden
from gateway.lifecycle import Lifecycle
from gateway.observability import Metrics, RequestRecord
from gateway.pipeline import Pipeline
from gateway.policy import caller_of
from gateway.settings import Settings
from gateway.types import Caller

#: A part's name and a check that returns None when it is well, else what is wrong. Each has its own deadline.
Checks = Mapping[str, Callable[[], Awaitable[str | None]]]


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts of one running gateway."""

    settings: Settings
    configuration: Configuration
    pipeline: Pipeline
    metrics: Metrics
    checks: Checks
    lifecycle: Lifecycle


def gateway_of(request: Request) -> Gateway:
    """The gateway that serves ``request``."""
    gateway: Gateway = request.app.state.gateway
    return gateway


def record_of(request: Request) -> RequestRecord:
    """The request's record, which the envelope made."""
    record: RequestRecord = request.state.record
    return record


def admit(request: Request, operation: str, scope: str = "inference") -> Caller:
    """The caller, if it holds ``scope``; notes it in the record. Raises Forbidden."""
    record = record_of(request)
    record.operation = operation
    caller = caller_of(request.state.tag, gateway_of(request).configuration.tenants)
    record.caller = caller
    record.compliance = caller.compliance
    if scope not in caller.scopes:
        raise Forbidden(f"This needs the scope {scope!r}: ask for a token that has it.")
    return caller
