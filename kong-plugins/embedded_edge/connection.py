"""One HTTP/1.1 connection to an upstream, as nginx talks to it: header order and case as given, deadlines.

A client library would reorder and rename header fields.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from typing import cast

import httptools

from embedded_edge.headers import Pair
from embedded_edge.upstream import UpstreamBrokenError, UpstreamTimeoutError

_BUFFERED_BYTES = 256 * 1024
_STATUS_LINE = re.compile(rb"HTTP/\d+\.\d+ +\d{3}")


class Connection(asyncio.Protocol):
    """One connection; one answer at a time. `head` waits for its header, `chunk` for more of its body."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.status = 0
        self.reason = b""
        self.headers: list[Pair] = []
        self.reusable = False
        self.idle_since = 0.0
        self._closed = False
        self._can_write = asyncio.Event()
        self._can_write.set()
        self._begin("GET")

    def _begin(self, method: str) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._method = method
        self.status, self.reason, self.headers = 0, b"", []
        self._head_done = self._body_done = self._broken = self._framed = self._paused = False
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._changed = asyncio.Event()
        self._seen = b""
        self._raw = False

    # What the caller does.

    @property
    def is_open(self) -> bool:
        return not self._closed

    async def send(
        self, method: str, target: bytes, headers: list[Pair], body: bytes, write_timeout_s: float
    ) -> None:
        """Writes the request. UpstreamTimeoutError if the upstream does not take it in time."""
        self._begin(method)
        lines = [method.encode(), b" ", target, b" HTTP/1.1\r\n"]
        for name, value in headers:
            lines += (name, b": ", value, b"\r\n")
        lines.append(b"\r\n")
        self.transport.write(b"".join(lines))
        if body:
            self.transport.write(body)
            try:
                await asyncio.wait_for(self._can_write.wait(), write_timeout_s)
            except TimeoutError:
                raise UpstreamTimeoutError from None

    async def head(self, timeout_s: float) -> None:
        """Returns when `status`, `reason` and `headers` hold the answer's, or `is_raw` is known."""
        await self._wait(lambda: self._head_done, timeout_s)

    @property
    def is_raw(self) -> bool:
        """Whether what comes has no HTTP status line: to nginx an answer of HTTP/0.9, all of it body."""
        return self._raw

    async def chunk(self, timeout_s: float) -> bytes:
        """The next bytes of the body; empty at its end."""
        await self._wait(lambda: bool(self._chunks) or self._body_done, timeout_s)
        if not self._chunks:
            return b""
        data = b"".join(self._chunks)
        self._chunks.clear()
        self._buffered = 0
        if self._paused and not self._closed:
            self._paused = False
            self.transport.resume_reading()
        return data

    @property
    def done(self) -> bool:
        """Whether the body has ended and been taken."""
        return self._body_done and not self._chunks

    def close(self) -> None:
        if not self._closed:
            self.transport.abort()

    async def _wait(self, ready: Callable[[], bool], timeout_s: float) -> None:
        while not ready():
            if self._broken or self._closed:
                raise UpstreamBrokenError("the connection ended early")
            self._changed.clear()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._changed.wait()
            except TimeoutError:
                raise UpstreamTimeoutError from None

    # What the transport says.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._raw:
            self._keep(data)
            self._changed.set()
            return
        if not self.status:
            self._seen += data
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.reusable = False
            if not self.status and not _STATUS_LINE.match(self._seen):
                self._raw = self._head_done = True
                self._keep(self._seen)
            else:
                self._broken = not self._body_done
        except httptools.HttpParserUpgrade:
            self.reusable = False
        self._changed.set()

    def eof_received(self) -> None:
        self.reusable = False
        if self._head_done and not self._framed:
            self._body_done = True
        self._changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        if self._head_done and not self._framed and exc is None:
            self._body_done = True
        self._can_write.set()
        self._changed.set()

    def pause_writing(self) -> None:
        self._can_write.clear()

    def resume_writing(self) -> None:
        self._can_write.set()

    # What the parser says.

    def on_status(self, reason: bytes) -> None:
        self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self.status < 200:
            self.headers, self.reason = [], b""
            return
        self.reusable = self._parser.should_keep_alive()
        names = {name.lower() for name, _ in self.headers}
        self._framed = b"content-length" in names or b"transfer-encoding" in names
        self._head_done = True
        if self._method == "HEAD":
            # The parser does not know the method and would wait for the body that Content-Length names.
            self._body_done, self.reusable = True, False

    def on_body(self, data: bytes) -> None:
        if not self._body_done:
            self._keep(data)

    def _keep(self, data: bytes) -> None:
        self._chunks.append(data)
        self._buffered += len(data)
        if self._buffered > _BUFFERED_BYTES and not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def on_message_complete(self) -> None:
        if self.status >= 200:
            self._body_done = True
