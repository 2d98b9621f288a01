"""What goes over the socket: frames whole, cut and broken, ids known and unknown, any bytes, any size."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import pytest

from .driving import Closed, Refused, Running, packed, until

GET_HEADERS = "kong.request.get_headers"
GET_BODY = "kong.request.get_raw_body"


def mode(name: str, **headers: str) -> dict[str, Any]:
    """Kong's answers to a plugin that is to behave so."""
    named = {f"x-{key}": [value] for key, value in headers.items()}
    return {GET_HEADERS: {"x-mode": [name], **named}}


@pytest.fixture
def server(serve: Any, plugins: Path) -> Running:
    running: Running = serve(plugins / "moody")
    return running


def test_any_bytes_come_back_as_they_went(server: Running) -> None:
    kong = server.connect()
    odd = b"caf\xe9 \xff\xfe \x00 \xed\xa0\x80 \xf0\x9f\x98\x80".decode("utf-8", "surrogateescape")
    body = bytes(range(256))
    ran = kong.event(kong.start("moody"), mode("echo", echo=odd) | {GET_BODY: body})
    assert ran.end == "ret"
    assert ran.calls[1][1] == ["X-Echo", odd]
    assert ran.calls[3][1] == [body]


def test_large_arguments_both_ways(server: Running) -> None:
    kong = server.connect()
    instance = kong.start("moody")
    ran = kong.event(instance, mode("echo", echo="x") | {GET_BODY: b"z" * 21_000_000})
    assert [len(args[0]) for name, args in ran.calls if name == "kong.service.request.set_raw_body"] == [
        21_000_000
    ]
    ran = kong.event(instance, mode("large"))
    assert (ran.end, len(ran.calls[1][1][0])) == ("ret", 21_000_000)


def test_large_arguments_leave_no_memory_behind(server: Running) -> None:
    """Kong keeps its connections, and any of them may once have carried a large body."""
    sides = [server.connect() for _ in range(12)]
    instance = sides[0].start("moody")
    body = b"z" * 21_000_000
    sides[0].event(instance, mode("echo", echo="x") | {GET_BODY: body})
    before = server.rss_kb()
    for side in sides:
        assert side.event(instance, mode("echo", echo="x") | {GET_BODY: body}).end == "ret"
    # A buffer kept by each would be 252 MB; a few that the allocator has not given back yet are none.
    assert server.rss_kb() - before < 12 * 21_000 / 2


def test_an_argument_beyond_the_bound_fails_in_the_plugin(server: Running) -> None:
    kong = server.connect()
    ran = kong.event(kong.start("moody"), mode("too_large"))
    assert ran.status == 503
    assert "in too_large" in ran.logged


def test_an_argument_without_a_form_fails_in_the_plugin(server: Running) -> None:
    kong = server.connect()
    ran = kong.event(kong.start("moody"), mode("unpackable"))
    assert ran.status == 503
    assert "in unpackable" in ran.logged


def test_a_frame_in_single_bytes(server: Running) -> None:
    kong = server.connect()
    instance = kong.start("moody")
    kong.number += 1
    for byte in packed(
        [0, kong.number, "plugin.HandleEvent", [{"InstanceId": instance, "EventName": "access"}]]
    ):
        kong.socket.send(bytes([byte]))
    assert kong.receive()["Data"]["Method"] == GET_HEADERS


def test_frames_in_one_piece_are_all_answered_in_order(server: Running) -> None:
    kong = server.connect()
    instance = kong.start("moody")
    kong.socket.sendall(
        b"".join(packed([0, number, "plugin.InstanceStatus", [instance]]) for number in range(100, 150))
    )
    assert [kong.receive_frame()[1] for _ in range(100, 150)] == list(range(100, 150))


def test_a_reader_that_takes_its_time_gets_all(server: Running) -> None:
    """The answer does not fit into the socket's buffer; others are served meanwhile."""
    slow, other = server.connect(), server.connect()
    instance = slow.start("moody")
    slow.send("Step", {"EventId": slow.begin(instance)["EventId"], "Data": mode("large")[GET_HEADERS]})
    assert other.event(instance).end == "ret"
    answer = slow.receive()
    assert len(answer["Data"]["Args"][0]) == 21_000_000
    assert slow.step(answer["EventId"])["Data"]["Method"] == "kong.service.request.set_headers"


def test_steps_may_come_on_any_connection(server: Running) -> None:
    """Kong takes whichever of its pool is free."""
    first, second, third = (server.connect() for _ in range(3))
    event = first.begin(first.start("moody"))["EventId"]
    assert (
        second.step(event, mode("fine")[GET_HEADERS])["Data"]["Method"] == "kong.service.request.set_headers"
    )
    assert third.step(event) == {"Data": "ret", "EventId": event}


def test_unknown_instances_are_what_kong_looks_for(server: Running) -> None:
    kong = server.connect()
    ids: list[Any] = [0, -1, 1 << 60, "x", None, [], {}, 1.5, True]
    for unknown in ids:
        with pytest.raises(Refused, match=r"^no plugin instance #"):
            kong.begin(unknown)
        with pytest.raises(Refused, match=r"^no plugin instance #"):
            kong.ask("CloseInstance", unknown)
    instance = kong.start("moody")
    assert kong.ask("CloseInstance", instance)["Id"] == instance
    with pytest.raises(Refused, match=rf"^no plugin instance #{instance}$"):
        kong.begin(instance)


def test_a_step_of_an_unknown_event_refuses_its_request(server: Running) -> None:
    """After a restart Kong still steps on: an error would let the request through."""
    kong = server.connect()
    answer = kong.step(12345, "whatever")
    assert (answer["EventId"], answer["Data"]["Method"], answer["Data"]["Args"][0]) == (
        12345,
        "kong.response.exit",
        503,
    )


def test_an_event_that_is_over_is_unknown(server: Running) -> None:
    kong = server.connect()
    instance = kong.start("moody")
    event = kong.begin(instance)["EventId"]
    kong.step(event, mode("fine")[GET_HEADERS])
    assert kong.step(event)["Data"] == "ret"
    assert kong.step(event)["Data"]["Args"][0] == 503


def test_a_phase_that_the_plugin_lacks_refuses(server: Running) -> None:
    kong = server.connect()
    answer = kong.begin(kong.start("moody"), "rewrite")
    assert answer["Data"]["Args"][0] == 503


def test_an_error_of_a_call_is_raised_in_the_plugin(server: Running) -> None:
    kong = server.connect()
    instance = kong.start("moody")
    event = kong.begin(instance)["EventId"]
    asked = kong.step(event, mode("error_result")[GET_HEADERS])
    assert asked["Data"]["Method"] == "kong.request.get_method"
    answer = kong.step(event, "no method here", "StepError")
    assert answer["Data"]["Args"][0] == "X-Error"
    assert "no method here" in answer["Data"]["Args"][1]


def test_lua_style_gives_pairs(serve: Any, write_plugin: Any) -> None:
    server = serve(
        write_plugin(
            "class Plugin:\n"
            "    def __init__(self, config): pass\n"
            "    def access(self, kong):\n"
            "        kong.log.notice(str(kong.request.get_method()))\n"
        ),
        "-v",
    )
    kong = server.connect()
    ran = kong.event(kong.start("p"), {"kong.request.get_method": "GET"})
    assert ran.calls[1] == ("kong.log.notice", ["('GET', None)"])


@pytest.mark.parametrize(
    "message",
    [
        b"\xc1",
        b"\xc0",
        packed(7),
        packed([]),
        packed([0]),
        packed([0, 1, "plugin.Step"]),
        packed([0, 1, "plugin.Step", {}]),
        packed([0, "1", "plugin.Step", []]),
        packed([0, -1, "plugin.Step", []]),
        packed([0, 1, b"plugin.Step", []]),
        packed([1, 1, None, {}]),
        packed([9, 1, "plugin.Step", []]),
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\x91" * 5000,
        b"GET / HTTP/1.1\r\n\r\n",
    ],
    ids=lambda message: message[:12].hex(),
)
def test_what_is_no_request_ends_its_connection_and_no_other(message: bytes, server: Running) -> None:
    good, bad = server.connect(), server.connect()
    instance = good.start("moody")
    bad.socket.sendall(message)
    with pytest.raises(Closed):
        bad.receive_frame()
    assert good.event(instance).end == "ret"


@pytest.mark.parametrize(
    ("method", "argument"),
    [
        ("Step", None),
        ("Step", []),
        ("Step", {"EventId": "x"}),
        ("Step", {"EventId": []}),
        ("Step", {"EventId": 1 << 63}),
        ("Step", {}),
        ("StartInstance", None),
        ("StartInstance", {"Name": "moody"}),
        ("StartInstance", {"Name": "moody", "Config": "{"}),
        ("StartInstance", {"Name": "moody", "Config": 7}),
        ("StartInstance", {"Name": "other", "Config": "{}"}),
        ("StartInstance", {"Name": [], "Config": "{}"}),
        ("GetPluginInfo", "other"),
        ("NoSuchThing", 1),
        ("__class__", 1),
    ],
)
def test_a_request_that_makes_no_sense_is_an_error_and_no_end(
    method: str, argument: Any, server: Running
) -> None:
    kong = server.connect()
    with pytest.raises(Refused):
        kong.ask(method, argument)
    assert kong.event(kong.start("moody")).end == "ret"


def test_a_notification_is_not_answered(server: Running) -> None:
    kong = server.connect()
    kong.socket.sendall(packed([2, "serverPid", 1]))
    assert kong.event(kong.start("moody")).end == "ret"


def test_a_frame_beyond_the_bound_ends_its_connection(server: Running) -> None:
    kong, other = server.connect(), server.connect()
    chunk = bytes(1 << 20)
    with pytest.raises((ConnectionError, Closed)):  # noqa: PT012 - whichever side of it shows first
        kong.socket.sendall(b"\xc6\x7f\x00\x00\x00")
        for _ in range(200):
            kong.socket.sendall(chunk)
        kong.receive_frame()
    assert other.event(other.start("moody")).end == "ret"


def test_a_step_for_an_event_that_runs_is_an_error(server: Running) -> None:
    kong, other = server.connect(), server.connect()
    instance = kong.start("moody")
    event = kong.begin(instance)["EventId"]
    kong.send("Step", {"EventId": event, "Data": mode("nap")[GET_HEADERS]})
    until(lambda: in_use(other, event), "the plugin runs")
    assert kong.receive()["Data"]["Method"] == "kong.service.request.set_headers"


def in_use(kong: Any, event: int) -> bool:
    try:
        kong.step(event)
    except Refused as refused:
        return "is not waiting" in str(refused)
    return False


def test_status_and_info(server: Running, plugins: Path) -> None:
    kong = server.connect()
    instance = kong.start("moody", name="x")
    status = kong.ask("GetStatus", None)
    assert status["Pid"] in server.workers()
    assert [one["Id"] for one in status["Plugins"]["moody"]["Instances"]] == [instance]
    assert kong.ask("InstanceStatus", instance)["Config"]["name"] == "x"
    assert kong.ask("GetPluginInfo", "moody")["Phases"] == ["log", "access"]


def test_instances_are_bounded_and_the_oldest_go(server: Running) -> None:
    kong = server.connect()
    kept = kong.start("moody", name="kept")
    for number in range(1100):
        kong.start("moody", name=str(number))
        if number % 100 == 0:
            assert kong.event(kept).end == "ret"
    assert len(kong.ask("GetStatus", None)["Plugins"]["moody"]["Instances"]) == 1024
    assert kong.event(kept).end == "ret"


def test_events_are_bounded_and_the_oldest_is_refused(server: Running) -> None:
    """Kong does not say when a client went away while its plugin waited."""
    kong = server.connect()
    instance = kong.start("moody")
    events = [kong.begin(instance)["EventId"] for _ in range(2060)]
    assert kong.step(events[0])["Data"]["Args"][0] == 503
    assert kong.step(events[-1])["Data"]["Method"] == "kong.service.request.set_headers"
    assert kong.event(instance).end == "ret"


def test_ids_are_whole_numbers_that_lua_holds_and_never_come_again(serve: Any, plugins: Path) -> None:
    seen: set[int] = set()
    for _ in range(3):
        server = serve(plugins / "moody")
        kong = server.connect()
        ids = {kong.start("moody") for _ in range(5)}
        ids.add(kong.begin(next(iter(ids)))["EventId"])
        assert all(0 <= one < 1 << 53 for one in ids)
        assert not ids & seen
        seen |= ids
        server.stop()


def test_a_connection_that_vanishes_in_the_middle_harms_nobody(server: Running) -> None:
    other = server.connect()
    instance = other.start("moody")
    for cut in (1, 5, 20):
        gone = server.connect()
        gone.socket.sendall(
            packed([0, 1, "plugin.HandleEvent", [{"InstanceId": instance, "EventName": "access"}]])[:cut]
        )
        gone.socket.close()
    for _ in range(50):
        gone = server.connect()
        gone.begin(instance)
        gone.socket.shutdown(socket.SHUT_RDWR)
        gone.socket.close()
    began = time.monotonic()
    assert other.event(instance).end == "ret"
    assert time.monotonic() - began < 1
