"""Memory that a worker shares with its supervisor: what is owed on which connection, should the worker die.

A worker that a plugin has seized cannot say so; the supervisor reads it here. Per connection: nothing owed,
an answer owed (to which request and event, since when), or the stream is in the middle of a frame, so that
nothing can be said on it any more. Each write is a few bytes, and the state goes last: a worker may die
between any two.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pluginserver.limits import MAX_CONNECTIONS

IDLE: Final = 0
OWED: Final = 1
MIDWAY: Final = 2

_HEADER: Final = struct.Struct("<dI")
_RECORD: Final = struct.Struct("<Qqd")
_HEADER_BYTES: Final = 64
_SLOT_BYTES: Final = 32
NO_EVENT: Final = -1


@dataclass(frozen=True, slots=True)
class Debt:
    """What one connection is owed. The event is NO_EVENT for a request that is about none."""

    slot: int
    state: int
    request_id: int
    event_id: int
    arrived: float


class Board:
    """Created before the fork; the worker writes, the supervisor reads."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _HEADER_BYTES + _SLOT_BYTES * MAX_CONNECTIONS)
        self._used = 0

    def close(self) -> None:
        self._memory.close()

    def beat(self, now: float) -> None:
        """The worker's threads run."""
        _HEADER.pack_into(self._memory, 0, now, self._used)

    def last_beat(self) -> float:
        beat: float = _HEADER.unpack_from(self._memory)[0]
        return beat

    def slot(self, index: int) -> Slot:
        self._used = max(self._used, index + 1)
        struct.pack_into("<I", self._memory, 8, self._used)
        return Slot(self._memory, index)

    def debts(self) -> Iterator[Debt]:
        """All slots that are not idle."""
        used = _HEADER.unpack_from(self._memory)[1]
        for index in range(used):
            at = _HEADER_BYTES + _SLOT_BYTES * index
            state = self._memory[at]
            if state != IDLE:
                yield Debt(index, state, *_RECORD.unpack_from(self._memory, at + 8))


class Slot:
    """One connection's place on the board."""

    __slots__ = ("_at", "_memory", "index")

    def __init__(self, memory: mmap.mmap, index: int) -> None:
        self.index = index
        self._memory, self._at = memory, _HEADER_BYTES + _SLOT_BYTES * index
        self._memory[self._at] = IDLE

    def idle(self) -> None:
        self._memory[self._at] = IDLE

    def midway(self) -> None:
        self._memory[self._at] = MIDWAY

    def owed(self, request_id: int, event_id: int, arrived: float) -> None:
        _RECORD.pack_into(self._memory, self._at + 8, request_id, event_id, arrived)
        self._memory[self._at] = OWED
