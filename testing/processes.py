"""Programs as children of a test: each with a log and a clean environment, and ended with all it started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from testing.e2e.own import clean_environment
from testing.e2e.prepared import REPOSITORY

READY_DEADLINE_S = 60
STOP_DEADLINE_S = 45


@contextmanager
def child(
    command: Sequence[str], log: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A child in a group of its own, which is ended with all that it has started. On an error, its log.

    The log goes on where it ended before.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env={**clean_environment(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    except TimeoutError:
        sys.stderr.write(f"{log.name}:\n{log.read_text(encoding='utf-8', errors='replace')[-4000:]}\n")
        raise
    finally:
        # The whole group: `kong start` does not pass a signal on to the nginx that it runs.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_DEADLINE_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def until(look: Callable[[], bool], what: str, within_s: float = READY_DEADLINE_S) -> None:
    """Returns once it is so. Raises TimeoutError."""
    deadline = time.monotonic() + within_s
    while not look():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {within_s} s")
        time.sleep(0.05)


def answers(url: str, headers: Mapping[str, str] | None = None) -> bool:
    """Whether it answers 200 now."""
    try:
        return httpx.get(url, headers=dict(headers or {}), timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody uses now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
