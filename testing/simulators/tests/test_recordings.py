"""What came in is remembered byte for byte, and how it ended."""

from __future__ import annotations

import httpx
import pytest

from testing.simulators.launch import Simulators
from testing.simulators.recorder import Recorder
from testing.simulators.tests.calls import PROVIDERS, chat, connected, opened, raw, send


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_byte_of_a_request_is_there(simulators: Simulators, name: str) -> None:
    sent = raw(chat(simulators, name, prompt="Grüße, 東京"))
    with connected(simulators, name) as client:
        for part in (sent[:7], sent[7:200], sent[200:]):
            client.sendall(part)
        assert client.recv(12) == b"HTTP/1.1 200"
    exchange = simulators.exchange(name)
    assert exchange["raw"] == sent
    assert exchange["body"] == sent.partition(b"\r\n\r\n")[2]
    assert "東京".encode() in exchange["body"]
    assert exchange["target"] == sent.split(b" ")[1].decode()
    assert (exchange["method"], exchange["status"], exchange["ended"]) == ("POST", 200, "answered")


def test_header_names_keep_their_case_and_order(simulators: Simulators) -> None:
    with connected(simulators, "ollama") as client:
        client.sendall(
            b"GET /api/version HTTP/1.1\r\nHost: a\r\nX-UPPER: 1\r\nx-lower: 2\r\nX-UPPER: 3\r\n\r\n"
        )
        assert client.recv(12) == b"HTTP/1.1 200"
    headers = simulators.exchange("ollama")["headers"]
    assert headers == [["Host", "a"], ["X-UPPER", "1"], ["x-lower", "2"], ["X-UPPER", "3"]]


def test_a_chunked_body_is_whole_in_body_and_as_it_came_in_raw(simulators: Simulators) -> None:
    request = chat(simulators, "openai")
    halves = (request.content[:30], request.content[30:])
    head = raw(request).partition(b"\r\n\r\n")[0].lower()
    head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.startswith(b"content-length"))
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(half), half) for half in halves)
    sent = b"POST" + head[4:].replace(b"http/1.1", b"HTTP/1.1") + b"\r\ntransfer-encoding: chunked\r\n\r\n"
    sent += chunks + b"0\r\n\r\n"
    with connected(simulators, "openai") as client:
        client.sendall(sent)
        assert client.recv(12) == b"HTTP/1.1 200"
    exchange = simulators.exchange("openai")
    assert exchange["raw"] == sent
    assert exchange["body"] == request.content


def test_an_incomplete_request_is_recorded_too(simulators: Simulators) -> None:
    part = raw(chat(simulators, "openai", prompt="needle"))[:-3]
    with connected(simulators, "openai") as client:
        client.sendall(part)
        simulators.exchange("openai", until=lambda each: each["raw"] == part)
    exchange = simulators.exchange("openai")
    assert (exchange["complete"], exchange["ended"], exchange["raw"]) == (False, "client left", part)


def test_bytes_that_are_no_request(simulators: Simulators) -> None:
    with connected(simulators, "openai") as client:
        client.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 400")
        assert client.recv(1000) == b""
    assert simulators.exchange("openai")["raw"] == b"\x16\x03\x01 hello\r\n\r\n"


def test_requests_on_one_connection_are_told_apart(simulators: Simulators) -> None:
    with httpx.Client() as client:
        for prompt in ("first", "second"):
            client.send(chat(simulators, "openai", prompt=prompt))
    first, second = simulators.recordings("openai")["exchanges"]
    assert b"first" in first["raw"]
    assert b"first" not in second["raw"]
    assert second["raw"].startswith(b"POST ")


def test_pipelined_requests_are_answered_in_order_and_no_byte_is_lost(simulators: Simulators) -> None:
    sent = b"".join(
        b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path for path in (b"/", b"/api/version", b"/api/tags")
    )
    with connected(simulators, "ollama") as client:
        client.sendall(sent)
        received = b""
        while b"nomic-embed-text" not in received:
            received += client.recv(65536)
    assert received.index(b"running") < received.index(b"version") < received.index(b"llama3.2")
    exchanges = simulators.recordings("ollama")["exchanges"]
    assert [exchange["target"] for exchange in exchanges] == ["/", "/api/version", "/api/tags"]
    assert b"".join(exchange["raw"] for exchange in exchanges) == sent


def test_a_client_that_leaves_a_stream(simulators: Simulators) -> None:
    simulators.fault("openai", "pace", ms=30)
    with opened(chat(simulators, "openai", stream=True)) as answer:
        next(answer.iter_raw())
    exchange = simulators.exchange("openai")
    assert (exchange["ended"], exchange["client_left"], exchange["complete"]) == ("client left", True, True)


@pytest.mark.parametrize("flag", [True, False])
def test_the_store_flag_is_seen(simulators: Simulators, flag: bool) -> None:
    key = simulators.env("openai")["OPENAI_API_KEY"]
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}], "store": flag}
    url = f"{simulators.base_url('openai')}/chat/completions"
    assert httpx.post(url, json=body, headers={"authorization": f"Bearer {key}"}).status_code == 200
    assert simulators.exchange("openai")["store"] is flag
    send(chat(simulators, "openai"))
    assert simulators.exchange("openai")["store"] is None


def test_refused_requests_are_recorded_and_counted(simulators: Simulators) -> None:
    url = f"{simulators.base_url('openai')}/chat/completions"
    httpx.post(url, json={"needle": 1})
    assert simulators.exchange("openai")["status"] == 401
    assert b"needle" in simulators.exchange("openai")["raw"]
    send(chat(simulators, "openai"))
    counts = simulators.control("GET", "/requests")
    assert counts["openai"] == {"total": 2, "routes": {"POST /v1/chat/completions": 2}}
    assert counts["anthropic"] == {"total": 0, "routes": {}}


def test_recordings_can_be_forgotten(simulators: Simulators) -> None:
    send(chat(simulators, "openai"))
    send(chat(simulators, "groq"))
    simulators.control("DELETE", "/recordings/openai")
    assert simulators.recordings("openai")["exchanges"] == []
    assert len(simulators.recordings("groq")["exchanges"]) == 1
    assert simulators.control("GET", "/requests")["openai"]["total"] == 0


def test_the_control_endpoint_names_what_it_knows(simulators: Simulators) -> None:
    with pytest.raises(ValueError, match="no simulator 'nobody'; there are: openai, anthropic"):
        simulators.control("GET", "/recordings/nobody")
    answer = httpx.get(f"{simulators.addresses['control']}/")
    assert answer.status_code == 404
    assert "GET /requests" in answer.json()["routes"]
    assert "stall" in answer.json()["faults"]


def test_a_head_larger_body_and_expect(simulators: Simulators) -> None:
    body = chat(simulators, "openai", prompt="x" * 5_000_000)
    body.headers["expect"] = "100-continue"
    head, _, content = raw(body).partition(b"\r\n\r\n")
    with connected(simulators, "openai") as client:
        client.sendall(head + b"\r\n\r\n")
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(content)
        assert client.recv(12) == b"HTTP/1.1 200"
    assert len(simulators.exchange("openai")["raw"]) == len(head) + 4 + len(content)


def test_the_bound_drops_the_oldest_and_says_so() -> None:
    recorder = Recorder(limit=20_000)
    for number in range(5):
        exchange = recorder.begin()
        recorder.add(exchange, bytes([number]) * 6_000)
        recorder.arrived(exchange, "POST", "/x?y=1", ())
    kept = recorder.as_json()
    assert [exchange["id"] for exchange in kept["exchanges"]] == [4, 5]
    assert kept["dropped"] == 3
    assert recorder.counts == {"POST /x": 5}


def test_one_exchange_over_the_bound_is_cut_and_says_so() -> None:
    recorder = Recorder(limit=1_000)
    exchange = recorder.begin()
    for _ in range(3):
        recorder.add(exchange, b"x" * 600)
    kept = recorder.as_json()
    assert len(exchange.raw) == 1_000
    assert kept["exchanges"][0]["raw_dropped"] == 800
    assert kept["dropped"] == 1
    recorder.clear()
    assert recorder.as_json() == {"dropped": 0, "exchanges": []}
