"""The way back to the client: of an upstream's answer, and of the edge's own."""

import time

from embedded_edge.chain import Chain
from embedded_edge.exchange import CLOSE, RAW, RAW_NAMES, REASON, Exchange, Message
from embedded_edge.headers import Headers, Pair
from embedded_edge.proxy import finish_own, finish_proxied, own_head, proxied_head
from embedded_edge.upstream import UpstreamBrokenError


class ToClient:
    """The way back to the client, for one upstream's answer."""

    __slots__ = ("_chain", "_x", "began", "complete", "started")

    def __init__(self, x: Exchange, chain: Chain, began: float) -> None:
        self._x = x
        self._chain = chain
        self.began = began
        self.started = False
        self.complete = False

    async def start(self, status: int, reason: bytes | None, headers: list[Pair]) -> None:
        x = self._x
        x.status = status
        x.upstream_ms = int((time.monotonic() - self.began) * 1000)
        first, rest = proxied_head(x, status, headers)
        for header_filter in self._chain.header_filter:
            header_filter(x, rest)
        finish_proxied(x, rest)
        self.started = True
        await _send_head(x, status, reason, first, rest, close=False)

    async def start_raw(self) -> None:
        x = self._x
        if RAW_NAMES not in x.scope or x.method == "HEAD":
            raise UpstreamBrokenError("what came is not HTTP")
        x.status = 200
        x.upstream_ms = int((time.monotonic() - self.began) * 1000)
        self.started = True
        await x.send({"type": "http.response.start", "status": 200, "headers": [], RAW: True})

    async def body(self, data: bytes, more: bool) -> None:
        self._x.sent_bytes += len(data)
        self.complete = not more
        await self._x.send({"type": "http.response.body", "body": data, "more_body": more})


async def answer_client(x: Exchange, chain: Chain) -> None:
    """Sends `x.answer`, once the client has stopped sending.

    A client that waits for `100 Continue` gets it and the answer at once, as from nginx, and may then send.
    """
    answer = x.answer
    assert answer is not None
    waits = x.continue_if_asked()
    usable = False if waits else await x.drain()
    x.status = answer.status
    first, rest = own_head(x, answer)
    for header_filter in chain.header_filter:
        header_filter(x, rest)
    if answer.from_proxy:
        finish_proxied(x, rest)
    else:
        finish_own(x, rest)
    x.sent_bytes += len(answer.body)
    await _send_head(x, answer.status, answer.reason, first, rest, close=not usable)
    await x.send({"type": "http.response.body", "body": answer.body, "more_body": waits})
    if waits:
        await x.drain()
        await x.send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_head(
    x: Exchange, status: int, reason: bytes | None, first: list[Pair], rest: Headers, *, close: bool
) -> None:
    exact = RAW_NAMES in x.scope
    if exact:
        # The server knows whether the connection stays open, and fills this in.
        first.append((b"Connection", b""))
    headers = first + rest.pairs()
    x.sent_bytes += sum(len(name) + len(value) + 4 for name, value in headers) + 20
    message: Message = {"type": "http.response.start", "status": status, "headers": headers}
    if exact:
        message[REASON] = reason
        message[CLOSE] = close
    else:
        message["headers"] = [
            (name.lower(), value) for name, value in headers if name.lower() != b"transfer-encoding"
        ]
    await x.send(message)
