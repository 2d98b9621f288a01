"""Sockets that pass between supervisor and worker, each with its place on the board.

The supervisor keeps a copy of every connection. When a worker dies, what it owed is said on the copy, and the
next worker goes on with the connection: Kong does not notice.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import Final

_SLOT: Final = struct.Struct("<i")
NO_SLOT: Final = -1


def channel() -> tuple[socket.socket, socket.socket]:
    """Two ends; each message is one socket."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def register(control: socket.socket, slot: int, connected: socket.socket) -> None:
    """Tell the supervisor of a connection. If it is behind, it goes without: then only a crash shows it."""
    with contextlib.suppress(OSError):
        socket.send_fds(control, [_SLOT.pack(slot)], [connected.fileno()])


def receive_socket(control: socket.socket) -> tuple[int, socket.socket] | None:
    """The next socket and its place; None at the end. Raises BlockingIOError when there is none yet."""
    try:
        message, fds, _flags, _address = socket.recv_fds(control, _SLOT.size, 1)
    except ConnectionError:
        return None
    if not message or not fds:
        return None
    return _SLOT.unpack(message)[0], socket.socket(fileno=fds[0])
