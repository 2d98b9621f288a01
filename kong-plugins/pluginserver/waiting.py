"""Work that a plugin has given to a pool: wait for it without holding up the others.

    from pluginserver.waiting import result_of
    answer = result_of(pool.submit(scan, body))

In this server the event rests until the work is done and others run on its thread. Anywhere else (kong-pdk's
own server, the embedded edge, a test) this is `future.result()`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

rest_until: ContextVar[Callable[[Future[Any]], None] | None] = ContextVar("rest_until", default=None)
"""Set where a plugin runs in a greenlet: comes back when the future is done."""


def result_of(future: Future[T], timeout: float | None = None) -> T:
    """What the future comes to: its value, or its exception. The timeout counts only outside of this server,
    whose own deadline ends the event."""
    rest = rest_until.get()
    if rest is None:
        return future.result(timeout)
    if not future.done():
        rest(future)
    return future.result(0)
