"""The parent: starts the workers, answers for one that died, kills one that is stuck, ends with Kong.

It runs no plugin, so nothing that a plugin does stops it.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import logging
import os
import select
import signal
import socket
import struct
import time
from collections.abc import Callable, Mapping
from typing import Final, NoReturn

from pluginserver import STARTED_BY
from pluginserver.board import NO_EVENT, OWED, Board, Debt
from pluginserver.handover import NO_SLOT, channel, receive_socket, register
from pluginserver.limits import DEADLINE_S, LATE_S, MAX_CONNECTIONS
from pluginserver.wire import REFUSAL, call, error, event_result

log = logging.getLogger("pluginserver")

LOOK_S: Final = 0.05
SEIZED_S: Final = 0.3
"""A worker whose own monitor has not run for so long is in the hands of a plugin."""
SILENT_S: Final = 3.0
DYING_OFTEN: Final = 5
DYING_OFTEN_S: Final = 10.0
PAUSE_S: Final = 1.0
PR_SET_PDEATHSIG: Final = 1
KILLED: Final = "the plugin's process had to be ended: an event held it, or it crashed"

RunWorker = Callable[[Board, socket.socket, socket.socket | None, Mapping[int, socket.socket]], NoReturn]


class Worker:
    """A worker process, with a copy of each of its connections by its place on the board."""

    def __init__(self) -> None:
        self.board = Board()
        self.sockets: dict[int, socket.socket] = {}
        self.pid = 0
        self.control: socket.socket
        self.starts_at = 0.0
        self.deaths: list[float] = []


class Supervisor:
    """listener: where Kong connects. run_worker: what a worker does, in its own process."""

    def __init__(self, listener: socket.socket, run_worker: RunWorker, *, name: str, workers: int) -> None:
        self._listener = listener
        self._run_worker = run_worker
        self._name = name
        self._workers = [Worker() for _ in range(workers)]
        self._shares = workers > 1
        self._peers: dict[int, int] = {}
        self._kong = STARTED_BY
        self._ending = False
        self._epoll = select.epoll()
        self._on_ready: dict[int, Callable[[], None]] = {}
        self._looked = time.monotonic()

    def run(self) -> None:
        """Until SIGTERM or SIGINT, or the end of the process that started us."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._end)
        if self._shares:
            self._listener.setblocking(False)
            self._when_readable(self._listener.fileno(), self._accept)
        for worker in self._workers:
            self._start(worker)
        try:
            while not self._ending and os.getppid() == self._kong:
                self._turn()
        finally:
            self._stop_workers()

    def _end(self, _number: int, _frame: object) -> None:
        self._ending = True

    def _turn(self) -> None:
        for fd, _ in self._epoll.poll(LOOK_S):
            ready = self._on_ready.get(fd)
            if ready is not None:
                ready()
        now = time.monotonic()
        stood_still = now - self._looked > SEIZED_S
        self._looked = now
        for worker in self._workers:
            if worker.pid:
                if self._ended(worker):
                    self._bury(worker)
                elif not stood_still:
                    self._watch(worker, now)
            if not worker.pid and now >= worker.starts_at:
                self._start(worker)

    def _start(self, worker: Worker) -> None:
        worker.board = Board()
        worker.board.beat(time.monotonic())
        worker.control, theirs = channel()
        worker.control.setblocking(False)
        worker.pid = os.fork()
        if worker.pid == 0:
            worker.control.close()
            self._become(worker, theirs)
        theirs.close()
        self._when_readable(worker.control.fileno(), lambda: self._register(worker))

    def _become(self, worker: Worker, control: socket.socket) -> NoReturn:
        """In the child: keep what is this worker's, let go of the rest, and never come back."""
        try:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            faulthandler.register(signal.SIGUSR1, all_threads=True)
            self._epoll.close()
            for other in self._workers:
                if other is not worker and other.pid:
                    other.control.close()
                    for connected in other.sockets.values():
                        connected.close()
            listener = self._listener
            if self._shares:
                listener.close()
            self._run_worker(worker.board, control, None if self._shares else listener, worker.sockets)
        except BaseException:
            log.exception("a worker could not start")
        finally:
            os._exit(1)

    def _accept(self) -> None:
        """Share the connections out: all of one process of Kong to one worker, because an event's steps come
        on any connection of that process. A peer in another container counts as process 0."""
        with contextlib.suppress(OSError):
            connected, _address = self._listener.accept()
            with connected:
                packed = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
                peer = struct.unpack("3i", packed)[0]
                if len(self._peers) > MAX_CONNECTIONS:
                    self._peers.clear()
                index = self._peers.setdefault(peer, len(self._peers) % len(self._workers))
                worker = self._workers[index]
                if worker.pid:
                    register(worker.control, NO_SLOT, connected)

    def _register(self, worker: Worker) -> None:
        """Keep a copy of a connection that the worker has."""
        with contextlib.suppress(BlockingIOError):
            received = receive_socket(worker.control)
            if received is None:
                self._forget_fd(worker.control.fileno())
                return
            slot, connected = received
            self._keep(worker, slot, connected)

    def _keep(self, worker: Worker, slot: int, connected: socket.socket) -> None:
        self._let_go(worker, slot)
        worker.sockets[slot] = connected
        fd = connected.fileno()

        def closed() -> None:
            if worker.sockets.get(slot) is connected:
                self._let_go(worker, slot)

        self._on_ready[fd] = closed
        self._epoll.register(fd, select.EPOLLRDHUP)

    def _let_go(self, worker: Worker, slot: int) -> None:
        connected = worker.sockets.pop(slot, None)
        if connected is not None:
            self._forget_fd(connected.fileno())
            connected.close()

    def _when_readable(self, fd: int, then: Callable[[], None]) -> None:
        self._on_ready[fd] = then
        self._epoll.register(fd, select.EPOLLIN)

    def _forget_fd(self, fd: int) -> None:
        if self._on_ready.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def _watch(self, worker: Worker, now: float) -> None:
        """End what keeps an answer back for so long that no thread of the worker can give it any more."""
        silent = now - worker.board.last_beat()
        waiting = max(
            (now - debt.arrived for debt in worker.board.debts() if debt.state == OWED), default=0.0
        )
        if silent > SILENT_S or waiting > LATE_S - LOOK_S:
            self._kill(worker)
        elif silent > SEIZED_S and waiting > DEADLINE_S:
            if waiting > DEADLINE_S + 2 * LOOK_S:
                self._kill(worker)
            else:
                # Reaches even a regular expression that backtracks: its handler raises in the plugin.
                os.kill(worker.pid, signal.SIGALRM)

    def _kill(self, worker: Worker) -> None:
        log.error("worker %d is stuck and will be ended", worker.pid)
        os.kill(worker.pid, signal.SIGUSR1)  # where it is, to the log
        time.sleep(0.005)
        os.kill(worker.pid, signal.SIGKILL)
        os.waitpid(worker.pid, 0)
        self._bury(worker)

    def _ended(self, worker: Worker) -> bool:
        pid, status = os.waitpid(worker.pid, os.WNOHANG)
        if pid:
            log.error("worker %d ended: %d", pid, os.waitstatus_to_exitcode(status))
        return bool(pid)

    def _bury(self, worker: Worker) -> None:
        """Say what the dead worker still owed; the next one goes on with its connections."""
        worker.pid = 0
        now = time.monotonic()
        worker.deaths = [when for when in worker.deaths if now - when < DYING_OFTEN_S] + [now]
        often = len(worker.deaths) > DYING_OFTEN
        worker.starts_at = now + PAUSE_S if often else now
        while worker.control.fileno() in self._on_ready:
            before = len(worker.sockets)
            self._register(worker)
            if len(worker.sockets) == before:
                break
        self._forget_fd(worker.control.fileno())
        worker.control.close()
        for debt in worker.board.debts():
            connected = worker.sockets.get(debt.slot)
            if connected is not None and not self._settled(debt, connected, now, restarts=not often):
                with contextlib.suppress(OSError):
                    connected.shutdown(socket.SHUT_RDWR)
                self._let_go(worker, debt.slot)
        worker.board.close()

    def _settled(self, debt: Debt, connected: socket.socket, now: float, *, restarts: bool) -> bool:
        """Answer in the worker's place. False if the connection has to go instead."""
        if debt.state != OWED or now - debt.arrived > LATE_S:
            return False
        if debt.event_id == NO_EVENT:
            answer = error(debt.request_id, f"{self._name}: {KILLED}")
        elif restarts:
            # The step after this one reaches the next worker, which refuses events that it does not know.
            answer = event_result(
                debt.request_id, debt.event_id, call("kong.log.err", f"{self._name}: {KILLED}")
            )
        else:
            answer = event_result(debt.request_id, debt.event_id, REFUSAL)
        try:
            return connected.send(answer, socket.MSG_DONTWAIT) == len(answer)
        except OSError:
            return False

    def _stop_workers(self) -> None:
        for worker in self._workers:
            if worker.pid:
                os.kill(worker.pid, signal.SIGKILL)
        for worker in self._workers:
            if worker.pid:
                os.waitpid(worker.pid, 0)
