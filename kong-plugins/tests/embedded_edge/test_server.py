"""What HTTP forbids, what is too large, and clients that are still sending."""

import asyncio

import pytest

from testing.edge import Backend, bearer, document, edge_serving, get, send

SIZE = {"name": "request-size-limiting", "config": {"allowed_payload_size": 1}}
MEGABYTE = 1 << 20


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"NONSENSE\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n  folded\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", b"501"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", b"405"),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 9000 + b"\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: aaaaaaaaaaaaaaaaaaaa\r\n" * 2000 + b"\r\n", b"400"),
    ],
)
async def test_what_http_forbids_is_refused_and_reaches_nobody(
    data: bytes, status: bytes, backend: Backend
) -> None:
    async with edge_serving(document(), backend) as port:
        answer = await send(port, data)
        assert (await send(port, get())).startswith(b"HTTP/1.1 200 ")
    assert answer.split(b" ")[1] == status
    assert answer.count(b"HTTP/1.1 ") == 1
    assert len(backend.scopes) == 1


async def test_header_case_and_order_hold_in_both_directions(backend: Backend) -> None:
    async def behave(_: object, send_down: object) -> None:
        headers = [(b"X-B", b"1"), (b"content-length", b"0"), (b"x-A", b"2")]
        await send_down({"type": "http.response.start", "status": 200, "headers": headers})  # type: ignore[operator]
        await send_down({"type": "http.response.body", "body": b""})  # type: ignore[operator]

    backend.behave = behave
    async with edge_serving(document(), backend) as port:
        answer = await send(port, get("/", "X-B: 1", "x-a: 2"))
    assert answer.startswith(
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\nX-B: 1\r\nx-A: 2\r\n"
    )
    names = [name for name, _ in backend.scopes[0]["headers"]]
    assert names.index(b"x-b") < names.index(b"x-a")


async def test_a_body_up_to_the_limit_passes_whole(backend: Backend) -> None:
    body = bytes(range(256)) * 4096
    chunks = b"".join(b"10000\r\n" + body[at : at + 65536] + b"\r\n" for at in range(0, MEGABYTE, 65536))
    chunked = get("/", "Transfer-Encoding: chunked", method="POST") + chunks + b"0\r\n\r\n"
    async with edge_serving(document(SIZE), backend) as port:
        assert (await send(port, get("/", method="POST", body=body))).startswith(b"HTTP/1.1 200 ")
        assert (await send(port, chunked)).startswith(b"HTTP/1.1 200 ")
    assert backend.bodies == [body, body]


@pytest.mark.parametrize("coding", ["length", "chunked"])
@pytest.mark.parametrize("keep", [True, False])
async def test_a_client_that_is_still_sending_gets_the_refusal(
    coding: str, keep: bool, backend: Backend
) -> None:
    size = 40 * MEGABYTE
    framing = "Transfer-Encoding: chunked" if coding == "chunked" else f"Content-Length: {size}"
    connection = "keep-alive" if keep else "close"
    head = f"POST / HTTP/1.1\r\nHost: a\r\nConnection: {connection}\r\n{framing}\r\n\r\n".encode()
    async with edge_serving(document(SIZE), backend) as port, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)
        for _ in range(40):
            writer.write(b"100000\r\n" if coding == "chunked" else b"")
            writer.write(b"x" * MEGABYTE)
            writer.write(b"\r\n" if coding == "chunked" else b"")
            # A client that writes all before it reads: without draining it would be reset here.
            await writer.drain()
        writer.write(b"0\r\n\r\n" if coding == "chunked" else b"")
        answer = await reader.readuntil(b"}")
        assert answer.startswith(b"HTTP/1.1 413 Request Entity Too Large\r\n")
        if keep:
            writer.write(get())
            assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200 ")
        writer.close()
    assert len(backend.scopes) == int(keep)


async def test_a_refusal_does_not_wait_for_a_body_that_never_comes(backend: Backend) -> None:
    async with edge_serving(document({"name": "jwt"}), backend) as port:
        began = asyncio.get_running_loop().time()
        answer = await send(port, get("/", "Content-Length: 10", method="POST") + b"half")
        took = asyncio.get_running_loop().time() - began
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert 4 < took < 8


async def test_who_waits_for_100_continue_is_answered_at_once(backend: Backend) -> None:
    waiting = f"Content-Length: {40 * MEGABYTE}\r\nExpect: 100-continue"
    async with edge_serving(document(SIZE), backend) as port:
        answer = await send(port, f"POST / HTTP/1.1\r\nHost: a\r\n{waiting}\r\n\r\n".encode())
    # nginx tells the client to send before it says that it does not want to read.
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 417 ")
    assert b"\r\nConnection: close\r\n" in answer


async def test_who_waits_for_100_continue_and_may_send_is_told_so(backend: Backend) -> None:
    async with edge_serving(document(SIZE), backend) as port, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(get("/", "Content-Length: 2", "Expect: 100-continue", method="POST"))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hi")
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()
    assert backend.bodies == [b"hi"]


async def test_a_trailer_is_no_header(backend: Backend) -> None:
    body = b"2\r\nhi\r\n0\r\nX-Consumer-Username: root\r\n\r\n"
    async with edge_serving(document(), backend) as port:
        await send(port, get("/", "Transfer-Encoding: chunked", method="POST") + body)
    assert backend.bodies == [b"hi"]
    assert backend.header("x-consumer-username") == []


@pytest.mark.parametrize(
    "path", ["/../x", "/a/%2e%2e/../x", "/%00", "/a%", "/a%zz"], ids=lambda path: path.replace("%", "_")
)
async def test_a_path_that_nginx_refuses_is_a_400(path: str, backend: Backend) -> None:
    async with edge_serving(document(), backend) as port:
        assert (await send(port, get(path))).startswith(b"HTTP/1.1 400 ")
    assert backend.scopes == []


async def test_a_client_that_leaves_in_the_middle_of_its_body_reaches_nobody(backend: Backend) -> None:
    async with edge_serving(document(), backend) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(get("/", "Content-Length: 10", method="POST") + b"half")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert (await send(port, get("/second"))).startswith(b"HTTP/1.1 200 ")
    assert [scope["path"] for scope in backend.scopes] == ["/second"]


async def test_requests_on_one_connection_are_answered_in_order(backend: Backend) -> None:
    one = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
    async with edge_serving(document(), backend) as port:
        answer = await send(port, b"".join(one % number for number in range(20)) + get("/last"))
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 21
    assert [scope["path"] for scope in backend.scopes] == [f"/{number}" for number in range(20)] + ["/last"]


async def test_an_unknown_upgrade_is_a_plain_request(backend: Backend) -> None:
    async with edge_serving(document({"name": "jwt"}), backend) as port:
        request = get("/", "Connection: upgrade", "Upgrade: websocket", bearer())
        assert (await send(port, request)).startswith(b"HTTP/1.1 ")
    assert backend.header("upgrade") == ["websocket"]
