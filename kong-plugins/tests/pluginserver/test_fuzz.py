"""Random and mutated messages, raising and exiting requests, kills in the middle, and healthy requests beside
them."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from .driving import Closed, KongSide, Refused, Running, packed, replaced, until

GET_HEADERS = "kong.request.get_headers"
HANG_S = 2.0
"""Kong waits no longer; within it each request is answered or its connection closed."""
METHODS = ("HandleEvent", "Step", "StepMultiMap", "StepError", "StartInstance", "CloseInstance", "GetStatus")


def mode(name: str) -> dict[str, Any]:
    return {GET_HEADERS: {"x-mode": [name], "x-secret": ["s"]}}


def value(rng: random.Random, depth: int = 0) -> Any:
    """Anything that MessagePack can say."""
    kind = rng.randrange(9 if depth < 3 else 7)
    if kind == 0:
        return rng.choice([None, True, False, 1.5, float("nan")])
    if kind in (1, 2):
        return rng.choice([0, 1, -1, rng.getrandbits(63), -rng.getrandbits(63), rng.getrandbits(64)])
    if kind in (3, 4):
        return rng.choice(["InstanceId", "EventId", "Data", "Name", "Config", "access", "moody", "{}", ""])
    if kind == 5:
        return rng.randbytes(rng.randrange(40))
    if kind == 6:
        return rng.randbytes(rng.randrange(20)).decode("utf-8", "surrogateescape")
    if kind == 7:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    keys = ("InstanceId", "EventId", "Data", "EventName", "Name", "Config", 7)
    return {rng.choice(keys): value(rng, depth + 1) for _ in range(rng.randrange(4))}


def message(rng: random.Random, instance: int, event: int) -> tuple[bytes, bool]:
    """A request as it should be, one with something else in it, bytes of one changed or cut, or any bytes;
    and whether it is one whole value of MessagePack."""
    argument = rng.choice(
        [
            {"InstanceId": instance, "EventName": rng.choice(["access", "log", "rewrite", "x"])},
            {"EventId": event, "Data": rng.choice([mode("fine")[GET_HEADERS], value(rng)])},
            {"EventId": event},
            {"Name": "moody", "Config": "{}"},
            value(rng),
        ]
    )
    frame: Any = [0, rng.getrandbits(16), "plugin." + rng.choice(METHODS), [argument]]
    kind = rng.randrange(6)
    if kind == 0:
        frame[rng.randrange(4)] = value(rng)
    if kind == 1:
        frame = value(rng)
    data = packed(frame)
    if kind == 2 and data:
        at = rng.randrange(len(data))
        data = data[:at] + rng.randbytes(rng.randrange(1, 4)) + data[at + rng.randrange(3) :]
    if kind == 3:
        data = data[: rng.randrange(len(data) + 1)]
    if kind == 4:
        data = rng.randbytes(rng.randrange(1, 200))
    return data, kind not in (2, 3, 4)


class Healthy(threading.Thread):
    """Requests that are as they should be, all the while. `kills` says that the instance may be lost."""

    def __init__(self, server: Running, *, kills: bool) -> None:
        super().__init__(daemon=True)
        self._server, self._kills = server, kills
        self.stop = threading.Event()
        self.tagged = self.refused = 0
        self.longest = 0.0
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.stop.is_set():
                with self._server.connect() as kong:
                    self._talk(kong)
        except BaseException as error:
            self.failure = error

    def _talk(self, kong: KongSide) -> None:
        instance = None
        while not self.stop.is_set():
            began = time.monotonic()
            try:
                instance = instance or kong.start("moody", name="mine")
                ran = kong.event(instance, mode("fine"))
            except (Closed, Refused) as error:
                if not self._kills:
                    raise
                instance = None
                if isinstance(error, Closed):
                    return
                continue
            self.longest = max(self.longest, time.monotonic() - began)
            if ran.end == "ret":
                assert ran.calls[-1] == ("kong.service.request.set_headers", [{"X-Tag": "mine"}])
                self.tagged += 1
            else:
                assert self._kills
                self.refused += 1


def attack(server: Running, rng: random.Random, count: int) -> int:
    """Send so many messages; how many of them were answered. Fails if one hangs."""
    answered, kong = 0, server.connect(HANG_S)
    instance = event = 0
    whole = True
    for _ in range(count):
        try:
            if rng.random() < 0.05:
                kong.socket.close()
                raise Closed
            data, whole = message(rng, instance, event)
            kong.socket.settimeout(HANG_S if whole else 0.1)
            kong.socket.sendall(data)
            kong.socket.sendall(packed([0, 1 << 40, "plugin.GetPluginInfo", ["moody"]]))
            while (frame := kong.receive_frame())[1] != 1 << 40:
                answered += 1
                if isinstance(frame[3], dict):
                    instance, event = frame[3].get("Id", instance), frame[3].get("EventId", event)
        except (Closed, ConnectionError, TimeoutError) as error:
            # A cut frame swallows the next request, and then nobody owes anything.
            if whole and isinstance(error, TimeoutError):
                raise
            kong.socket.close()
            kong = server.connect(HANG_S)
    kong.socket.close()
    return answered


def test_random_messages_harm_nobody(serve: Any, plugins: Path) -> None:
    server = serve(plugins / "moody")
    healthy = Healthy(server, kills=False)
    healthy.start()
    assert attack(server, random.Random(3), 400) > 50
    healthy.stop.set()
    healthy.join(20)
    assert healthy.failure is None
    assert healthy.tagged > 20
    assert healthy.longest < HANG_S


@pytest.mark.long
@pytest.mark.timeout(900)
def test_ten_thousand_messages_and_kills_in_the_middle(serve: Any, plugins: Path) -> None:
    server = serve(plugins / "moody")
    rng = random.Random(20_261_121)
    assert attack(server, rng, 1000) > 100
    before = server.rss_kb()
    healthy = Healthy(server, kills=True)
    healthy.start()
    for _ in range(9):
        attack(server, rng, 1000)
        worker = until(server.workers, "there is a worker")[0]
        os.kill(worker, signal.SIGKILL)
        until(partial(replaced, server, worker), "there is another worker")
    attack(server, rng, 1000)
    after = server.rss_kb()
    healthy.stop.set()
    healthy.join(20)
    assert healthy.failure is None
    assert healthy.tagged > 100 * max(1, healthy.refused)
    assert healthy.longest < HANG_S
    assert after - before < 20_000


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("what", "status"), [("raise_content", 503), ("exit_and_raise", 403)])
def test_a_thousand_failing_requests_of_each_kind(what: str, status: int, serve: Any, plugins: Path) -> None:
    server = serve(plugins / "moody")
    healthy = Healthy(server, kills=False)
    healthy.start()
    with server.connect(HANG_S) as kong:
        instance = kong.start("moody")

        def rounds(count: int) -> None:
            for _ in range(count):
                assert kong.event(instance, mode(what)).status == status

        rounds(500)
        before = server.rss_kb()
        rounds(1000)
        assert server.rss_kb() - before < 2_000
    healthy.stop.set()
    healthy.join(20)
    assert healthy.failure is None
    assert healthy.tagged > 100
    assert healthy.longest < 0.5


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_hundred_slow_requests_beside_healthy_ones(serve: Any, plugins: Path) -> None:
    """None is let through, none takes longer than Kong waits, and the others are never refused for them."""
    server = serve(plugins / "moody")
    healthy = Healthy(server, kills=False)
    healthy.start()
    rng = random.Random(5)
    with server.connect(HANG_S) as kong:
        instance = kong.start("moody")
        for _ in range(100):
            what = rng.choice(["sleep", "loop", "many_naps", "pool_sleep"])
            began = time.monotonic()
            assert kong.event(instance, mode(what)).status == 503
            assert time.monotonic() - began < HANG_S
    healthy.stop.set()
    healthy.join(20)
    assert healthy.failure is None
    assert healthy.longest < HANG_S
