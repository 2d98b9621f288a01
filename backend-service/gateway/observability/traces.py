"""Traces: off, and nothing imported for them, unless there is a collector to send them to."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

import structlog

from gateway.observability.record import Exchange, RequestRecord
from gateway.trace_target import TraceTarget

#: The end of the process waits this long at most for what is not sent yet, and not at all for a collector
#: that did not take the batch before; then it is lost.
LAST_CHANCE_S = 2.0


class Sender(Protocol):
    """Makes spans of requests that have ended, and sends them on a thread of its own."""

    def send(self, record: RequestRecord, exchange: Exchange) -> str | None: ...

    @property
    def failing(self) -> bool: ...

    def close(self) -> None: ...

    def give_up(self) -> None: ...


class Traces:
    """The traces of a process. A request's spans are made once it has ended: until then it pays nothing.

    Use it as an asynchronous context, whose end sends the rest within LAST_CHANCE_S.
    """

    def __init__(self, target: TraceTarget | None, version: str) -> None:
        self._target = target
        self._version = version
        self._sender: Sender | None = None
        self._failed = False

    def ended(self, record: RequestRecord, exchange: Exchange) -> str | None:
        """The trace's id, where this request is traced. Never raises: nobody's answer hangs on its trace."""
        if self._sender is None:
            return None
        try:
            return self._sender.send(record, exchange)
        except Exception as error:
            if not self._failed:
                structlog.get_logger("gateway.traces").error("trace_failed", error=type(error).__name__)
            self._failed = True
            return None

    async def __aenter__(self) -> Self:
        if self._target is not None:
            self._sender = _sender(self._target, self._version)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._sender is None:
            return
        loop, closed = asyncio.get_running_loop(), asyncio.Event()
        sender = self._sender

        def close() -> None:
            sender.close()
            with suppress(RuntimeError):  # the loop did not wait for us
                loop.call_soon_threadsafe(closed.set)

        # A daemon: a collector that hangs does not keep the process from ending.
        threading.Thread(target=close, name="traces-close", daemon=True).start()
        try:
            async with asyncio.timeout(0 if sender.failing else LAST_CHANCE_S):
                await closed.wait()
        except TimeoutError:
            sender.give_up()


def _sender(target: TraceTarget, version: str) -> Sender:
    from gateway.observability.otlp import OtlpSender  # noqa: PLC0415 - memory and start-up of those without

    return OtlpSender(target, version)
