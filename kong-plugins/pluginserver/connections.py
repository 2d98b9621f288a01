"""Kong's connections: frames in, answers out, never blocking."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import msgpack

from pluginserver.board import Slot
from pluginserver.limits import LARGE_BYTES
from pluginserver.wire import BadFrame, new_unpacker

READ_BYTES: Final = 64 * 1024
LARGE_READ_BYTES: Final = 1024 * 1024


class Gone(Exception):
    """The connection is of no use any more: the other side closed it, or did not speak the protocol."""


class Connection:
    """Nobody but the reading thread touches it."""

    __slots__ = (
        "_epoll",
        "_fed",
        "_on_close",
        "_out",
        "_read_bytes",
        "_socket",
        "_unpacker",
        "_whole",
        "fd",
        "moved",
        "open",
        "slot",
    )

    def __init__(
        self,
        connected: socket.socket,
        slot: Slot,
        epoll: select.epoll,
        on_close: Callable[[Connection], None],
    ) -> None:
        self.slot = slot
        self.moved = 0.0
        """When some of an answer that waits for room was last sent."""
        self._on_close = on_close
        self.fd = connected.fileno()
        self.open = True
        self._socket = connected
        self._epoll = epoll
        self._unpacker = new_unpacker()
        self._fed = self._whole = 0
        self._read_bytes = READ_BYTES
        self._out: deque[memoryview] = deque()
        connected.setblocking(False)
        epoll.register(self.fd, select.EPOLLIN)

    def receive(self) -> None:
        """Take what is there. Gone when that was the end, or too much for one frame."""
        self.slot.midway()
        try:
            data = self._socket.recv(self._read_bytes)
        except (BlockingIOError, InterruptedError):
            self.settle()
            return
        except OSError:
            raise Gone from None
        if not data:
            raise Gone
        self._read_bytes = LARGE_READ_BYTES if len(data) == self._read_bytes else READ_BYTES
        try:
            self._unpacker.feed(data)
        except (ValueError, msgpack.UnpackException):
            raise Gone from None
        self._fed += len(data)

    def next_frame(self) -> Any:
        """The next whole frame, or None. Gone when what came is no MessagePack or goes beyond the bounds."""
        if self._whole == self._fed:
            return None
        try:
            frame = self._unpacker.unpack()
        except msgpack.OutOfData:
            return None
        except (ValueError, TypeError, RecursionError, MemoryError, msgpack.UnpackException):
            raise Gone from None
        before, self._whole = self._whole, self._unpacker.tell()
        if self._whole - before > LARGE_BYTES and self._whole == self._fed:
            self._unpacker, self._fed, self._whole = new_unpacker(), 0, 0
        if frame is None:
            raise BadFrame
        return frame

    @property
    def has_more(self) -> bool:
        """Some bytes of a next frame are here already."""
        return self._whole < self._fed

    def send(self, data: bytes) -> bool:
        """Send now what fits, the rest when there is room. False if the other side is gone."""
        if not self.open:
            return False
        self.slot.midway()
        sent = 0
        if not self._out:
            try:
                sent = self._send(data)
            except Gone:
                self.close()
                return False
            if sent == len(data):
                self.settle()
                return True
            self.moved = time.monotonic()
            self._epoll.modify(self.fd, select.EPOLLIN | select.EPOLLOUT)
        self._out.append(memoryview(data)[sent:])
        return True

    def flush(self) -> None:
        """There is room again."""
        self.moved = time.monotonic()
        while self._out:
            sent = self._send(self._out[0])
            if sent < len(self._out[0]):
                self._out[0] = self._out[0][sent:]
                return
            self._out.popleft()
        self._epoll.modify(self.fd, select.EPOLLIN)
        self.settle()

    def stalled(self, now: float, limit_s: float) -> bool:
        """An answer has waited for so long that the other side will not read it."""
        return bool(self._out) and now - self.moved > limit_s

    def close(self) -> None:
        """For the supervisor's copy too, which keeps the socket open otherwise."""
        if not self.open:
            return
        self.open = False
        self._epoll.unregister(self.fd)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.slot.idle()
        self._on_close(self)

    def _send(self, data: bytes | memoryview) -> int:
        try:
            return self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            raise Gone from None

    def settle(self) -> None:
        """Put it on the board if neither side is in the middle of anything."""
        if self._whole == self._fed and not self._out:
            self.slot.idle()
