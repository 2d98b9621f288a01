"""End with the process that started us."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

STARTED_BY = os.getppid()


def when_parent_ends(then: Callable[[], None]) -> None:
    """Call `then` once the parent has ended; at once if it already has.

    A pidfd rather than PR_SET_PDEATHSIG, which fires when the *thread* that started us ends.
    """
    if not STARTED_BY:  # the first process of a container has no parent
        return
    try:
        watched = os.pidfd_open(STARTED_BY)
    except ProcessLookupError:
        then()
        return
    if os.getppid() != STARTED_BY:
        then()
        return
    loop = asyncio.get_running_loop()

    def ended() -> None:
        loop.remove_reader(watched)
        os.close(watched)
        then()

    loop.add_reader(watched, ended)
