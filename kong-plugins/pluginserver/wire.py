"""Kong's MessagePack RPC, byte for byte as kong-pdk 0.36 speaks it.

A request is [0, id, method, arguments], an answer [1, id, error, result]. Kong always asks: a PDK call is the
*result* of HandleEvent or Step, and its own result comes as the argument of the next Step.

Text that is not UTF-8 (a header may be any bytes) travels as surrogate escapes, both ways.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgpack

from pluginserver.limits import MAX_FRAME_BYTES, MAX_ITEMS


class BadFrame(Exception):
    """Not a request: whoever sent it cannot be answered."""


@dataclass(slots=True)
class Request:
    id: int
    method: str
    argument: Any


def new_unpacker() -> Any:
    """A reader for one connection; what goes beyond its bounds raises ValueError."""
    return msgpack.Unpacker(
        strict_map_key=False,
        unicode_errors="surrogateescape",
        max_buffer_size=MAX_FRAME_BYTES,
        max_array_len=MAX_ITEMS,
        max_map_len=MAX_ITEMS,
    )


def pack(value: Any) -> bytes:
    """MessagePack; TypeError, ValueError or OverflowError if the value has no form there or is too large."""
    packed: bytes = msgpack.packb(value, unicode_errors="surrogateescape")
    if len(packed) > MAX_FRAME_BYTES:
        raise ValueError(f"{len(packed)} bytes are more than the {MAX_FRAME_BYTES} that one call may have")
    return packed


def read_request(frame: Any) -> Request | None:
    """What a frame asks; None for a notification, which is not answered. BadFrame for anything else."""
    if type(frame) is not list or not frame:
        raise BadFrame
    if frame[0] == 2:
        return None
    if len(frame) != 4 or frame[0] != 0:
        raise BadFrame
    _, number, method, arguments = frame
    if type(number) is not int or not 0 <= number < 1 << 64 or type(method) is not str:
        raise BadFrame
    if type(arguments) is not list:
        raise BadFrame
    return Request(number, method, arguments[0] if arguments else None)


def result(number: int, value: Any) -> bytes:
    return pack([1, number, None, value])


def error(number: int, text: str) -> bytes:
    return pack([1, number, text, None])


def event_result(number: int, event_id: int, data: bytes) -> bytes:
    """The result of HandleEvent or Step: `data` is packed already, a PDK call or RETURNED."""
    return b"".join(
        (b"\x94\x01", _number(number), b"\xc0\x82\xa4Data", data, b"\xa7EventId", _number(event_id))
    )


def call(method: str, *arguments: Any) -> bytes:
    """A PDK call, for `event_result`."""
    return pack({"Method": method, "Args": arguments})


_number: Callable[[int], bytes] = msgpack.Packer().pack
"""Kept, because making a packer costs more than packing a number."""

RETURNED: Final = pack("ret")
REFUSAL: Final = call(
    "kong.response.exit", 503, {"message": "The request could not be handled. Try again later."}
)
"""What ends every event that failed."""
