"""The edge with an application in the same process."""

import asyncio
from typing import Any

import pytest
from prometheus_client import generate_latest

from embedded_edge.app import Edge
from embedded_edge.config import load_config
from testing.conformance.serving import serving
from testing.edge import Backend, bearer, document, edge_serving, get, send


def start(*headers: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def chunk(data: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


async def test_the_application_gets_the_request_as_kong_sends_it(backend: Backend) -> None:
    async with edge_serving(document(), backend) as port:
        await send(port, get("/v1/a%2Fb//c?x=1", "X-Real-IP: 9.9.9.9", method="POST", body=b"hello"))
    scope = backend.scopes[0]
    assert (scope["method"], scope["path"], scope["raw_path"]) == ("POST", "/v1/a/b/c", b"/v1/a%2Fb/c")
    assert scope["query_string"] == b"x=1"
    assert backend.bodies == [b"hello"]
    assert backend.header("host") == ["127.0.0.1:8081"]
    assert backend.header("x-forwarded-host") == ["edge.test"]
    assert backend.header("x-real-ip") == ["127.0.0.1"]
    assert backend.header("content-length") == ["5"]


async def test_a_stream_passes_as_it_comes(backend: Backend) -> None:
    go_on = asyncio.Event()

    async def behave(_: Any, send_down: Any) -> None:
        await send_down(start((b"content-type", b"text/event-stream")))
        await send_down(chunk(b"data: 1\n\n"))
        await go_on.wait()
        await send_down(chunk(b"data: 2\n\n", more=False))

    backend.behave = behave
    async with edge_serving(document(), backend) as port, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(get())
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n" in head
        # The first event is here while the application still holds the second back.
        assert await reader.readuntil(b"1\n\n\r\n") == b"9\r\ndata: 1\n\n\r\n"
        go_on.set()
        assert await reader.read() == b"9\r\ndata: 2\n\n\r\n0\r\n\r\n"
        writer.close()


async def test_a_client_that_leaves_is_reported_to_the_application_at_once(backend: Backend) -> None:
    heard: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def behave(receive: Any, send_down: Any) -> None:
        await send_down(start())
        await send_down(chunk(b"x"))
        heard.set_result((await receive())["type"])

    backend.behave = behave
    async with edge_serving(document(), backend) as port, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(get())
        await reader.readuntil(b"x")
        writer.close()
        assert await heard == "http.disconnect"


async def test_an_application_that_raises_is_a_502_and_the_next_request_is_served(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    async def behave(*_: Any) -> None:
        raise ValueError("the prompt")

    backend.behave = behave
    async with edge_serving(document(), backend) as port:
        answer = await send(port, get())
        assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
        assert b"An invalid response was received from the upstream server" in answer
        backend.behave = None
        assert (await send(port, get())).startswith(b"HTTP/1.1 200 ")
    assert "ValueError" in caplog.text
    assert "the prompt" not in caplog.text


async def test_a_stream_that_breaks_off_has_no_end(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    async def behave(_: Any, send_down: Any) -> None:
        await send_down(start())
        await send_down(chunk(b"half"))
        raise ValueError("the prompt")

    backend.behave = behave
    async with edge_serving(document(), backend) as port:
        answer = await send(port, get())
    assert answer.endswith(b"4\r\nhalf\r\n")
    assert "the prompt" not in caplog.text


async def test_an_application_that_is_silent_for_too_long_is_a_504(backend: Backend) -> None:
    async def behave(*_: Any) -> None:
        await asyncio.Event().wait()

    backend.behave = behave
    async with edge_serving(document(read_timeout=50), backend) as port:
        answer = await send(port, get("/", "Accept: application/json"))
    assert answer.startswith(b"HTTP/1.1 504 Gateway Time-out\r\n")
    assert b'"message":"The upstream server is timing out"' in answer


async def test_an_error_in_the_chain_is_a_500_without_its_text(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    numeric_issuer = bearer(iss=5)
    async with edge_serving(document({"name": "jwt"}), backend) as port:
        answer = await send(port, get("/", numeric_issuer))
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"An unexpected error occurred" in answer
    assert "TypeError" in caplog.text
    assert numeric_issuer.split()[-1] not in caplog.text


async def test_kongs_own_errors_carry_the_request_id(backend: Backend) -> None:
    given = document({"name": "jwt"})
    config = {"header_name": "X-Request-Id", "generator": "uuid", "echo_downstream": True}
    given["plugins"] = [{"name": "correlation-id", "config": config}]
    given["services"][0]["routes"][0]["paths"] = ["/v1"]
    async with edge_serving(given, backend) as port:
        refused = await send(port, get("/v1", "X-Request-Id: mine"))
        lost = await send(port, get("/elsewhere"))
        broken = await send(port, b"GET / HTTP/1.1\r\n\r\n")
    assert refused.startswith(b"HTTP/1.1 401 ")
    assert b"\r\nX-Request-Id: mine\r\n" in refused
    assert lost.startswith(b"HTTP/1.1 404 ")
    assert b"\r\nX-Request-Id: " in lost
    assert broken.startswith(b"HTTP/1.1 400 ")
    assert b"\r\nX-Request-Id: " in broken


async def test_metrics_have_kongs_names(backend: Backend) -> None:
    flags = {"status_code_metrics": True, "latency_metrics": True, "bandwidth_metrics": True}
    edge = Edge(
        load_config(document({"name": "prometheus", "config": flags}, {"name": "jwt"})),
        {"127.0.0.1:8081": backend},
    )
    async with serving(edge) as port:
        await send(port, get())
    text = generate_latest(edge.registry).decode()
    labels = 'code="401",consumer="",route="r",service="s",source="kong",workspace="default"'
    assert f"kong_http_requests_total{{{labels}}} 1.0" in text
    assert 'kong_bandwidth_bytes{consumer="",direction="egress"' in text
    assert 'kong_request_latency_ms_bucket{le="25",route="r"' in text
    assert "kong_kong_latency_ms_count" in text


async def test_lifespan_starts_and_stops_the_edge(backend: Backend) -> None:
    edge = Edge(load_config(document()), {"127.0.0.1:8081": backend})
    asked = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    told: list[str] = []

    async def receive() -> Any:
        return next(asked)

    async def tell(message: Any) -> None:
        told.append(message["type"])

    await edge({"type": "lifespan"}, receive, tell)
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_any_other_asgi_server_gets_plain_headers(backend: Backend) -> None:
    edge = Edge(load_config(document()), {"127.0.0.1:8081": backend})
    told: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def tell(message: Any) -> None:
        told.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "http_version": "1.1",
        "path": "/",
        "headers": [(b"host", b"h")],
    }
    await edge(scope, receive, tell)
    names = [name for name, _ in told[0]["headers"]]
    assert names == [name.lower() for name in names]
    assert b"connection" not in names
    assert told[1]["body"] == b"ok"
