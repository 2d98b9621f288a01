"""Around every request: its record, headers, its errors' shape, its one log line, its metrics and trace."""

from __future__ import annotations

import asyncio
import math
import re
import time
import uuid
from collections.abc import Iterable

import orjson
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.errors import GatewayError
from gateway.lifecycle import Lifecycle
from gateway.observability import Exchange, Metrics, RequestRecord, Traces, money
from gateway.observability.record import UNKNOWN

REQUEST_ID = re.compile(rb"[A-Za-z0-9_-]{1,64}")
#: On what is answered while draining: an edge that kept the connection would send its next request to nobody.
CLOSE = (b"connection", b"close")
Headers = list[tuple[bytes, bytes]]


class Envelope:
    """Outermost: whatever happens inside, there is an answer with a request id, and one line is logged."""

    def __init__(self, app: ASGIApp, metrics: Metrics, traces: Traces, lifecycle: Lifecycle) -> None:
        self.app = app
        self.traces = traces
        self.lifecycle = lifecycle
        self.metrics = metrics
        self.log = structlog.get_logger("gateway.request")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        record = RequestRecord(_request_id(scope["headers"]))
        scope.setdefault("state", {})["record"] = record
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                record.answer_begins()
                more = [*record.headers(), *((CLOSE,) if self.lifecycle.draining else ())]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        self.metrics.in_flight.inc()
        try:
            await self.app(scope, receive, send_with_headers)
        except asyncio.CancelledError:
            record.outcome = "cancelled"
            raise
        except GatewayError as error:
            await self._answer(error, record, send_with_headers, begun=bool(status))
        except Exception as error:
            self.log.error("unexpected_error", request_id=record.request_id, error=_where(error))
            await self._answer(_internal(record), record, send_with_headers, begun=bool(status))
        finally:
            self.metrics.in_flight.dec()
            self._ended(record, _exchange(scope, status or 499))

    async def _answer(self, error: GatewayError, record: RequestRecord, send: Send, *, begun: bool) -> None:
        record.refusal = error.code
        record.outcome = error.code
        if not begun:
            await send_error(error, send)

    def _ended(self, record: RequestRecord, exchange: Exchange) -> None:
        self.metrics.observe(record, exchange.status)
        self._log(record, exchange, self.traces.ended(record, exchange))

    def _log(self, record: RequestRecord, exchange: Exchange, trace_id: str | None) -> None:
        caller, usage, deployment = record.caller, record.usage, record.deployment
        self.log.info(
            "request",
            request_id=record.request_id,
            trace_id=trace_id,
            method=exchange.method,
            route=exchange.route,
            status=exchange.status,
            outcome=record.outcome,
            tenant=caller.tenant if caller else None,
            subject=caller.subject if caller else None,
            compliance_class=record.compliance.name,
            rules=caller.rules if caller else (),
            model=record.model,
            stream=record.stream,
            deployment=deployment.id if deployment else None,
            provider=deployment.provider.name if deployment else None,
            simulated=deployment.provider.simulated if deployment else None,
            attempts=record.attempts,
            input_tokens=usage.input_tokens if usage else None,
            output_tokens=usage.output_tokens if usage else None,
            cost_usd=money(record.cost) if record.cost is not None else None,
            duration_ms=round((time.perf_counter() - record.started) * 1000, 2),
            upstream_ms=round(record.upstream_s * 1000, 2),
        )


async def send_error(error: GatewayError, send: Send) -> None:
    """The error as a whole answer."""
    body = orjson.dumps(error.body())
    headers: Headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    if error.retry_after_s is not None:
        headers.append((b"retry-after", str(math.ceil(error.retry_after_s)).encode()))
    if not error.retryable:
        headers.append((b"x-should-retry", b"false"))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The edge's id where it is a sane one, else a new one."""
    for name, value in headers:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            return value.decode()
    return str(uuid.uuid4())


def _exchange(scope: Scope, status: int) -> Exchange:
    """The route is the path's template: a path that nobody serves is the caller's text and stays out."""
    route = getattr(scope.get("route"), "path", UNKNOWN)
    # More than one `traceparent` is none, says its specification.
    parents = [value for name, value in scope["headers"] if name == b"traceparent"]
    return Exchange(scope["method"], route, status, parents[0].decode("latin-1") if len(parents) == 1 else "")


def _internal(record: RequestRecord) -> GatewayError:
    return GatewayError(f"The gateway failed. Ask its administrator about request {record.request_id}.")


def _where(error: BaseException) -> list[str]:
    """The error's type and the lines it passed through, without its message: that may hold a prompt."""
    frames: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        frames.append(f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}")
        trace = trace.tb_next
    return [type(error).__name__, *frames[-8:]]
