"""One event: a run of a plugin, which stops at each PDK call until Kong has answered it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from greenlet import GreenletExit  # type: ignore[import-untyped]
from kong_pdk.pdk import Kong, non_return_methods

from pluginserver.faults import describe, own_text
from pluginserver.waiting import rest_until
from pluginserver.wire import pack

if TYPE_CHECKING:
    from pluginserver.connections import Connection
    from pluginserver.runners import Runner


class Overdue(BaseException):
    """Raised inside a plugin whose time is over; not an Exception, so that few plugins catch it."""


@dataclass(frozen=True, slots=True)
class Exiting:
    """The plugin has answered the client itself: the last call that Kong gets of this event."""

    call: bytes


@dataclass(frozen=True, slots=True)
class Returned:
    value: Any


@dataclass(frozen=True, slots=True)
class Raised:
    text: str
    """What happened, without content, for the log."""
    error: str
    """The exception's own text. For Kong only where no request can be in it: when an instance starts."""


@dataclass(frozen=True, slots=True)
class Resting:
    """The plugin waits for work that it has given to a pool."""

    future: Future[Any]


@dataclass(frozen=True, slots=True)
class Rested:
    """That work is done."""


Outcome = bytes | Exiting | Returned | Raised | Resting | Rested
"""What a plugin comes back with; bytes are a PDK call, packed."""

KILL: Final = object()
"""As the result of a PDK call: the plugin ends there."""

Work = Callable[["Event"], Any]


class Event:
    """Also the channel that kong_pdk's `Kong` puts calls into and gets results from.

    Belongs to the thread of its runner. At most one answer is owed at a time: `connection` is None when none
    is.
    """

    __slots__ = (
        "_call",
        "arrived",
        "connection",
        "failing",
        "fiber",
        "id",
        "over",
        "phase",
        "request_id",
        "runner",
        "spent",
        "work",
    )

    def __init__(self, number: int, phase: str, work: Work, runner: Runner) -> None:
        self.id = number
        self.phase = phase
        self.work = work
        self.runner = runner
        self.fiber: Any = None
        self.connection: Connection | None = None
        self.request_id = 0
        self.arrived = 0.0
        self.spent = 0.0
        self.failing = False
        """The plugin is done for; what is left is to refuse."""
        self.over = False
        """Nothing that the plugin still says reaches Kong."""
        self._call = b""

    def owes(self, connection: Connection, request_id: int, arrived: float) -> None:
        self.connection, self.request_id, self.arrived = connection, request_id, arrived

    def main(self) -> Outcome:
        """Run to the end, in a fiber. Whatever happens in the plugin is in the outcome."""
        rest_until.set(self.rest)
        try:
            return Returned(self.work(self))
        except BaseException as error:
            if self.over and isinstance(error, GreenletExit):
                return Returned(None)
            return Raised(describe(error), own_text(error))

    def put(self, call: dict[str, Any]) -> None:
        """A PDK call of the plugin. What cannot be packed raises here, in the plugin."""
        if self.over or self.failing:
            raise GreenletExit
        packed = pack(call)
        if call["Method"] in non_return_methods:
            self.runner.hub.switch(Exiting(packed))
        else:
            self._call = packed

    def rest(self, future: Future[Any]) -> None:
        """Let others run until the future is done."""
        if self.over or self.failing or self.runner.hub.switch(Resting(future)) is KILL:
            raise GreenletExit

    def get(self) -> tuple[Any, Any]:
        """The result of the call, and its error."""
        answer = self.runner.hub.switch(self._call)
        if answer is KILL:
            raise GreenletExit
        pair: tuple[Any, Any] = answer
        return pair


def phase_work(phase: Callable[[Any], Any], *, lua_style: bool) -> Work:
    """Run one phase of a plugin with kong_pdk's own Kong object."""
    return lambda event: phase(Kong(event, lua_style).kong)
