"""Targets, weights and health: the rules alone, then an edge in front of sockets."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

import pytest

from embedded_edge.app import Edge
from embedded_edge.balancer import Balancer, NoPeerError
from embedded_edge.config import load_config
from embedded_edge.schema import ConfigError
from embedded_edge.upstreams import read_upstream
from testing.conformance.serving import serving
from testing.conformance.upstreams import Handler, listening
from testing.edge import Document, document, get, send


def balancer(*targets: tuple[str, int], **fields: Any) -> Balancer:
    rows = [{"target": address, "weight": weight} for address, weight in targets]
    return Balancer(read_upstream({"name": "up", "targets": rows, **fields}))


def test_every_target_gets_as_much_as_its_weight_asks_for() -> None:
    given = balancer(("a:1", 300), ("b:1", 100), ("c:1", 0))
    picked = Counter(given.pick().target.host for _ in range(400))
    assert picked == {"a": 300, "b": 100}


def test_an_unhealthy_target_gets_nothing() -> None:
    given = balancer(("a:1", 1), ("b:1", 1))
    given.peers[0].healthy = False
    assert {given.pick().target.host for _ in range(10)} == {"b"}


@pytest.mark.parametrize("targets", [(), (("a:1", 0),)], ids=["none", "weight 0"])
@pytest.mark.parametrize("algorithm", ["round-robin", "least-connections"])
def test_without_a_target_nobody_is_asked(targets: Any, algorithm: str) -> None:
    with pytest.raises(NoPeerError):
        balancer(*targets, algorithm=algorithm).pick()


def test_least_connections_asks_the_one_with_the_fewest_for_its_weight() -> None:
    given = balancer(("a:1", 10), ("b:1", 20), algorithm="least-connections")
    for _ in range(30):
        given.pick().open_requests += 1
    assert [peer.open_requests for peer in given.peers] == [10, 20]


def test_too_little_healthy_weight_is_none() -> None:
    given = balancer(("a:1", 30), ("b:1", 70), healthchecks={"threshold": 50})
    given.peers[1].healthy = False
    with pytest.raises(NoPeerError):
        given.pick()
    given.peers[1].healthy = True
    given.peers[0].healthy = False
    assert given.pick().target.host == "b"


def test_health_changes_after_as_many_in_a_row_as_asked() -> None:
    checks = {"passive": {"healthy": {"successes": 2}, "unhealthy": {"http_failures": 2, "tcp_failures": 3}}}
    given = balancer(("a:1", 1), healthchecks=checks)
    (peer,), limits = given.peers, given.upstream.passive
    for status in (500, 500):
        assert peer.healthy
        peer.status(status, limits)
    assert not peer.healthy
    peer.status(200, limits)
    peer.status(500, limits)
    peer.status(200, limits)
    assert not peer.healthy, "successes have to be in a row"
    peer.status(200, limits)
    assert peer.healthy
    for _ in range(2):
        peer.refused(limits)
    peer.status(404, limits)
    assert peer.healthy, "a status that is in no list counts for nothing"
    peer.refused(limits)
    assert not peer.healthy


def test_without_limits_a_target_is_never_unhealthy() -> None:
    given = balancer(("a:1", 1))
    for _ in range(100):
        given.peers[0].status(500, given.upstream.passive)
        given.peers[0].refused(given.upstream.passive)
        given.peers[0].timed_out(given.upstream.passive)
    assert given.peers[0].healthy


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"algorithm": "consistent-hashing"}, "consistent-hashing"),
        ({"hash_on": "ip"}, "hash_on"),
        ({"client_certificate": "x"}, "client_certificate"),
        ({"targets": [{"target": "a:b:c"}]}, "a:b:c"),
        ({"targets": [{"target": "a", "wieght": 1}]}, "wieght"),
        ({"healthchecks": {"active": {"type": "grpc"}}}, "grpc"),
        ({"healthchecks": {"passive": {"unhealthy": {"http_failure": 1}}}}, "http_failure"),
    ],
)
def test_what_is_not_known_is_refused_by_name(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        read_upstream({"name": "up", **fields})


def two(targets: list[int], checks: dict[str, Any], **service: Any) -> Document:
    rows = [{"target": f"127.0.0.1:{port}"} for port in targets]
    made = document(url="http://up", **service)
    return {**made, "upstreams": [{"name": "up", "targets": rows, "healthchecks": checks}]}


def answering(text: str, status: str = "200 OK") -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\n\r\n"
            writer.write(f"{head}{text}".encode())

    return handle


async def bodies(port: int, count: int) -> Counter[bytes]:
    return Counter([(await send(port, get())).rpartition(b"\r\n\r\n")[2] for _ in range(count)])


async def test_both_targets_are_asked_and_a_failing_one_no_more() -> None:
    checks = {"passive": {"unhealthy": {"http_failures": 1}}}
    async with AsyncExitStack() as stack:
        ports = [
            await stack.enter_async_context(listening(handler))
            for handler in (answering("good"), answering("bad", "503 Gone"))
        ]
        port = await stack.enter_async_context(serving(Edge(load_config(two(ports, checks)))))
        assert await bodies(port, 6) == {b"good": 5, b"bad": 1}


async def test_a_target_that_is_gone_costs_the_client_nothing() -> None:
    async with listening(answering("good")) as port, listening(answering("gone")) as gone:
        pass
    async with listening(answering("good")) as good:
        given = two([good, gone], {"passive": {"unhealthy": {"tcp_failures": 1}}}, retries=1)
        async with serving(Edge(load_config(given))) as port:
            assert await bodies(port, 4) == {b"good": 4}


async def test_active_checks_find_a_dead_target_and_a_target_that_is_back() -> None:
    well = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith((b"GET /ready HTTP/1.1\r\n", b"GET /v1/models "))
        status = b"200 OK" if well.is_set() else b"500 Ill"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    checks = {
        "active": {
            "http_path": "/ready",
            "healthy": {"interval": 0.02, "successes": 1},
            "unhealthy": {"interval": 0.02, "http_failures": 1},
        }
    }
    async with listening(handle) as target, serving(Edge(load_config(two([target], checks)))) as port:
        await _until(port, b"HTTP/1.1 503 ")
        well.set()
        await _until(port, b"HTTP/1.1 200 ")


async def _until(port: int, begins: bytes) -> None:
    async with asyncio.timeout(10):
        while not (await send(port, get())).startswith(begins):
            await asyncio.sleep(0.01)


async def test_a_target_in_this_process_is_called_without_a_socket() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert dict(scope["headers"])[b"host"] == b"127.0.0.1:8081"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"in"})

    checks = {"active": {"healthy": {"interval": 0.01}, "unhealthy": {"interval": 0.01, "tcp_failures": 1}}}
    edge = Edge(load_config(two([8081], checks)), {"127.0.0.1:8081": app})
    async with serving(edge) as port:
        assert await bodies(port, 2) == {b"in": 2}
