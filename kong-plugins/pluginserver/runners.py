"""Threads, of which one reads the sockets and runs plugins, and which take over from each other.

A plugin runs in a greenlet on the thread that reads: a switch costs a microsecond, a thread a hundred. The
price is that a plugin which blocks would block all. So a monitor watches: when a plugin has kept the reading
thread for HANDOFF_S, the *baton* goes to another thread, which reads on, and the first keeps that one event
(and those which wait for Kong on its greenlets: a greenlet cannot leave its thread).

The reading thread puts a token down before it runs a plugin and takes it up afterwards; the monitor takes the
baton away by taking the token. Both are one `list` operation, so exactly one of them gets it, and the path
that every request goes has no lock.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Final, NoReturn

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]

from pluginserver.events import KILL, Event, Outcome, Overdue, Raised
from pluginserver.limits import DEADLINE_S, HANDOFF_S, MAX_THREADS, TICK_S

log = logging.getLogger("pluginserver")

FREE_FIBERS: Final = 64
BROKEN_EXIT_STATUS: Final = 70
SWITCH_S: Final = 0.0005
"""How long a thread that computes may keep the others off the interpreter: a tenth of Python's own."""
ALARM_S: Final = DEADLINE_S - 5 * TICK_S
"""What has run for less is not what the supervisor means with its alarm."""
_raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc
_raise_in_thread.argtypes = (ctypes.c_ulong, ctypes.py_object)
NOTHING: Final = ctypes.py_object()
"""A null pointer: withdraws an exception that was not raised yet."""


class Deposed(BaseException):
    """Another thread reads by now; whoever gets this must not touch what belongs to the reader."""


class Runner:
    """A thread and the fibers (greenlets that run one event after another) that were born on it."""

    def __init__(self) -> None:
        self.jobs: SimpleQueue[tuple[Event, Any] | None] = SimpleQueue()
        """Events to go on with while another thread reads; None says: you read from now on."""
        self.token: list[Event] = []
        self.since = 0.0
        self.aside: Event | None = None
        """What it runs while another thread reads. Changed only under the lock."""
        self.lock = threading.Lock()
        self.hub: Any = None
        self.thread = 0
        self._free: list[Any] = []

    def bind(self) -> None:
        """Called once, on the thread itself."""
        self.hub, self.thread = getcurrent(), threading.get_ident()

    def switch(self, event: Event, value: Any) -> Outcome:
        """Let the event go on until it calls, ends or is interrupted. Never raises what the plugin raises."""
        fiber = event.fiber
        try:
            if fiber is None:
                fiber = event.fiber = self._free.pop() if self._free else self._new_fiber()
                outcome, ended = fiber.switch(event), event.fiber is None
            else:
                outcome, ended = fiber.switch(value), event.fiber is None
        except Overdue:
            event.fiber = None
            return Raised("interrupted", "interrupted")
        if ended and len(self._free) < FREE_FIBERS:
            fiber.gr_context = None
            self._free.append(fiber)
        result: Outcome = outcome
        return result

    def _new_fiber(self) -> Any:
        fiber = greenlet(self._live, self.hub)
        fiber.switch()
        return fiber

    def _live(self) -> None:
        outcome: Outcome | None = None
        while True:
            event: Event = self.hub.switch(outcome)
            outcome = event.main()
            event.fiber = None
            del event

    def idle(self) -> bool:
        return self.aside is None and self.jobs.empty()

    def interrupt(self, wait_s: float = 0.0) -> None:
        """Raise Overdue in the event that runs aside, if it still does and nobody waits for it; then wait for
        it to end, for so long."""
        event, until = self.aside, time.monotonic() + wait_s
        self._raise_overdue()
        while event is not None and self.aside is event and time.monotonic() < until:
            time.sleep(wait_s / 20)

    def _raise_overdue(self) -> None:
        with self.lock:
            if self.aside is None or not (self.aside.over or self.aside.failing):
                return
            if self.thread == threading.main_thread().ident:
                # A signal wakes it from a blocking call too; its handler raises.
                signal.pthread_kill(self.thread, signal.SIGALRM)
            else:
                _raise_in_thread(self.thread, Overdue)

    def come_back(self) -> None:
        """The event that ran aside is done; an interruption still under way must not hit the next one."""
        with self.lock:
            self.aside = None
            _raise_in_thread(self.thread, NOTHING)

    def stack(self) -> Any:
        """The frame that the thread is in."""
        return sys._current_frames().get(self.thread)


class Crew:
    """All runners of a process."""

    def __init__(self) -> None:
        self.baton = self._main = Runner()
        self.runners = [self._main]
        self.wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        """Readable when `take` has something."""
        self._finished: deque[tuple[Event, Outcome]] = deque()

    def live(self, serve: Callable[[], None], beat: Callable[[float], None]) -> NoReturn:
        """Serve, beginning on this thread, which has to be the process's main one.

        serve: reads and dispatches for ever, on the thread that holds the baton; runs plugins through `run`.
        beat: called with the time, every TICK_S.
        """
        main = self._main
        sys.setswitchinterval(SWITCH_S)
        self._serve, self._beat = serve, beat
        signal.signal(signal.SIGALRM, lambda *_: self._alarm(main))
        threading.Thread(target=self._guarded, args=(self._monitor,), daemon=True).start()
        self._guarded(self._work, main)

    def take(self) -> tuple[Event, Outcome] | None:
        """What another thread than the reader's has come to, once each; for the reading thread."""
        if not self._finished:
            return None
        return self._finished.popleft()

    def post(self, event: Event, outcome: Outcome) -> None:
        """For `take`. Called on any thread."""
        self._finished.append((event, outcome))
        os.eventfd_write(self.wake_fd, 1)

    @property
    def busy(self) -> bool:
        """Some event runs aside, or waits to."""
        return len(self.runners) > 1 and any(not runner.idle() for runner in self.runners)

    def prefer_main(self) -> None:
        """Give the baton back to the main thread when that is free: a signal interrupts a plugin only there.

        Called by the reading thread when it runs no plugin; raises Deposed if it has given the baton away.
        """
        main = self._main
        if self.baton is not main and main.idle():
            self.baton = main
            main.jobs.put(None)
            raise Deposed

    def go_on(self, event: Event, value: Any) -> Outcome | None:
        """Let an event go on where it lives; None when that is another thread. Raises Deposed."""
        if event.runner is self.baton:
            return self.run(event, value)
        event.runner.jobs.put((event, value))
        return None

    def run(self, event: Event, value: Any) -> Outcome:
        """Let an event of the reading thread go on. Raises Deposed if another thread reads by then."""
        me = self.baton
        me.since = time.monotonic()
        try:
            me.token.append(event)
            outcome = me.switch(event, value)
        except Overdue:
            outcome = Raised("interrupted", "interrupted")
        try:
            me.token.pop()
        except IndexError:
            me.come_back()
            self.post(event, outcome)
            raise Deposed from None
        return outcome

    def _work(self, me: Runner) -> NoReturn:
        me.bind()
        while True:
            try:
                if self.baton is me:
                    self._serve()
                elif (job := me.jobs.get()) is not None:
                    self._run_aside(me, *job)
            except Deposed:
                continue
            except Overdue:
                me.token.clear()
                me.come_back()

    def _run_aside(self, me: Runner, event: Event, value: Any) -> None:
        me.since = time.monotonic()
        with me.lock:
            me.aside = event
        outcome = me.switch(event, KILL if event.over or event.failing else value)
        me.come_back()
        self.post(event, outcome)

    def _monitor(self) -> NoReturn:
        while True:
            time.sleep(TICK_S)
            now = time.monotonic()
            self._beat(now)
            reader = self.baton
            if reader.token and now - reader.since > HANDOFF_S:
                self._hand_on(reader)
            for runner in self.runners:
                runner.interrupt()

    def _hand_on(self, reader: Runner) -> None:
        successor = next((one for one in self.runners if one is not reader and one.idle()), None)
        if successor is None:
            if len(self.runners) >= MAX_THREADS:
                return
            successor = Runner()
            threading.Thread(target=self._guarded, args=(self._work, successor), daemon=True).start()
            self.runners.append(successor)
        with reader.lock:
            try:
                event = reader.token.pop()
            except IndexError:
                return
            reader.aside = event
            self.baton = successor
        successor.jobs.put(None)

    def _alarm(self, main: Runner) -> None:
        """SIGALRM, on the main thread: from `interrupt`, or from the supervisor when nothing else moves."""
        event = main.aside or (main.token[-1] if main.token else None)
        if event is None:
            return
        if event.over or event.failing or time.monotonic() - main.since > ALARM_S:
            raise Overdue

    def _guarded(self, what: Callable[..., NoReturn], *arguments: Any) -> NoReturn:
        """An error of our own ends the process: the supervisor answers for it and starts another."""
        try:
            what(*arguments)
        except BaseException:
            log.exception("the plugin server has an error")
            os._exit(BROKEN_EXIT_STATUS)
