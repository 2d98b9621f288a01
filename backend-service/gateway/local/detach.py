"""A local gateway that outlives the command that started it, and its end."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.local.state import State

READY_DEADLINE_S = 60
STOP_DEADLINE_S = 40


class DetachError(RuntimeError):
    """The gateway did not become ready; the message says what it said."""


def start(arguments: Sequence[str], log: Path) -> dict[str, Any]:
    """Start `portcullis local` in a session of its own and wait until it is ready. Raises DetachError.

    It holds nothing of the caller's: standard input is empty, output goes to ``log``, all else is closed.
    """
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    ours, theirs = os.pipe()
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "gateway.cli", "local", *arguments, "--ready-fd", str(theirs)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(theirs,),
            start_new_session=True,
        )
    os.close(theirs)
    message = _read_line(ours)
    os.close(ours)
    if message is None:
        process.kill()
        raise DetachError(f"the gateway was not ready within {READY_DEADLINE_S} s; see {log}")
    answer: dict[str, Any] = json.loads(message) if message else {"error": f"the gateway ended; see {log}"}
    if "error" in answer:
        raise DetachError(answer["error"])
    return answer


def stop(state: State, port: int | None) -> list[int]:
    """End the gateways that run from this folder (the one on ``port``); the ports of those that ended."""
    ended: list[int] = []
    for file in sorted((state.folder / "run").glob("*.json")):
        number = int(file.stem)
        if port is not None and number != port:
            continue
        if _holds_lock(file):
            _end(file)
            ended.append(number)
        file.unlink(missing_ok=True)
    return ended


def _end(file: Path) -> None:
    process = os.pidfd_open(json.loads(file.read_text(encoding="utf-8"))["pid"])
    try:
        signal.pidfd_send_signal(process, signal.SIGTERM)
        ended, _, _ = select.select([process], [], [], STOP_DEADLINE_S)
        if not ended:
            signal.pidfd_send_signal(process, signal.SIGKILL)
    finally:
        os.close(process)


def _holds_lock(file: Path) -> bool:
    """Whether the process that wrote ``file`` still runs: it keeps the file locked for as long as it does."""
    try:
        with file.open() as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _read_line(descriptor: int) -> bytes | None:
    """What the child says until it closes its end; None when it says nothing in time."""
    deadline = time.monotonic() + READY_DEADLINE_S
    said = b""
    while not said.endswith(b"\n"):
        readable, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        if not readable:
            return None
        piece = os.read(descriptor, 65536)
        if not piece:
            break
        said += piece
    return said
