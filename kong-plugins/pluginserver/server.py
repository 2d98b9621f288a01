"""A worker process: the sockets on one side, the plugin's protocol on the other."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from collections import deque
from collections.abc import Mapping
from typing import Final, NoReturn

from pluginserver.board import Board
from pluginserver.connections import Connection, Gone
from pluginserver.handover import receive_socket, register
from pluginserver.limits import LATE_S, MAX_CONNECTIONS, STALLED_WRITE_S, TICK_S
from pluginserver.loading import LoadedPlugin
from pluginserver.protocol import Protocol
from pluginserver.runners import Crew
from pluginserver.wire import BadFrame, read_request

POLL_S: Final = 0.25
FROZEN_S: Final = 0.5
"""After so long between two looks at the sockets, nobody knows when their data came."""
HOUSEKEEPING_S: Final = 1.0


class Server:
    """Belongs to the thread that holds the crew's baton.

    listener: None where the supervisor accepts and shares out.
    inherited: connections of a worker before this one, by their place on the board.
    """

    def __init__(
        self,
        plugin: LoadedPlugin,
        board: Board,
        control: socket.socket,
        listener: socket.socket | None,
        inherited: Mapping[int, socket.socket],
        *,
        lua_style: bool,
    ) -> None:
        self._board = board
        self._control = control
        self._listener = listener
        self._crew = Crew()
        self._protocol = Protocol(plugin, self._crew, lua_style=lua_style)
        self._epoll = select.epoll()
        self._connections: dict[int, Connection] = {}
        self._free_slots = [index for index in reversed(range(MAX_CONNECTIONS)) if index not in inherited]
        self._backlog: deque[Connection] = deque()
        self._looked = self._tidied = time.monotonic()
        for source in (control, listener):
            if source is not None:
                source.setblocking(False)
                self._epoll.register(source.fileno(), select.EPOLLIN)
        self._epoll.register(self._crew.wake_fd, select.EPOLLIN)
        for slot, connected in inherited.items():
            self._connect(connected, slot)

    def live(self) -> NoReturn:
        self._crew.live(self._serve, self._board.beat)

    def _serve(self) -> None:
        """Runs until Deposed; another thread then calls it again, so nothing is kept in local variables."""
        while True:
            self._crew.prefer_main()
            watching = self._crew.busy or self._protocol.resting
            patience = TICK_S if watching else POLL_S
            ready = self._epoll.poll(0.0 if self._backlog else patience)
            now = time.monotonic()
            arrived = now
            if now - self._looked > FROZEN_S:
                # An interrupted poll comes back empty, whatever is there.
                ready, arrived = self._epoll.poll(0.0), self._looked
            self._looked = now
            self._protocol.collect()
            for _ in range(len(self._backlog)):
                self._next_request(self._backlog.popleft(), arrived)
            for fd, events in ready:
                self._attend(fd, events, arrived)
            if self._crew.busy or self._protocol.resting:
                self._protocol.refuse_overdue(now)
            if now - self._tidied > HOUSEKEEPING_S:
                self._tidied = now
                self._tidy(now)

    def _attend(self, fd: int, events: int, arrived: float) -> None:
        connection = self._connections.get(fd)
        if connection is not None:
            try:
                if events & select.EPOLLOUT:
                    connection.flush()
                if events & ~select.EPOLLOUT:
                    connection.receive()
            except Gone:
                connection.close()
            else:
                self._next_request(connection, arrived)
        elif self._listener is not None and fd == self._listener.fileno():
            self._accept()
        elif fd == self._crew.wake_fd:
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(fd)
        elif fd == self._control.fileno():
            self._take_over()

    def _next_request(self, connection: Connection, arrived: float) -> None:
        """Handle one request; what follows it has its turn later, perhaps on another thread."""
        if not connection.open:
            return
        try:
            frame = connection.next_frame()
            if frame is None:
                return
            request = read_request(frame)
        except (Gone, BadFrame):
            connection.close()
            return
        if connection.has_more:
            self._backlog.append(connection)
        if time.monotonic() - arrived > LATE_S:
            connection.close()
        elif request is None:
            connection.settle()
        else:
            self._protocol.handle(connection, request, arrived)

    def _accept(self) -> None:
        assert self._listener is not None
        for _ in range(16):
            try:
                connected, _address = self._listener.accept()
            except OSError:
                return
            self._admit(connected)

    def _take_over(self) -> None:
        """A connection from the supervisor; its end is ours."""
        try:
            connected = receive_socket(self._control)
        except BlockingIOError:
            return
        if connected is None:
            os._exit(0)
        self._admit(connected[1])

    def _admit(self, connected: socket.socket) -> None:
        if not self._free_slots:
            connected.close()
            return
        slot = self._free_slots.pop()
        self._connect(connected, slot)
        register(self._control, slot, connected)

    def _connect(self, connected: socket.socket, slot: int) -> None:
        connection = Connection(connected, self._board.slot(slot), self._epoll, self._disconnect)
        self._connections[connection.fd] = connection

    def _disconnect(self, connection: Connection) -> None:
        del self._connections[connection.fd]
        self._free_slots.append(connection.slot.index)

    def _tidy(self, now: float) -> None:
        for connection in list(self._connections.values()):
            if connection.stalled(now, STALLED_WRITE_S):
                connection.close()
        self._protocol.forget_idle(now)
