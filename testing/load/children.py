"""Programs that the bench starts: each in a session of its own, and ended with all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from testing.load.processes import members

ROOT = Path(__file__).resolve().parents[2]
END_WITHIN_S = 10.0
_ENDING = (signal.SIGINT, signal.SIGTERM)
# No credential of anyone's, and no proxy. PYTHONPATH: whoever compares two trees puts theirs there.
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH")


@contextmanager
def running(
    arguments: Sequence[str],
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python program for as long as the context lasts.

    It has a session of its own, so that Ctrl-C reaches us alone. A signal that comes while a program is being
    started or ended waits until that is done: none is forgotten.
    """
    process = None
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    restore = partial(signal.pthread_sigmask, signal.SIG_SETMASK, before)
    try:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            stdin=stdin,
            stdout=stdout,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
            pass_fds=pass_fds,
            start_new_session=True,
            preexec_fn=restore,  # noqa: PLW1509 - we have one thread; the program would inherit our mask
        )
        restore()
        yield process
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        if process is not None:
            _end(process)
        restore()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_WITHIN_S)
    # Whoever is left of its session has not heard of it.
    for pid in members(process.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait(END_WITHIN_S)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
