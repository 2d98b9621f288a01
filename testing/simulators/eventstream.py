"""Frames of `application/vnd.amazon.eventstream`: big-endian lengths, string headers, two CRC-32."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from zlib import crc32

_STRING = 7


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message with string headers."""
    head = b"".join(
        struct.pack(">B", len(name))
        + name.encode()
        + struct.pack(">BH", _STRING, len(value.encode()))
        + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    message = prelude + struct.pack(">I", crc32(prelude)) + head + payload
    return message + struct.pack(">I", crc32(message))


def event(kind: str, payload: bytes) -> bytes:
    """An event of a service's stream."""
    return frame(
        {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}, payload
    )


def fault(kind: str, payload: bytes) -> bytes:
    """A fault that the service's model knows."""
    return frame(
        {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}, payload
    )


def corrupt(message: bytes) -> bytes:
    """The message with a bit of its payload flipped, so that its CRC is wrong."""
    return message[:-5] + bytes((message[-5] ^ 1,)) + message[-4:]
