"""The load: a process that asks over and over, one request at a time on each connection, and checks answers.

Reads a job as one JSON document on standard input, writes what it saw as one on standard output. The token is
in the job, so that `ps` does not show it. httptools and little else, so that it is not what is measured.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from array import array
from base64 import b64decode
from math import ceil
from typing import Any, cast

import httptools
import uvloop

ANSWER_WITHIN_S = 60.0
_LETTERS = bytes.maketrans(b"0123456789abcdef", b"abcdefghijklmnop")


class Load:
    """One measurement: ends at its time, at its count, or with the first answer that is not right."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.before = b64decode(job["before"])
        self.after = b64decode(job["after"])
        self.stream: bool = job["stream"]
        self._address = (str(job["host"]), int(job["port"]))
        self._clients: int = job["clients"]
        self._seconds: float = job["seconds"]
        self._most: int = job["most"]
        self._asked = 0
        self._open: set[Connection] = set()
        self._first_mark = int.from_bytes(os.urandom(4), "big")
        self._done = asyncio.get_running_loop().create_future()
        self._ends_at = 0.0
        self.latencies = array("d")
        self.first_events = array("d")
        self.events = 0

    async def run(self) -> dict[str, Any]:
        """What was seen; RuntimeError for an answer that is not right, TimeoutError for one that is late."""
        loop = asyncio.get_running_loop()
        connections = [
            (await loop.create_connection(lambda: Connection(self), *self._address))[1]
            for _ in range(self._clients)
        ]
        self._open.update(connections)
        begun = time.perf_counter()
        self._ends_at = begun + self._seconds
        try:
            for connection in connections:
                connection.ask()
            async with asyncio.timeout(self._seconds + ANSWER_WITHIN_S):
                await self._done
        finally:
            for connection in connections:
                connection.leave()
        return self._seen(time.perf_counter() - begun)

    def next_request(self) -> tuple[bytes, bytes, bytes] | None:
        """The pieces of a request like no other; None when enough have been asked for."""
        if self._asked >= self._most or (self._asked and time.perf_counter() >= self._ends_at):
            return None
        self._asked += 1
        mark = b"%08x" % ((self._first_mark + self._asked) & 0xFFFFFFFF)
        return self.before, mark.translate(_LETTERS), self.after

    def left(self, connection: Connection) -> None:
        """A connection has nothing more to ask."""
        self._open.discard(connection)
        if not self._open and not self._done.done():
            self._done.set_result(None)

    def fail(self, problem: str) -> None:
        """An answer was not right: there is nothing to measure."""
        if not self._done.done():
            self._done.set_exception(RuntimeError(problem))

    def _seen(self, seconds: float) -> dict[str, Any]:
        count = len(self.latencies)
        return {
            "requests": count,
            "seconds": seconds,
            "per_second": count / seconds,
            "p50_ms": percentile(self.latencies, 50) * 1000,
            "p99_ms": percentile(self.latencies, 99) * 1000,
            "first_event_ms": percentile(self.first_events, 50) * 1000 if self.stream else None,
            "events": self.events / count if self.stream else None,
        }


class Connection(asyncio.Protocol):
    """One client. httptools calls the `on_...` methods."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._began = 0.0
        self._left = False

    def ask(self) -> None:
        """Send the next request, or leave."""
        pieces = self._load.next_request()
        if pieces is None:
            self.leave()
            self._load.left(self)
            return
        self._body = []
        self._began = time.perf_counter()
        self._transport.write(b"".join(pieces))

    def leave(self) -> None:
        """Close the connection. May be repeated."""
        self._left = True
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._load.fail(f"an answer is not HTTP: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._left:
            self._load.fail("the server closed a connection")

    def on_body(self, body: bytes) -> None:
        if not self._body and self._load.stream:
            self._load.first_events.append(time.perf_counter() - self._began)
        self._body.append(body)

    def on_message_complete(self) -> None:
        load = self._load
        load.latencies.append(time.perf_counter() - self._began)
        body = b"".join(self._body)
        problem = fault(self._parser.get_status_code(), body, stream=load.stream)
        if problem is not None:
            load.fail(problem)
        elif not self._parser.should_keep_alive():
            load.fail("the server ends connections after an answer")
        else:
            if load.stream:
                load.events += body.count(b"\n\n") - 1
            self.ask()


def fault(status: int, body: bytes, *, stream: bool) -> str | None:
    """What is wrong with an answer; None when it is a whole chat completion or a whole stream of one."""
    if status != 200:
        return f"an answer has the status {status}: {body[:300].decode('utf-8', 'replace')}"
    if b'"choices"' not in body:
        return "an answer with status 200 is no chat completion"
    if stream and not body.endswith(b"data: [DONE]\n\n"):
        return "a stream ended without [DONE]"
    return None


def percentile(values: array[float], percent: float) -> float:
    """The nearest-rank percentile of at least one value."""
    ordered = sorted(values)
    return ordered[max(0, ceil(percent / 100 * len(ordered)) - 1)]


async def _measure(job: dict[str, Any]) -> dict[str, Any]:
    try:
        return await Load(job).run()
    except TimeoutError:
        return {"problem": f"an answer took longer than {ANSWER_WITHIN_S:g} s"}
    except (RuntimeError, OSError) as error:
        return {"problem": str(error)}


def main() -> None:
    """One job."""
    job = json.load(sys.stdin)
    gc.freeze()
    print(json.dumps(uvloop.run(_measure(job))))


if __name__ == "__main__":
    main()
