"""Kong itself ends as the preStop of configs/kong/kong-values.yaml has it: `kong quit`, with streams open."""

from __future__ import annotations

import asyncio
import shlex
import time
from dataclasses import dataclass

from testing.drain.fleet import Fleet
from testing.drain.load import CLIENTS, loading
from testing.drain.scenarios import Ended, Report, report, soon, warm
from testing.e2e.own import clean_environment

QUIT = "kong quit --prefix {prefix} --wait={wait} --timeout={timeout}"
WAIT_S = 6
"""Kong goes on for that long; who is in front of it has to stop sending within."""
TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class KongQuits:
    """`command` ends the Kong of `{prefix}`, with `{wait}` and `{timeout}` in seconds."""

    command: str = QUIT

    async def __call__(self, fleet: Fleet, clients: int = CLIENTS) -> Report:
        """Nothing new is sent to Kong from shortly before the wait is over, as a load balancer has it."""
        places = {"prefix": str(fleet.prefix), "wait": str(WAIT_S), "timeout": str(TIMEOUT_S)}
        words = [word.format(**places) for word in shlex.split(self.command)]
        async with loading(fleet.gateway, clients) as load:
            await warm(load, clients)
            begun = time.monotonic()
            quitting = await asyncio.create_subprocess_exec(*words, env=clean_environment())
            await asyncio.sleep(WAIT_S - 1)
            streams, before = load.streaming, len(load.exchanges)
        await soon(lambda: fleet.edge.poll() is not None, "Kong ends")
        seconds = round(time.monotonic() - begun, 2)
        async with asyncio.timeout(TIMEOUT_S):
            assert await quitting.wait() == 0
        meanwhile = len(load.exchanges) - before
        return report(fleet, load, clients, Ended(fleet.edge.poll(), seconds, streams, meanwhile, 0))
