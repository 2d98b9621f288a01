"""Cutting a stream of bytes into the events of its framing: SSE, NDJSON, AWS event stream.

A framing forwards only whole events, so that what reads behind it never sees half of one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

MAX_EVENT_BYTES = 16 * 1024 * 1024


class Garbage(Exception):
    """The bytes are not what the protocol says. Holds none of them."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its bytes as they came, its name where the framing has one, and its data."""

    raw: bytes
    name: str
    data: bytes


class Framing(Protocol):
    """Takes pieces of any size, gives whole events; ``rest`` is what may follow without its last newline."""

    def feed(self, piece: bytes) -> Iterator[Event]: ...

    def rest(self) -> Event | None: ...


@dataclass(slots=True)
class ServerSentEvents:
    """``text/event-stream``; lines may end in LF or CRLF."""

    _buffer: bytearray = field(default_factory=bytearray)
    _searched: int = 0

    def feed(self, piece: bytes) -> Iterator[Event]:
        self._buffer += piece
        while (end := self._end_of_event()) is not None:
            raw = bytes(self._buffer[:end])
            del self._buffer[:end]
            self._searched = 0
            yield _sse_event(raw)
        if len(self._buffer) > MAX_EVENT_BYTES:
            raise Garbage

    def rest(self) -> Event | None:
        raw = bytes(self._buffer)
        return _sse_event(raw) if raw.strip() else None

    def _end_of_event(self) -> int | None:
        start = max(0, self._searched - 3)
        self._searched = len(self._buffer)
        end = self._buffer.find(b"\n\n", start)
        # Only before that end: for each event of a long piece, the rest would be searched in vain.
        earlier = self._buffer.find(b"\r\n\r\n", start, None if end < 0 else end)
        if earlier >= 0:
            return earlier + 4
        return end + 2 if end >= 0 else None


def _sse_event(raw: bytes) -> Event:
    name = ""
    data: list[bytes] = []
    for line in raw.splitlines():
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif line.startswith(b"event:"):
            name = line[6:].strip().decode("ascii", "replace")
        elif line and not line.startswith((b":", b"id:", b"retry:")):
            raise Garbage
    return Event(raw, name, b"\n".join(data))


@dataclass(slots=True)
class Lines:
    """One JSON document a line, as Ollama sends them."""

    _buffer: bytearray = field(default_factory=bytearray)

    def feed(self, piece: bytes) -> Iterator[Event]:
        self._buffer += piece
        while (end := self._buffer.find(b"\n")) >= 0:
            raw = bytes(self._buffer[: end + 1])
            del self._buffer[: end + 1]
            yield Event(raw, "", raw.strip())
        if len(self._buffer) > MAX_EVENT_BYTES:
            raise Garbage

    def rest(self) -> Event | None:
        raw = bytes(self._buffer)
        return Event(raw, "", raw.strip()) if raw.strip() else None


_PRELUDE = struct.Struct(">III")
_STRING_HEADER = 7


@dataclass(slots=True)
class EventStream:
    """``application/vnd.amazon.eventstream``. Checksums are left to botocore, which decodes the frames."""

    _buffer: bytearray = field(default_factory=bytearray)

    def feed(self, piece: bytes) -> Iterator[Event]:
        self._buffer += piece
        while len(self._buffer) >= _PRELUDE.size:
            total, header_bytes, _ = _PRELUDE.unpack_from(self._buffer)
            if not _PRELUDE.size + header_bytes + 4 <= total <= MAX_EVENT_BYTES:
                raise Garbage
            if len(self._buffer) < total:
                return
            raw = bytes(self._buffer[:total])
            del self._buffer[:total]
            yield _frame(raw, header_bytes)

    def rest(self) -> Event | None:
        if self._buffer:
            raise Garbage
        return None


def _frame(raw: bytes, header_bytes: int) -> Event:
    headers: dict[str, str] = {}
    at, end = _PRELUDE.size, _PRELUDE.size + header_bytes
    try:
        while at < end:
            name_end = at + 1 + raw[at]
            name = raw[at + 1 : name_end].decode()
            if raw[name_end] != _STRING_HEADER:
                raise Garbage
            (length,) = struct.unpack_from(">H", raw, name_end + 1)
            headers[name] = raw[name_end + 3 : name_end + 3 + length].decode()
            at = name_end + 3 + length
    except (IndexError, struct.error, UnicodeDecodeError):
        raise Garbage from None
    kind = headers.get(":message-type", "event")
    name = headers.get(":event-type", "") if kind == "event" else kind
    return Event(raw, name, raw[end:-4])
