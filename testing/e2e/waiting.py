"""Waiting for a condition, with a deadline, and what goes on meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Value = TypeVar("Value")


def eventually(look: Callable[[], Value | None], what: str, within_s: float = 10) -> Value:
    """What ``look`` returns once it is neither None nor false; fails after ``within_s`` with ``what``."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        time.sleep(0.02)
    return found


@contextmanager
def meanwhile(work: Callable[[threading.Event], None], within_s: float = 60) -> Iterator[None]:
    """Beside the block, which sets the event at its end; fails if ``work`` does not end then."""
    ended = threading.Event()
    thread = threading.Thread(target=work, args=(ended,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(within_s)
        assert not thread.is_alive(), f"not within {within_s} s: the end of what went on meanwhile"
