"""What a plugin may do to its server: raise, hang, hold the process, crash it. One event fails; the rest goes
on."""

from __future__ import annotations

import os
import signal
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from .driving import Closed, KongSide, Ran, Refused, Running, until

GET_HEADERS = "kong.request.get_headers"
SECRET = "4111-1111-1111-1111"
DEADLINE_S = 1.5
KONG_WAITS_S = 2.0


def mode(name: str) -> dict[str, Any]:
    return {GET_HEADERS: {"x-mode": [name], "x-secret": [SECRET]}}


@pytest.fixture
def server(serve: Any, plugins: Path) -> Running:
    running: Running = serve(plugins / "moody")
    return running


@pytest.fixture
def kong(server: Running) -> KongSide:
    return server.connect()


@pytest.mark.parametrize(
    ("what", "type_name"),
    [
        ("raise_constant", "ValueError: a text of the code"),
        ("raise_content", "ValueError"),
        ("raise_chained", "RuntimeError (caused by ValueError)"),
        ("raise_unprintable", "Unprintable"),
        ("raise_exit", "SystemExit"),
        ("raise_interrupt", "KeyboardInterrupt"),
        ("recurse", "RecursionError"),
        ("no_such_mode", "AttributeError"),
    ],
)
def test_an_exception_is_logged_without_content_and_refused(
    what: str, type_name: str, kong: KongSide
) -> None:
    instance = kong.start("moody")
    ran = kong.event(instance, mode(what))
    assert [name for name, _ in ran.calls] == [GET_HEADERS, "kong.log.err", "kong.response.exit"]
    assert ran.status == 503
    assert type_name in ran.logged
    assert SECRET not in ran.logged
    assert kong.event(instance, mode("fine")).end == "ret"


def test_the_traceback_says_where(kong: KongSide) -> None:
    ran = kong.event(kong.start("moody"), mode("raise_constant"))
    assert ran.logged.startswith("moody: Traceback (most recent call last):")
    assert 'moody.py", line ' in ran.logged
    assert "in raise_constant" in ran.logged
    assert "pluginserver/events.py" not in ran.logged


def test_an_exception_before_any_call(serve: Any, write_plugin: Any) -> None:
    server = serve(
        write_plugin(
            "class Plugin:\n"
            "    def __init__(self, config): pass\n"
            "    def access(self, kong): raise ValueError('at once')\n"
        )
    )
    kong = server.connect()
    instance = kong.start("p")
    for _ in range(3):
        ran = kong.event(instance)
        assert ran.status == 503
        assert "ValueError: at once" in ran.logged


def test_after_the_answer_there_is_nothing_to_refuse(kong: KongSide) -> None:
    """In the log phase Kong has no `exit`: it logs what happened, and then an error."""
    instance = kong.start("moody")
    event = kong.begin(instance, "log")
    assert event["Data"]["Method"] == "kong.log.err"
    with pytest.raises(Exception, match="moody failed"):
        kong.step(event["EventId"])


@pytest.mark.parametrize("what", ["exit", "exit_and_raise", "exit_and_call_on", "exit_and_work"])
def test_exit_is_the_last_word(what: str, server: Running, kong: KongSide) -> None:
    instance = kong.start("moody")
    began = time.monotonic()
    for _ in range(20):
        ran = kong.event(instance, mode(what))
        assert (ran.status, ran.calls[-1][0]) == (403, "kong.response.exit")
        assert not ran.logged
    assert time.monotonic() - began < DEADLINE_S
    assert kong.event(instance, mode("fine")).end == "ret"


def test_what_stands_after_exit_is_still_done(kong: KongSide) -> None:
    """As under kong-pdk, as long as it calls nothing."""
    instance = kong.start("moody", name="before")
    kong.event(instance, mode("exit_and_work"))
    assert kong.event(instance, mode("fine")).calls[-1][1] == [{"X-Tag": "worked on"}]


@pytest.mark.parametrize("what", ["sleep", "loop", "backtrack", "many_naps", "stubborn_loop"])
def test_a_slow_plugin_is_refused_in_time(what: str, kong: KongSide) -> None:
    instance = kong.start("moody")
    for _ in range(2):
        began = time.monotonic()
        ran = kong.event(instance, mode(what))
        took = time.monotonic() - began
        assert ran.status == 503
        # `many_naps` is 100 calls of 40 ms: Kong's own time, of which there is nearly none, does not count.
        assert DEADLINE_S - 0.1 < took < KONG_WAITS_S
        assert "moody: " in ran.logged
        if what != "backtrack":
            assert f"in {what}" in ran.logged or "short parts" in ran.logged
    assert kong.event(instance, mode("fine")).end == "ret"


@pytest.mark.parametrize("what", ["seize", "crash"])
def test_a_plugin_that_takes_the_process_with_it_is_refused_in_time(
    what: str, server: Running, kong: KongSide
) -> None:
    instance = kong.start("moody")
    workers = server.workers()
    began = time.monotonic()
    ran = kong.event(instance, mode(what))
    assert ran.status == 503
    assert time.monotonic() - began < KONG_WAITS_S
    assert "had to be ended" in ran.logged
    assert server.workers() != workers
    # On the same connection, which outlived the worker.
    assert kong.event(kong.start("moody"), mode("fine")).end == "ret"


def test_an_instance_that_does_not_start_is_an_error_in_time(server: Running, kong: KongSide) -> None:
    began = time.monotonic()
    with pytest.raises(Exception, match="moody did not start"):
        kong.start("moody", name="slow-start")
    assert time.monotonic() - began < KONG_WAITS_S
    assert kong.event(kong.start("moody"), mode("fine")).end == "ret"


@pytest.mark.parametrize("what", ["sleep", "loop", "nap"])
def test_others_are_served_beside_a_slow_plugin(what: str, server: Running) -> None:
    slow, healthy = server.connect(), server.connect()
    instance = slow.start("moody")
    ended: list[Ran] = []
    thread = threading.Thread(target=lambda: ended.append(slow.event(instance, mode(what))))
    thread.start()
    until(lambda: handed_over(server), "another thread reads")
    longest, count = 0.0, 0
    while thread.is_alive():
        began = time.monotonic()
        assert healthy.event(instance, mode("fine")).end == "ret"
        longest = max(longest, time.monotonic() - began)
        count += 1
    thread.join()
    assert ended[0].end == "ret" if what == "nap" else ended[0].status == 503
    assert count > 20
    assert longest < 0.5


def test_a_process_that_a_plugin_seizes_is_replaced_under_its_neighbours(server: Running) -> None:
    """Their connections stay; what was asked meanwhile the next process answers, in time."""
    slow, healthy = server.connect(), [server.connect() for _ in range(5)]
    instance = slow.start("moody")
    event = slow.begin(instance)["EventId"]
    slow.send("Step", {"EventId": event, "Data": mode("seize")[GET_HEADERS]})
    until(lambda: utime(server) > 10, "the plugin burns")
    began = time.monotonic()
    for side in healthy:
        side.send("HandleEvent", {"InstanceId": instance, "EventName": "access"})
    for side in healthy:
        # What makes Kong start its instance again.
        with pytest.raises(Refused, match="no plugin instance"):
            side.receive()
        assert side.event(side.start("moody"), mode("fine")).end == "ret"
    assert time.monotonic() - began < KONG_WAITS_S
    assert slow.receive()["Data"]["Method"] == "kong.log.err"


def handed_over(server: Running) -> bool:
    """The worker has a third thread, beside its main one and its monitor."""
    return len(list(Path(f"/proc/{server.workers()[0]}/task").iterdir())) > 2


def utime(server: Running) -> int:
    """The worker's processor time, in hundredths of a second."""
    return int(Path(f"/proc/{server.workers()[0]}/stat").read_text().rpartition(")")[2].split()[11])


def test_work_in_a_pool_holds_up_nobody(server: Running) -> None:
    """Not even those that were under way on the same thread."""
    slow, healthy = server.connect(), server.connect()
    instance = slow.start("moody")
    waiting = healthy.begin(instance)["EventId"]
    event = slow.begin(instance)["EventId"]
    began = time.monotonic()
    slow.send("Step", {"EventId": event, "Data": mode("pool_nap")[GET_HEADERS]})
    healthy.step(waiting, mode("fine")[GET_HEADERS])
    assert healthy.step(waiting)["Data"] == "ret"
    assert healthy.event(instance, mode("fine")).end == "ret"
    assert time.monotonic() - began < 0.5
    assert slow.receive()["Data"]["Method"] == "kong.service.request.set_headers"
    assert time.monotonic() - began > 0.5


@pytest.mark.parametrize(("what", "where"), [("pool_raise", "ZeroDivisionError"), ("pool_sleep", "pool")])
def test_work_in_a_pool_that_fails_is_refused_in_time(what: str, where: str, kong: KongSide) -> None:
    instance = kong.start("moody")
    began = time.monotonic()
    ran = kong.event(instance, mode(what))
    assert ran.status == 503
    assert where in ran.logged
    assert time.monotonic() - began < KONG_WAITS_S
    assert kong.event(instance, mode("fine")).end == "ret"


def test_events_that_wait_on_a_blocked_thread_go_on_afterwards(server: Running) -> None:
    """They cannot leave the thread; they are late, not lost."""
    slow = server.connect()
    instance = slow.start("moody")
    waiting = [server.connect() for _ in range(5)]
    events = [side.begin(instance)["EventId"] for side in waiting]
    event = slow.begin(instance)["EventId"]
    slow.send("Step", {"EventId": event, "Data": mode("sleep")[GET_HEADERS]})
    for side, one in zip(waiting, events, strict=True):
        side.send("Step", {"EventId": one, "Data": mode("fine")[GET_HEADERS]})
    assert slow.receive()["Data"]["Method"] == "kong.log.err"
    assert [side.receive()["Data"]["Method"] for side in waiting] == ["kong.service.request.set_headers"] * 5


def test_many_slow_plugins_at_once(server: Running) -> None:
    """More than there are threads: the process is given up, and still nobody waits for long."""
    sides = [server.connect() for _ in range(60)]
    instance = sides[0].start("moody")
    events = [side.begin(instance)["EventId"] for side in sides]
    began = time.monotonic()
    for side, event in zip(sides, events, strict=True):
        side.send("Step", {"EventId": event, "Data": mode("sleep")[GET_HEADERS]})
    for side in sides:
        answer = side.receive()
        assert answer["Data"]["Method"] in ("kong.log.err", "kong.response.exit")
    assert time.monotonic() - began < KONG_WAITS_S
    with server.connect() as kong:
        assert until(lambda: kong.event(kong.start("moody"), mode("fine")).end == "ret", "it serves again")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_worker_is_answered_for(number: int, server: Running, kong: KongSide) -> None:
    instance = kong.start("moody")
    event = kong.begin(instance)["EventId"]
    running, idle = server.connect(), server.connect()
    other = running.begin(instance)["EventId"]
    running.send("Step", {"EventId": other, "Data": mode("nap")[GET_HEADERS]})
    until(lambda: handed_over(server), "the plugin runs")
    worker = server.workers()[0]
    os.kill(worker, number)
    # Owed at the time of its death, between two calls, and nothing under way: all three go on.
    assert running.receive()["Data"]["Method"] == "kong.log.err"
    assert running.step(other)["Data"]["Args"][0] == 503
    assert kong.step(event, mode("fine")[GET_HEADERS])["Data"]["Args"][0] == 503
    assert idle.event(idle.start("moody"), mode("fine")).end == "ret"
    assert server.workers() != [worker]


def test_a_worker_that_stood_still_does_not_answer_late(server: Running, kong: KongSide) -> None:
    """What Kong asked over 2 s ago it waits for no more: an answer would be read as another request's."""
    instance = kong.start("moody")
    worker = server.workers()[0]
    os.kill(worker, signal.SIGSTOP)
    kong.send("HandleEvent", {"InstanceId": instance, "EventName": "access"})
    time.sleep(KONG_WAITS_S + 0.2)
    os.kill(worker, signal.SIGCONT)
    with pytest.raises(Closed):
        kong.receive()
    with server.connect() as later:
        assert later.event(instance, mode("fine")).end == "ret"


def test_a_worker_that_stands_still_for_good_is_replaced(server: Running) -> None:
    worker = server.workers()[0]
    os.kill(worker, signal.SIGSTOP)
    until(lambda: server.workers() not in ([], [worker]), "there is another worker")
    # On a connection of its own: one that the stopped worker was just answering is closed, not guessed at.
    with server.connect() as kong:
        assert kong.event(kong.start("moody"), mode("fine")).end == "ret"


def gone(server: Running, worker: int) -> bool:
    return worker not in server.workers()


def test_workers_that_keep_dying_do_not_stop_the_server(server: Running) -> None:
    for _ in range(7):
        worker = until(server.workers, "there is a worker")[0]
        os.kill(worker, signal.SIGKILL)
        until(partial(gone, server, worker), "it is gone")
    with server.connect() as kong:
        assert kong.event(kong.start("moody"), mode("fine")).end == "ret"


def test_raising_and_leaving_requests_take_no_memory(server: Running, kong: KongSide) -> None:
    instance = kong.start("moody")

    def rounds(count: int) -> None:
        for _ in range(count):
            for what, status in (("raise_content", 503), ("exit_and_call_on", 403), ("fine", None)):
                assert kong.event(instance, mode(what)).status == status

    rounds(200)
    before = server.rss_kb()
    rounds(600)
    assert server.rss_kb() - before < 2_000
