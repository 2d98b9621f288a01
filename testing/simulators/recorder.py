"""What a simulator received, byte for byte, up to a bound."""

from __future__ import annotations

import time
from base64 import b64encode
from collections import Counter, deque
from typing import Any

import httptools
import orjson

from testing.simulators.messages import Headers

_PER_EXCHANGE = 2_000
"""Bytes that an exchange takes beside what it recorded, so that many empty ones hit the bound too."""


class Exchange:
    """One request and how it ended. `raw` holds every byte that came for it, head included."""

    __slots__ = (
        "at",
        "complete",
        "ended",
        "fault",
        "headers",
        "http",
        "method",
        "number",
        "raw",
        "raw_dropped",
        "status",
        "target",
    )

    def __init__(self, number: int) -> None:
        self.number = number
        self.at = time.time()
        self.raw = bytearray()
        self.raw_dropped = 0
        self.method: str | None = None
        self.target: str | None = None
        self.headers: Headers = ()
        self.http = True
        self.complete = False
        self.status: int | None = None
        self.fault: str | None = None
        self.ended: str | None = None
        """None while open, then "answered", "client left", "reset" or "cut" (the last two by a fault)."""

    def body(self) -> bytes:
        """The body without chunked framing; gRPC's is the message itself."""
        if not self.http:
            return bytes(self.raw)
        if any(name.lower() == "transfer-encoding" for name, _ in self.headers):
            return _without_chunks(bytes(self.raw))
        return bytes(self.raw).partition(b"\r\n\r\n")[2]

    def as_json(self) -> dict[str, Any]:
        """As the control endpoint shows it; bytes are base64."""
        body = self.body()
        return {
            "id": self.number,
            "at": self.at,
            "method": self.method,
            "target": self.target,
            "headers": self.headers,
            "raw": b64encode(self.raw).decode(),
            "raw_dropped": self.raw_dropped,
            "body": b64encode(body).decode(),
            "store": _store_flag(body),
            "complete": self.complete,
            "status": self.status,
            "fault": self.fault,
            "ended": self.ended,
            "client_left": self.ended == "client left",
        }


class Recorder:
    """The exchanges of a simulator, oldest first. Over `limit` bytes the oldest go; `dropped` counts them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._last = 0
        self.exchanges: deque[Exchange] = deque()
        self.counts: Counter[str] = Counter()
        self.dropped = 0

    def begin(self) -> Exchange:
        """A new exchange, to which bytes can be added."""
        self._last += 1
        exchange = Exchange(self._last)
        self.exchanges.append(exchange)
        self._size += _PER_EXCHANGE
        self._keep_bound()
        return exchange

    def add(self, exchange: Exchange, data: bytes) -> None:
        """Record `data`; what would exceed the bound by itself is counted instead of kept."""
        room = max(0, self._limit - len(exchange.raw))
        exchange.raw += data[:room]
        exchange.raw_dropped += max(0, len(data) - room)
        self._size += min(len(data), room)
        self._keep_bound()

    def arrived(self, exchange: Exchange, method: str, target: str, headers: Headers) -> None:
        """The request is complete: note its head and count it."""
        exchange.method, exchange.target, exchange.headers, exchange.complete = method, target, headers, True
        self.counts[f"{method} {target.partition('?')[0]}"] += 1

    def clear(self) -> None:
        """Forget everything, counts too. Exchanges that are still open are no longer shown."""
        self.exchanges.clear()
        self.counts.clear()
        self._size = self.dropped = 0

    def as_json(self) -> dict[str, Any]:
        """All exchanges; `dropped` is 0 as long as nothing that was received is missing."""
        missing = self.dropped + sum(1 for exchange in self.exchanges if exchange.raw_dropped)
        return {"dropped": missing, "exchanges": [exchange.as_json() for exchange in self.exchanges]}

    def _keep_bound(self) -> None:
        while self._size > self._limit and len(self.exchanges) > 1:
            oldest = self.exchanges.popleft()
            self._size -= _PER_EXCHANGE + len(oldest.raw)
            self.dropped += 1


def _store_flag(body: bytes) -> bool | None:
    """OpenAI's `store`, if the request said it."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    flag = value.get("store") if isinstance(value, dict) else None
    return flag if isinstance(flag, bool) else None


def _without_chunks(raw: bytes) -> bytes:
    body = bytearray()

    class Body:
        def on_body(self, data: bytes) -> None:
            body.extend(data)

    try:
        httptools.HttpRequestParser(Body()).feed_data(raw)
    except httptools.HttpParserError:
        return raw.partition(b"\r\n\r\n")[2]
    return bytes(body)
