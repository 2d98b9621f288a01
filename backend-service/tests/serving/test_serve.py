"""How a process ends: by signals to a real one, whose two listeners are asked all the while."""

from __future__ import annotations

import http.client
import json
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("child.py")
DEADLINE_S = 20


class Child:
    """The process and its ports."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.port, self.last_port = json.loads(self.line())

    def line(self) -> str:
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], DEADLINE_S)[0], "it says nothing"
        return self.process.stdout.readline()

    def signal(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def ends_within(self, seconds: float) -> bool:
        """Whether it ends by itself, with status 0."""
        try:
            return self.process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            return False


@contextmanager
def running(delay_s: float, grace_s: float = DEADLINE_S) -> Iterator[Child]:
    command = [sys.executable, str(CHILD), str(delay_s), str(grace_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Child(process)
        finally:
            process.kill()


@contextmanager
def connected(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    try:
        yield connection
    finally:
        connection.close()


def ask(port: int, path: str = "/") -> tuple[str, str | None]:
    """The body, and what the answer says of the connection."""
    with connected(port) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.read().decode(), answer.getheader("connection")


def begin_slow(stack: ExitStack, port: int, seconds: float) -> Callable[[], bytes]:
    """An answer that has begun; returns what reads the rest of it."""
    connection = stack.enter_context(connected(port))
    connection.request("GET", f"/slow/{seconds}")
    answer = connection.getresponse()
    assert answer.read(6) == b"begun "
    return answer.read


def until_it_drains(port: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while ask(port)[0] != "draining":
        assert time.monotonic() < deadline


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), DEADLINE_S).close()
    except ConnectionRefusedError:
        return True
    return False


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_serves_on_for_a_while_and_says_that_it_will_end() -> None:
    with running(delay_s=1) as child:
        assert ask(child.port) == ("well", None)
        begun = time.monotonic()
        child.signal()
        until_it_drains(child.port)
        assert ask(child.port) == ask(child.last_port) == ("draining", "close")
        assert child.ends_within(DEADLINE_S)
        assert time.monotonic() - begun >= 1


def test_a_kept_connection_is_served_and_then_closed() -> None:
    with running(delay_s=5) as child, connected(child.port) as kept:
        kept.request("GET", "/")
        assert kept.getresponse().read() == b"well"
        first = kept.sock
        child.signal()
        until_it_drains(child.last_port)
        assert kept.sock is first
        kept.request("GET", "/")
        answer = kept.getresponse()
        assert (answer.read(), answer.getheader("connection")) == (b"draining", "close")


def test_what_runs_ends_before_the_process_and_the_last_listener_sees_it() -> None:
    with running(delay_s=0) as child, ExitStack() as stack:
        rest = begin_slow(stack, child.port, 1)
        child.signal()
        until(lambda: refused(child.port))
        assert ask(child.last_port)[0] == "draining"
        assert rest() == b"ended"
        assert child.line() == "closed\n"
        assert child.ends_within(DEADLINE_S)


def test_what_takes_longer_than_the_grace_is_cut() -> None:
    with running(delay_s=0, grace_s=0.1) as child, ExitStack() as stack:
        rest = begin_slow(stack, child.port, 60)
        child.signal()
        with pytest.raises(http.client.IncompleteRead):
            rest()
        assert child.ends_within(DEADLINE_S)


@pytest.mark.parametrize("delay_s", [0, 60])
def test_a_second_signal_ends_it_at_once(delay_s: float) -> None:
    """Whether it still serves, or waits for what runs."""
    with running(delay_s, grace_s=60) as child, ExitStack() as stack:
        begin_slow(stack, child.port, 60)
        child.signal()
        until_it_drains(child.last_port)
        child.signal()
        assert child.ends_within(DEADLINE_S)
