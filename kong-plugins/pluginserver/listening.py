"""The socket in Kong's prefix: one server answers there at a time."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

log = logging.getLogger("pluginserver")

TAKEN_WAIT_S: Final = 3.0
"""After `kong reload` the server of the old worker goes on for a while. If this is too short, Kong starts us
again."""


class SocketTaken(Exception):
    """There is no listening at this path; the message says why."""


def listen(path: Path, queue: int, wait_s: float = TAKEN_WAIT_S) -> socket.socket:
    """Listen at the path. A socket that nobody answers on is removed, one that somebody does is waited
    for."""
    if len(os.fsencode(path)) > 107:
        raise SocketTaken(f"{path}: too long for a socket (107 bytes)")
    until, waits = time.monotonic() + wait_s, False
    while True:
        with _alone(path.parent):
            if _removed_if_stale(path):
                return _bound(path, queue)
        if time.monotonic() > until:
            raise SocketTaken(f"{path}: another server answers there")
        if not waits:
            waits = True
            log.info("another server answers at %s: waiting for its end", path)
        time.sleep(0.05)


def remove_own(path: Path, listener_inode: int) -> None:
    """Remove the socket, unless another server has taken the place."""
    with contextlib.suppress(OSError), _alone(path.parent):
        if path.stat().st_ino == listener_inode:
            path.unlink()


def _bound(path: Path, queue: int) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(os.fspath(path))
        listener.listen(queue)
    except OSError as error:
        listener.close()
        raise SocketTaken(f"{path}: {error.strerror}") from None
    return listener


def _removed_if_stale(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return True
    if not stat.S_ISSOCK(mode):
        raise SocketTaken(f"{path}: exists and is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return True
        except OSError:
            return False
    return False


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other server looks at the folder's sockets meanwhile."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
