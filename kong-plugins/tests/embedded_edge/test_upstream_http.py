"""An upstream on a socket, told by each test how to fail."""

import asyncio
from typing import Any

import pytest

from embedded_edge.app import Edge
from embedded_edge.config import load_config
from testing.conformance.serving import serving
from testing.conformance.upstreams import Handler, listening
from testing.edge import document, get, send


async def ask(handler: Handler, request: bytes = get(), **service: Any) -> bytes:
    async with listening(handler) as upstream:
        given = document(url=f"http://127.0.0.1:{upstream}", **service)
        async with serving(Edge(load_config(given))) as port:
            return await send(port, request)


def answering(*parts: bytes) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
            await writer.drain()

    return handle


async def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    answer = await ask(answering(b"HTTP/1.1 200 OK\r\n\r\n", b"hello"))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n")
    assert answer.endswith(b"5\r\nhello\r\n0\r\n\r\n")


async def test_a_100_before_the_answer_is_not_the_answer() -> None:
    answer = await ask(
        answering(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: 2\r\n\r\nok")
    )
    assert answer.startswith(b"HTTP/1.1 201 Made\r\nContent-Length: 2\r\n")
    assert answer.endswith(b"\r\n\r\nok")


@pytest.mark.parametrize(
    "parts",
    [(), (b"HTTP/1.1 200 OK\r\nContent-Le",), (b"HTTP/1.1 200 OK\r\nno field\r\n\r\n",)],
    ids=["nothing", "half a head", "a broken head"],
)
async def test_what_is_no_answer_is_a_502(parts: tuple[bytes, ...]) -> None:
    answer = await ask(answering(*parts), retries=0)
    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")


async def test_what_has_no_status_line_is_passed_on_as_it_comes() -> None:
    assert await ask(answering(b"gar", b"bage\r\n\r\n")) == b"garbage\r\n\r\n"


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 10", b"Transfer-Encoding: chunked"], ids=["length", "chunked"]
)
async def test_half_an_answer_is_cut_and_not_completed(framing: bytes) -> None:
    body = b"4\r\nhalf\r\n" if b"chunked" in framing else b"half"
    answer = await ask(answering(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n", body))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(body)


async def test_a_stream_that_stalls_is_cut() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        await reader.read()

    assert (await ask(handle, read_timeout=100)).endswith(b"\r\n\r\n1\r\na\r\n")


@pytest.mark.parametrize(("method", "tries"), [("GET", 3), ("POST", 1)])
async def test_only_what_may_be_repeated_is_repeated(method: str, tries: int) -> None:
    seen = []

    async def handle(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))

    body = b"x" if method == "POST" else b""
    assert b" 502 " in await ask(handle, get("/", method=method, body=body), retries=2)
    assert len(seen) == tries


async def test_connections_are_used_again() -> None:
    connections = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async with listening(handle) as upstream:
        given = document(url=f"http://127.0.0.1:{upstream}")
        async with serving(Edge(load_config(given))) as port:
            for _ in range(5):
                assert (await send(port, get())).endswith(b"ok")
    assert len(connections) == 1


async def test_the_upstream_is_told_at_once_when_the_client_leaves() -> None:
    gone = asyncio.get_running_loop().create_future()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        try:
            gone.set_result(await reader.read())
        except ConnectionError:
            gone.set_result(b"")

    async with listening(handle) as upstream, asyncio.timeout(10):
        given = document(url=f"http://127.0.0.1:{upstream}")
        async with serving(Edge(load_config(given))) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(get())
            await reader.readuntil(b"a")
            writer.close()
            assert await gone == b""


async def test_a_large_answer_passes_whole_to_a_slow_reader() -> None:
    size = 8 << 20
    handler = answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size, b"x" * size)
    answer = await ask(handler)
    assert len(answer.partition(b"\r\n\r\n")[2]) == size
