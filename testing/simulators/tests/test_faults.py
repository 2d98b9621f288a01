"""Every fault, at every provider where it means something."""

from __future__ import annotations

import gzip
import json
import time

import httpx
import pytest

from testing.simulators.launch import Simulators
from testing.simulators.tests.calls import END, PROVIDERS, chat, connected, opened, raw, send, usage_numbers

every = pytest.mark.parametrize("name", PROVIDERS)
both = pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])


@every
@both
def test_without_a_fault_an_answer_is_complete(simulators: Simulators, name: str, stream: bool) -> None:
    answer = send(chat(simulators, name, stream=stream))
    assert answer.status_code == 200
    assert b"simulated" in answer.content
    assert (END[name] in answer.content) or not stream
    assert len(usage_numbers(name, answer.content) - {1}) == 1


@every
@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503, 529])
def test_statuses_in_the_providers_words(simulators: Simulators, name: str, status: int) -> None:
    simulators.fault(name, "status", status=status, retry_after=7)
    answer = send(chat(simulators, name, stream=True))
    assert answer.status_code == status
    assert answer.headers["retry-after"] == "7"
    assert answer.json().keys() & {"error", "message"}


def test_a_quota_is_told_from_a_rate(simulators: Simulators) -> None:
    simulators.fault("openai", "429", code="insufficient_quota")
    error = send(chat(simulators, "openai")).json()["error"]
    assert (error["type"], error["code"]) == ("insufficient_quota", "insufficient_quota")
    assert "quota" in error["message"]


def test_a_fault_for_some_requests_only(simulators: Simulators) -> None:
    simulators.fault("openai", "503", skip=1, times=2)
    statuses = [send(chat(simulators, "openai")).status_code for _ in range(4)]
    assert statuses == [200, 503, 503, 200]


def test_several_faults_one_after_the_other(simulators: Simulators) -> None:
    simulators.control("PUT", "/faults/openai", [{"fault": "503", "times": 1}, {"fault": "429", "times": 1}])
    assert [send(chat(simulators, "openai")).status_code for _ in range(3)] == [503, 429, 200]


def test_a_fault_leaves_side_requests_alone_unless_named(simulators: Simulators) -> None:
    simulators.fault("vertex_ai", "500")
    request = chat(simulators, "vertex_ai")  # gets a token
    assert send(request).status_code == 500
    simulators.fault("vertex_ai", "500", path="/token")
    assert send(request).status_code == 200
    assert httpx.post(f"{simulators.base_url('vertex_ai')}/token").status_code == 500


def test_a_fault_by_header_is_for_that_request_only(simulators: Simulators) -> None:
    request = chat(simulators, "openai")
    request.headers["x-simulator-fault"] = "503; retry_after=2"
    answer = send(request)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert send(chat(simulators, "openai")).status_code == 200


@pytest.mark.parametrize("fault", ["nonsense", "refuse", "stall; after=many", "stall; where=3"])
def test_a_bad_fault_is_refused(simulators: Simulators, fault: str) -> None:
    request = chat(simulators, "openai")
    request.headers["x-simulator-fault"] = fault
    assert send(request).status_code == 400
    if fault == "nonsense":
        with pytest.raises(ValueError, match="unknown fault 'nonsense'; there are: status, refuse"):
            simulators.fault("openai", fault)


def test_a_bad_fault_changes_nothing(simulators: Simulators) -> None:
    simulators.fault("openai", "503")
    with pytest.raises(ValueError, match="'after' of a fault must be a whole number"):
        simulators.fault("openai", "stall", after="2")
    assert send(chat(simulators, "openai")).status_code == 503


@every
def test_refused_until_cleared_and_kept_connections_are_dropped(simulators: Simulators, name: str) -> None:
    request = chat(simulators, name)
    with httpx.Client() as client:
        assert client.send(request).status_code == 200
        simulators.fault(name, "refuse")
        with pytest.raises((httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError)):
            client.send(request)
        with pytest.raises(httpx.ConnectError):
            client.send(request)
        simulators.control("DELETE", f"/faults/{name}")
        assert client.send(request).status_code == 200


@every
def test_slow_first_byte(simulators: Simulators, name: str) -> None:
    simulators.fault(name, "slow", ms=300)
    began = time.monotonic()
    assert send(chat(simulators, name)).status_code == 200
    assert time.monotonic() - began >= 0.3


@every
def test_never_an_answer(simulators: Simulators, name: str) -> None:
    simulators.fault(name, "never")
    with pytest.raises(httpx.ReadTimeout):
        send(chat(simulators, name), timeout=0.2)
    exchange = simulators.exchange(name)
    assert (exchange["ended"], exchange["client_left"], exchange["fault"]) == ("client left", True, "never")


@every
def test_stall_after_some_pieces(simulators: Simulators, name: str) -> None:
    simulators.fault(name, "stall", after=3)
    received, error = _read(chat(simulators, name, stream=True), timeout=0.3)
    assert isinstance(error, httpx.ReadTimeout)
    assert received
    assert END[name] not in received
    assert simulators.exchange(name)["client_left"] is True


@every
@pytest.mark.parametrize(("fault", "ended"), [("reset", "reset"), ("cut", "cut")])
def test_broken_in_the_middle_of_a_piece(simulators: Simulators, name: str, fault: str, ended: str) -> None:
    simulators.fault(name, fault, after=3)
    received, error = _read(chat(simulators, name, stream=True))
    assert received
    assert END[name] not in received
    assert type(error) is (httpx.ReadError if fault == "reset" else httpx.RemoteProtocolError)
    exchange = simulators.exchange(name)
    assert (exchange["ended"], exchange["client_left"]) == (ended, False)


def test_a_reset_is_a_reset_on_the_wire(simulators: Simulators) -> None:
    simulators.fault("openai", "reset")
    with connected(simulators, "openai") as client:
        client.sendall(raw(chat(simulators, "openai")))
        received = client.recv(65536)
        with pytest.raises(ConnectionResetError):
            client.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert len(body) == length // 2


@every
def test_an_end_without_terminator_is_proper_http(simulators: Simulators, name: str) -> None:
    whole = send(chat(simulators, name, stream=True)).content
    simulators.fault(name, "no-terminator")
    answer = send(chat(simulators, name, stream=True))
    assert answer.status_code == 200
    assert END[name] not in answer.content
    assert whole.startswith(answer.content)
    assert b"simulated" in answer.content


@every
@both
def test_malformed(simulators: Simulators, name: str, stream: bool) -> None:
    simulators.fault(name, "malformed")
    answer = send(chat(simulators, name, stream=stream))
    assert answer.status_code == 200
    if stream:
        assert END[name] in answer.content
        simulators.control("DELETE", "/faults")
        assert len(answer.content) > len(send(chat(simulators, name, stream=True)).content)
    else:
        with pytest.raises(json.JSONDecodeError):
            answer.json()


@every
def test_garbage(simulators: Simulators, name: str) -> None:
    simulators.fault(name, "garbage")
    answer = send(chat(simulators, name))
    assert answer.status_code == 200
    with pytest.raises(UnicodeDecodeError):
        answer.content.decode()


@every
@both
def test_an_error_after_a_200(simulators: Simulators, name: str, stream: bool) -> None:
    simulators.fault(name, "error-event", after=5)
    answer = send(chat(simulators, name, stream=stream))
    assert answer.status_code == 200
    assert END[name] not in answer.content
    assert b"error" in answer.content.lower() or name == "bedrock"
    assert (b"[simulated" in answer.content) == stream


@every
@both
def test_usage_missing_and_twice(simulators: Simulators, name: str, stream: bool) -> None:
    once = usage_numbers(name, send(chat(simulators, name, stream=stream)).content) - {1}
    simulators.fault(name, "usage-missing")
    assert usage_numbers(name, send(chat(simulators, name, stream=stream)).content) in (set(), {1})
    simulators.fault(name, "usage-twice")
    twice = usage_numbers(name, send(chat(simulators, name, stream=stream)).content) - {1}
    expected = once if (name, stream) == ("ollama", False) else once | {max(once) + 1}
    assert twice == expected


@every
@both
def test_characters_cut_in_two_are_whole_again(simulators: Simulators, name: str, stream: bool) -> None:
    simulators.fault(name, "split-utf8")
    reads = _reads(chat(simulators, name, stream=stream))
    whole = b"".join(reads)
    assert "東京" in whole.decode("utf-8", "replace")
    assert "🏥🩺" in whole.decode("utf-8", "replace")
    assert any(_breaks(read) for read in reads), "no read ended inside a character"


@every
def test_a_number_that_is_spread_over_pieces(simulators: Simulators, name: str) -> None:
    simulators.fault(name, "split-ssn")
    assert b"123-45-6789" in send(chat(simulators, name)).content
    reads = _reads(chat(simulators, name, stream=True))
    assert b"123-45-6789" not in b"".join(reads)
    assert sum(1 for read in reads if b"123" in read or b"5-67" in read) >= 2


@every
@both
def test_ten_megabytes(simulators: Simulators, name: str, stream: bool) -> None:
    simulators.fault(name, "large")
    answer = send(chat(simulators, name, stream=stream))
    assert answer.content.count(b"[simulated] a long text. ") == 10_000_000 // 25
    assert (END[name] in answer.content) or not stream


@every
@both
def test_gzip(simulators: Simulators, name: str, stream: bool) -> None:
    plain = send(chat(simulators, name, stream=stream)).content
    simulators.fault(name, "gzip")
    request = chat(simulators, name, stream=stream)
    with opened(request) as answer:
        packed = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == plain


@every
def test_a_paced_stream_comes_piece_by_piece(simulators: Simulators, name: str) -> None:
    simulators.fault(name, "pace", ms=20)
    began = time.monotonic()
    reads = _reads(chat(simulators, name, stream=True))
    assert len(reads) >= 8
    assert time.monotonic() - began >= 0.02 * (len(reads) - 1)


def test_what_waits_is_shown(simulators: Simulators) -> None:
    simulators.fault("openai", "503", times=2)
    send(chat(simulators, "openai"))
    [shown] = simulators.control("GET", "/faults")["openai"]
    assert (shown["fault"], shown["status"], shown["times"], shown["seen"]) == ("status", 503, 2, 1)


def _read(request: httpx.Request, timeout: float = 5.0) -> tuple[bytes, Exception | None]:
    """What came of a stream, and what broke it."""
    received = bytearray()
    try:
        with opened(request, timeout) as answer:
            for data in answer.iter_raw():
                received += data
    except httpx.TransportError as error:
        return bytes(received), error
    return bytes(received), None


def _reads(request: httpx.Request) -> list[bytes]:
    with opened(request) as answer:
        return list(answer.iter_raw())


def _breaks(data: bytes) -> bool:
    """Whether it ends inside a character."""
    return data[-1] >= 0xC0
