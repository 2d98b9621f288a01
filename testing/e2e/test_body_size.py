"""Large bodies: 10 MB pass; 40 MB are refused, and whoever is still sending gets to read it."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from urllib.parse import urlsplit

import pytest

from testing.e2e.caller import CHAT, Caller
from testing.e2e.simulators import Simulators

MB = 1_000_000
PIECE = b"x" * 262_144
OVER = 40 * MB


def body_of(size: int) -> bytes:
    """A chat request of about ``size`` bytes."""
    text = ("Lorem ipsum dolor sit amet, consectetur. " * (size // 40))[:size]
    return json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}).encode()


@pytest.mark.parametrize("chunked", [False, True])
def test_10_mb_pass(caller: Caller, simulators: Simulators, chunked: bool) -> None:
    body = body_of(10 * MB)
    content = _pieces(body) if chunked else body
    headers = {"Content-Type": "application/json"}
    answer = caller.request("POST", CHAT, content=content, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-gateway-deployment"] == "openai-gpt-4o"


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("while_sending", [True, False])
def test_40_mb_are_refused(
    caller: Caller, simulators: Simulators, chunked: bool, while_sending: bool
) -> None:
    """With ``while_sending`` the client looks for the answer only after it has sent everything."""
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {OVER}"
    with _connection(caller) as connection:
        begun = time.monotonic()
        _head(connection, caller, framing)
        if while_sending:
            _send(connection, OVER, chunked)
        elif chunked:
            # Without a length the gateway cannot know before it has seen too much.
            _send(connection, 25 * MB, chunked)
        answer = HTTPResponse(connection)
        answer.begin()
        body = json.loads(answer.read())
        assert time.monotonic() - begun < 20
    assert answer.status == 413
    assert body == {
        "message": "Request size limit exceeded",
        "request_id": answer.headers["x-kong-request-id"],
    }
    assert answer.headers["x-request-id"]
    assert simulators.asked() == set()


def test_who_asks_first_is_told_at_once(caller: Caller, simulators: Simulators) -> None:
    """`Expect: 100-continue`, as curl sends it with a large body: refused before a byte of it is sent."""
    with _connection(caller) as connection:
        _head(connection, caller, f"Content-Length: {OVER}\r\nExpect: 100-continue")
        answer = HTTPResponse(connection)
        answer.begin()
        assert answer.status in {413, 417}
    assert simulators.asked() == set()


def test_the_gateway_answers_others_meanwhile(caller: Caller) -> None:
    """Somebody sends a large body slowly; nobody else waits for it."""
    with _connection(caller) as connection:
        _head(connection, caller, f"Content-Length: {5 * MB}")
        connection.sendall(PIECE)
        assert caller.chat("gpt-4o").status_code == 200


def _connection(caller: Caller) -> socket.socket:
    parts = urlsplit(caller.gateway.url)
    if parts.scheme != "http":
        pytest.skip("written for http")
    connection = socket.create_connection((parts.hostname, parts.port or 80), timeout=30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _head(connection: socket.socket, caller: Caller, framing: str) -> None:
    lines = (
        f"POST {CHAT} HTTP/1.1",
        f"Host: {urlsplit(caller.gateway.url).netloc}",
        f"Authorization: Bearer {caller.token()}",
        "Content-Type: application/json",
        framing,
        "",
        "",
    )
    connection.sendall("\r\n".join(lines).encode())


def _send(connection: socket.socket, size: int, chunked: bool) -> None:
    """Send the body without a look at what comes back."""
    for _ in range(size // len(PIECE)):
        connection.sendall(b"%x\r\n%s\r\n" % (len(PIECE), PIECE) if chunked else PIECE)
    rest = size % len(PIECE)
    connection.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (rest, b"x" * rest) if chunked else b"x" * rest)


def _pieces(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), len(PIECE)):
        yield body[start : start + len(PIECE)]
