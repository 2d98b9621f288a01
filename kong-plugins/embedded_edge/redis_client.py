"""Redis in as little as the counters need: one connection, requests in flight in order, a deadline each.

A full client costs more time per request than the whole rest of the chain.
"""

import asyncio
import contextlib
import ssl
from collections import deque
from dataclasses import dataclass
from typing import Any, cast

Word = bytes | str | int


class RedisError(Exception):
    """No answer in time, no connection, or an answer that is an error. Names the address, quotes no value."""


@dataclass(frozen=True, slots=True)
class RedisAddress:
    host: str
    port: int
    timeout_s: float
    username: str | None = None
    password: str | None = None
    database: int = 0
    tls: bool = False
    verify: bool = False
    server_name: str | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Redis:
    """Connects when first asked, and again after a failure."""

    def __init__(self, address: RedisAddress) -> None:
        self._address = address
        self._connection: _Connection | None = None
        self._connecting = asyncio.Lock()

    async def call(self, *words: Word) -> Any:
        """The answer to one command: int, bytes, None or a list of these. RedisError within the deadline."""
        try:
            async with asyncio.timeout(self._address.timeout_s):
                connection = self._connection
                if connection is None or connection.closed:
                    connection = await self._connect()
                return await connection.call(*words)
        except TimeoutError:
            self._drop()
            raise RedisError(f"Redis at {self._address} did not answer in time") from None
        except OSError as error:
            raise RedisError(f"Redis at {self._address}: {error.strerror or error}") from None

    async def close(self) -> None:
        self._drop()

    def _drop(self) -> None:
        """Answers that come late must not be taken for those of later requests."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _connect(self) -> "_Connection":
        async with self._connecting:
            known = self._connection
            if known is not None and not known.closed:
                return known
            address = self._address
            _, connection = await asyncio.get_running_loop().create_connection(
                _Connection,
                address.host,
                address.port,
                ssl=_tls(address) if address.tls else None,
                server_hostname=(address.server_name or address.host) if address.tls else None,
            )
            try:
                if address.password:
                    names = [address.username] if address.username else []
                    await connection.call("AUTH", *names, address.password)
                if address.database:
                    await connection.call("SELECT", address.database)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
            return connection


def _tls(address: RedisAddress) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not address.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self.closed = False
        self._transport: asyncio.Transport
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._buffer = b""

    async def call(self, *words: Word) -> Any:
        if self.closed:
            raise RedisError("the connection to Redis is closed")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self._transport.write(_encode(words))
        value = await answer
        if isinstance(value, RedisError):
            raise value
        return value

    def close(self) -> None:
        self._transport.abort()
        self._end()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _: Exception | None) -> None:
        self._end()

    def _end(self) -> None:
        self.closed = True
        while self._waiting:
            answer = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(RedisError("the connection to Redis ended"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        at = 0
        with contextlib.suppress(_IncompleteError):
            while self._waiting and at < len(self._buffer):
                value, at = _decode(self._buffer, at)
                answer = self._waiting.popleft()
                if not answer.done():
                    answer.set_result(value)
        self._buffer = self._buffer[at:]


class _IncompleteError(Exception):
    """The rest of the answer has not come yet."""


def _encode(words: tuple[Word, ...]) -> bytes:
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word if isinstance(word, bytes) else str(word).encode("utf-8", "surrogateescape")
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


def _decode(buffer: bytes, at: int) -> tuple[Any, int]:
    """One answer and where the next one begins; a RedisError as a value."""
    end = buffer.find(b"\r\n", at)
    if end < 0:
        raise _IncompleteError
    kind, line, after = buffer[at : at + 1], buffer[at + 1 : end], end + 2
    if kind == b":":
        return int(line), after
    if kind == b"-":
        # The first word is the kind of error; what follows could quote a value.
        return RedisError(f"Redis answered {line.split(b' ')[0].decode('latin-1')}"), after
    if kind == b"$":
        size = int(line)
        if size < 0:
            return None, after
        if len(buffer) < after + size + 2:
            raise _IncompleteError
        return buffer[after : after + size], after + size + 2
    if kind == b"*":
        items = []
        for _ in range(int(line)):
            item, after = _decode(buffer, after)
            items.append(item)
        return items, after
    return line, after
