"""What the load takes for an answer, and what it sends."""

from __future__ import annotations

import asyncio
import json
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from testing.load.bodies import chat, prepare
from testing.load.client import Load, fault, percentile

COMPLETION = b'{"choices": []}'
STREAM = b'data: {"choices": []}\n\ndata: {"choices": []}\n\ndata: [DONE]\n\n'
Answerer = Callable[[bytes], bytes]


def answer(body: bytes, status: bytes = b"200 OK", *more: bytes) -> bytes:
    head = b"\r\n".join((b"HTTP/1.1 " + status, b"content-length: %d" % len(body), *more))
    return head + b"\r\n\r\n" + body


@asynccontextmanager
async def upstream(answerer: Answerer) -> AsyncIterator[int]:
    """A server that answers each request's body with what `answerer` makes of it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                writer.write(answerer(await reader.readexactly(length)))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def load(answerer: Answerer, *, stream: bool = False, **job: Any) -> dict[str, Any]:
    async with upstream(answerer) as port:
        body = chat("openai/gpt-4o", 600, stream=stream, events=10)
        prepared = prepare(f"http://127.0.0.1:{port}", "a.b.c", body)
        return await Load({**prepared.as_json(), "clients": 2, "seconds": 30, "most": 20, **job}).run()


async def test_it_counts_the_answers() -> None:
    seen = await load(lambda body: answer(COMPLETION))
    assert seen["requests"] == 20
    assert seen["events"] is None
    assert 0 < seen["p50_ms"] <= seen["p99_ms"]
    # Half of the answers took p50 or longer, and two clients have no more than two seconds a second.
    assert seen["requests"] * seen["p50_ms"] / 2000 <= 2 * seen["seconds"]


async def test_it_counts_the_events_of_streams_without_the_last() -> None:
    seen = await load(lambda body: answer(STREAM), stream=True)
    assert seen["requests"] == 20
    assert seen["events"] == 2


async def test_it_ends_at_its_time() -> None:
    seen = await load(lambda body: answer(COMPLETION), seconds=0.05, most=1_000_000)
    assert seen["seconds"] >= 0.05
    assert seen["requests"] >= 2


async def test_no_two_requests_are_the_same() -> None:
    bodies: list[bytes] = []

    def keep(body: bytes) -> bytes:
        bodies.append(body)
        return answer(COMPLETION)

    await load(keep)
    assert len(set(bodies)) == 20
    for body in bodies:
        assert len(body) == 600
        assert json.loads(body)["model"] == "openai/gpt-4o"


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (answer(b"{}", b"503 Service Unavailable"), "an answer has the status 503: {}"),
        (answer(b"{}"), "an answer with status 200 is no chat completion"),
        (answer(COMPLETION, b"200 OK", b"connection: close"), "the server ends connections after an answer"),
        (b"\x16\x03\x01\r\n\r\n", "an answer is not HTTP"),
    ],
)
async def test_one_wrong_answer_is_enough(wrong: bytes, problem: str) -> None:
    answers = iter([answer(COMPLETION)] * 7 + [wrong] * 2)
    with pytest.raises(RuntimeError, match=problem):
        await load(lambda body: next(answers))


async def test_a_stream_needs_its_end() -> None:
    cut = STREAM.removesuffix(b"data: [DONE]\n\n")
    with pytest.raises(RuntimeError, match=r"a stream ended without \[DONE\]"):
        await load(lambda body: answer(cut), stream=True)


def test_what_is_wrong_with_an_answer() -> None:
    assert fault(200, COMPLETION, stream=False) is None
    assert fault(200, STREAM, stream=True) is None
    error = b'data: {"choices": []}\n\ndata: {"error": {"message": "half"}}\n\n'
    assert fault(200, error, stream=True) == "a stream ended without [DONE]"


def test_percentiles_are_of_the_nearest_rank() -> None:
    values = array("d", [float(number) for number in range(100, 0, -1)])
    assert percentile(values, 50) == 50
    assert percentile(values, 99) == 99
    assert percentile(array("d", [7.0]), 99) == 7
