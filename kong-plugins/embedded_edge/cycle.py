"""One request and its answer on a connection: the head as it is given, nginx's reason phrases, deadlines."""

import asyncio
import logging
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from embedded_edge.exchange import BROKEN, CLOSE, RAW, REASON, CutError

# nginx's send_timeout.
_TIMEOUT_S = 60.0

# nginx's reason phrases where they are not the standard ones; it has none for what is not here and not below.
_PHRASES = {
    302: "Moved Temporarily",
    405: "Not Allowed",
    408: "Request Time-out",
    413: "Request Entity Too Large",
    414: "Request-URI Too Large",
    416: "Requested Range Not Satisfiable",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}
_WITHOUT = {
    203,
    205,
    207,
    208,
    226,
    300,
    305,
    306,
    407,
    417,
    418,
    422,
    423,
    424,
    425,
    426,
    428,
    431,
    451,
    506,
    508,
}

_log = logging.getLogger("embedded_edge")


def _phrase(status: int) -> bytes:
    if status in _WITHOUT:
        return b""
    if status in _PHRASES:
        return _PHRASES[status].encode()
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""


_STATUS_LINES = {status: b"HTTP/1.1 %d %s\r\n" % (status, _phrase(status)) for status in range(100, 600)}


def _nothing() -> None:
    """In place of a callback that would keep the connection's objects alive."""


class EdgeCycle(RequestResponseCycle):
    """One request and its answer. Writes the head of the answer as it is given."""

    _until_close = False
    broken = False

    async def run_asgi(self, app: Any) -> None:
        """Runs the edge; an error is named by kind only, for its text could quote the request."""
        try:
            await app(self.scope, self.receive, self.send)
        except CutError:
            self.transport.close()
        except Exception as error:
            _log.error("the edge failed: %s", type(error).__name__)
            self.transport.close()
        finally:
            self.on_response = _nothing

    async def receive(self) -> Any:
        message = await super().receive()
        if self.broken and message["type"] == "http.request":
            return {**message, BROKEN: True}
        return message

    async def send(self, message: Any) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self._drain()
        if self.disconnected:
            return
        if self.response_started:
            await self._send_body(message)
            return
        self.response_started = True
        self.waiting_for_100_continue = False
        status: int = message["status"]
        if message.get(CLOSE):
            self.keep_alive = False
        reason = message.get(REASON)
        if message.get(RAW):
            self._until_close = True
            self.keep_alive = False
            return
        lines = [_STATUS_LINES[status] if reason is None else b"HTTP/1.1 %d %s\r\n" % (status, reason)]
        framed = self.scope["method"] == "HEAD" or status in (204, 304)
        self.chunked_encoding = False
        self.expected_content_length = 0
        for name, value in message["headers"]:
            if name == b"Connection" and not value:
                value = b"keep-alive" if self.keep_alive else b"close"  # noqa: PLW2901
            elif name == b"Transfer-Encoding" and not framed:
                self.chunked_encoding = framed = True
            elif name in (b"Content-Length", b"content-length") and not framed:
                self.expected_content_length = int(value)
                framed = True
            lines += (name, b": ", value, b"\r\n")
        if not framed:
            # HTTP/1.0 without a length: the end of the connection is the end of the answer.
            self._until_close = True
            self.keep_alive = False
        lines.append(b"\r\n")
        self.transport.write(b"".join(lines))

    def continue_now(self) -> None:
        """Tells a client that waits for it to send its body."""
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.waiting_for_100_continue = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    async def _drain(self) -> None:
        """Waits until the client takes bytes again; ends the connection of one that does not."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                await self.flow.drain()
        except TimeoutError:
            self.transport.abort()
            self.disconnected = True

    async def _send_body(self, message: Any) -> None:
        if self._until_close:
            self.expected_content_length = len(message.get("body", b""))
        elif (
            self.scope["method"] != "HEAD" and not self.chunked_encoding and not self.expected_content_length
        ):
            # 204 and 304 have no body, whatever the upstream sent.
            message = {**message, "body": b""}
        await super().send(message)
