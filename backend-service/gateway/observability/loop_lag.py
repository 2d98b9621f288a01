"""How late the event loop turns to what is due: everybody's wait, whatever the cause."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import Histogram

EVERY_S = 0.25


@asynccontextmanager
async def sampling(lag: Histogram, every_s: float = EVERY_S) -> AsyncIterator[None]:
    """Observes the running loop's lag for as long as the context lasts."""
    sampler = asyncio.create_task(_sample(lag, every_s))
    try:
        yield
    finally:
        sampler.cancel()
        await asyncio.wait({sampler})


async def _sample(lag: Histogram, every_s: float) -> None:
    while True:
        due = time.perf_counter() + every_s
        await asyncio.sleep(every_s)
        lag.observe(max(0.0, time.perf_counter() - due))
