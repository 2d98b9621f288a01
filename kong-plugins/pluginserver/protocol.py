"""What Kong asks, and what it is answered: instances, events, steps.

Belongs to the thread that holds the crew's baton. Running a plugin may raise Deposed: so it is always the
last thing that a method here does.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from typing import Any, Final

from pluginserver.board import NO_EVENT
from pluginserver.connections import Connection
from pluginserver.events import (
    KILL,
    Event,
    Exiting,
    Outcome,
    Raised,
    Rested,
    Resting,
    Returned,
    phase_work,
)
from pluginserver.faults import describe_running
from pluginserver.instances import Instances, first_id
from pluginserver.limits import DEADLINE_S, IDLE_EVENT_S, LATE_S, MAX_EVENTS, QUEUED_S
from pluginserver.loading import LoadedPlugin
from pluginserver.runners import Crew
from pluginserver.wire import REFUSAL, RETURNED, Request, call, error, event_result, result

log = logging.getLogger("pluginserver")

START: Final = "start"
"""The phase of the event that makes an instance. All others are Kong's."""
UNWIND_S: Final = 0.005
"""What an interrupted plugin gets to end in, so that its thread is free for what comes next."""
LOG: Final = "log"
"""The one phase after the answer: there is nobody to refuse."""


class Protocol:
    """All that one process knows: its plugin, the instances, the events under way."""

    def __init__(self, plugin: LoadedPlugin, crew: Crew, *, lua_style: bool) -> None:
        self._plugin = plugin
        self._crew = crew
        self._lua_style = lua_style
        self._instances = Instances()
        self._last_start = self._last_close = 0.0
        self._events: dict[int, Event] = {}
        self._next_event = first_id()
        self.resting: set[Event] = set()
        """Those whose plugin waits for a pool."""
        step = self._step
        self._methods: dict[str, Callable[[Connection, Request, float], None]] = {
            "plugin.HandleEvent": self._handle_event,
            "plugin.Step": step,
            "plugin.StepError": step,
            "plugin.StepMultiMap": step,
            "plugin.StepConsumer": step,
            "plugin.StepCredential": step,
            "plugin.StepRoute": step,
            "plugin.StepService": step,
            "plugin.StepPlugin": step,
            "plugin.StepMemoryStats": step,
            "plugin.StartInstance": self._start_instance,
            "plugin.CloseInstance": self._close_instance,
            "plugin.InstanceStatus": self._instance_status,
            "plugin.GetStatus": self._get_status,
            "plugin.GetPluginInfo": self._get_plugin_info,
        }

    def handle(self, connection: Connection, request: Request, arrived: float) -> None:
        """Answer, now or when the plugin has come so far. arrived: when it may have come at the earliest."""
        method = self._methods.get(request.method)
        if method is None:
            connection.send(error(request.id, f"RPC for {request.method} is not supported"))
            return
        method(connection, request, arrived)

    def collect(self) -> None:
        """Go on with what other threads have come to."""
        while (finished := self._crew.take()) is not None:
            event, outcome = finished
            if isinstance(outcome, Rested):
                if event in self.resting:
                    self.resting.remove(event)
                    self._go_on(event, None)
            elif event.over or event.failing:
                if isinstance(outcome, bytes | Exiting):
                    self._go_on(event, KILL)
                elif event.over and isinstance(outcome, Raised):
                    log.warning("after the end of its event, the plugin raised\n%s", outcome.text)
            else:
                self._settle(event, outcome)

    def refuse_overdue(self, now: float) -> None:
        """Answer for the events that a pool or another thread has had, or kept waiting, for too long."""
        for event in list(self._events.values()):
            if event.connection is None or event.failing:
                continue
            waited = now - event.arrived
            if event in self.resting:
                if event.spent + waited > DEADLINE_S:
                    self.resting.remove(event)
                    self._fail(event, f"its work in a pool was not done after {DEADLINE_S} s")
                    self._go_on(event, KILL)
            elif event.runner.aside is event:
                if event.spent + waited > DEADLINE_S:
                    text = describe_running(event.runner.stack(), f"still running after {DEADLINE_S} s")
                    event.failing = True
                    event.runner.interrupt(UNWIND_S)
                    self._fail(event, text)
            elif event.runner is not self._crew.baton and waited > QUEUED_S:
                self._fail(event, f"another event held up this one for {QUEUED_S} s")

    def forget_idle(self, now: float) -> None:
        """End the events that Kong has left: it does not say when a client of its own goes away."""
        for event in list(self._events.values()):
            if event.connection is None and now - event.arrived > IDLE_EVENT_S:
                self._abandon(event)

    def _handle_event(self, connection: Connection, request: Request, arrived: float) -> None:
        asked = request.argument if isinstance(request.argument, dict) else {}
        instance = self._instances.get(asked.get("InstanceId"))
        if instance is None:
            # Kong looks for these words, and then starts the instance again.
            connection.send(error(request.id, f"no plugin instance #{_shown(asked.get('InstanceId'))}"))
            return
        phase = asked.get("EventName")
        if phase not in self._plugin.phases:
            self._refuse(connection, request, self._new_id(), f"the plugin has no phase {_shown(phase)}")
            return
        if len(self._events) >= MAX_EVENTS and not self._make_room():
            self._refuse(connection, request, self._new_id(), "too many events at once")
            return
        work = phase_work(getattr(instance.plugin, phase), lua_style=self._lua_style)
        self._begin(Event(self._new_id(), phase, work, self._crew.baton), connection, request, arrived)

    def _begin(self, event: Event, connection: Connection, request: Request, arrived: float) -> None:
        self._events[event.id] = event
        event.owes(connection, request.id, arrived)
        connection.slot.owed(request.id, NO_EVENT if event.phase == START else event.id, arrived)
        self._settle(event, self._crew.run(event, None))

    def _step(self, connection: Connection, request: Request, arrived: float) -> None:
        asked = request.argument if isinstance(request.argument, dict) else {}
        number = asked.get("EventId")
        if type(number) is not int or not -(1 << 63) <= number < 1 << 63:
            connection.send(error(request.id, f"event id {_shown(number)} not found"))
            return
        event = self._events.get(number)
        if event is None or event.phase == START:
            # Of a process before this one, or given up: its request must not go on.
            self._refuse(connection, request, number, "a step of an event that is not known")
            return
        if event.connection is not None:
            connection.send(error(request.id, f"event id {number} is not waiting"))
            return
        event.owes(connection, request.id, arrived)
        connection.slot.owed(request.id, number, arrived)
        if event.failing:
            self._end_failed(event)
            return
        data = asked.get("Data")
        self._go_on(event, (None, data) if request.method == "plugin.StepError" else (data, None))

    def _go_on(self, event: Event, value: Any) -> None:
        outcome = self._crew.go_on(event, value)
        if outcome is not None:
            self._settle(event, outcome)

    def _settle(self, event: Event, outcome: Outcome) -> None:
        """The plugin has come so far: tell Kong."""
        if event.over or event.failing:
            if isinstance(outcome, Raised):
                log.warning("after the end of its event, the plugin raised\n%s", outcome.text)
            elif not isinstance(outcome, Returned):
                self._go_on(event, KILL)
        elif isinstance(outcome, bytes):
            if event.spent > DEADLINE_S:
                self._fail(event, f"took more than {DEADLINE_S} s in all, in many short parts")
                self._go_on(event, KILL)
            elif not self._answer(event, outcome):
                self._abandon(event)
        elif isinstance(outcome, Resting):
            self.resting.add(event)
            outcome.future.add_done_callback(lambda _: self._crew.post(event, Rested()))
        elif isinstance(outcome, Exiting):
            self._end(event)
            self._answer(event, outcome.call)
            # Kong never answers this one. What the plugin does after it, it does for itself.
            self._go_on(event, None)
        elif event.phase == START:
            self._settle_start(event, outcome)
        elif isinstance(outcome, Raised):
            self._fail(event, outcome.text)
        else:
            self._end(event)
            self._answer(event, RETURNED)

    def _settle_start(self, event: Event, outcome: Outcome) -> None:
        self._end(event)
        if isinstance(outcome, Raised):
            self._deliver(event, error(event.request_id, outcome.error))
        elif isinstance(outcome, Returned):
            name, config, plugin = outcome.value
            self._last_start = time.time()
            status = self._instances.add(name, config, plugin).status()
            self._deliver(event, result(event.request_id, status))

    def _fail(self, event: Event, text: str) -> None:
        """Kong logs what happened, and with its next step the request ends."""
        if event.phase == START:
            self._end(event)
            self._deliver(event, error(event.request_id, f"{self._plugin.name} did not start: {text}"))
            return
        event.failing = True
        if not self._answer(event, call("kong.log.err", f"{self._plugin.name}: {text}")):
            self._end(event)

    def _end_failed(self, event: Event) -> None:
        self._end(event)
        if event.phase == LOG:
            connection, event.connection = event.connection, None
            if connection is not None:
                connection.send(error(event.request_id, f"{self._plugin.name} failed"))
        else:
            self._answer(event, REFUSAL)

    def _refuse(self, connection: Connection, request: Request, number: int, why: str) -> None:
        log.warning("refused: %s", why)
        connection.send(event_result(request.id, number, REFUSAL))

    def _answer(self, event: Event, data: bytes) -> bool:
        """False if nobody can have got it: the connection is gone, or it is so late that it has to go."""
        return self._deliver(event, event_result(event.request_id, event.id, data))

    def _deliver(self, event: Event, data: bytes) -> bool:
        connection, event.connection = event.connection, None
        if connection is None:
            return False
        took = time.monotonic() - event.arrived
        event.spent += took
        if took > LATE_S:
            # Kong has put the connection back into its pool: this would be read as the answer to another.
            connection.close()
            return False
        return connection.send(data)

    def _end(self, event: Event) -> None:
        event.over = True
        self._events.pop(event.id, None)

    def _abandon(self, event: Event) -> None:
        """Nobody will ask for this event any more."""
        self._end(event)
        self.resting.discard(event)
        if event.fiber is not None:
            self._go_on(event, KILL)

    def _make_room(self) -> bool:
        """End the oldest event that waits for Kong."""
        oldest = next((event for event in self._events.values() if event.connection is None), None)
        if oldest is None:
            return False
        # Not `_abandon`: it may raise Deposed, and the new event is not on its way yet. `collect` does the
        # rest.
        self._end(oldest)
        self._crew.post(oldest, b"")
        return True

    def _new_id(self) -> int:
        self._next_event += 1
        return self._next_event

    def _start_instance(self, connection: Connection, request: Request, arrived: float) -> None:
        asked = request.argument if isinstance(request.argument, dict) else {}
        name = asked.get("Name")
        if name != self._plugin.name:
            connection.send(error(request.id, f"no plugin {_shown(name)} in this server"))
            return
        try:
            config = json.loads(asked.get("Config", ""))
        except (TypeError, ValueError, RecursionError):
            connection.send(error(request.id, "Config: expected JSON"))
            return
        event = Event(
            self._new_id(), START, lambda _: (name, config, self._plugin.cls(config)), self._crew.baton
        )
        self._begin(event, connection, request, arrived)

    def _close_instance(self, connection: Connection, request: Request, _: float) -> None:
        instance = self._instances.close(request.argument)
        if instance is None:
            connection.send(error(request.id, f"no plugin instance #{_shown(request.argument)}"))
            return
        self._last_close = time.time()
        connection.send(result(request.id, instance.summary()))

    def _instance_status(self, connection: Connection, request: Request, _: float) -> None:
        instance = self._instances.get(request.argument)
        if instance is None:
            connection.send(error(request.id, f"no plugin instance #{_shown(request.argument)}"))
            return
        connection.send(result(request.id, instance.status()))

    def _get_plugin_info(self, connection: Connection, request: Request, _: float) -> None:
        if request.argument != self._plugin.name:
            connection.send(error(request.id, f"no plugin {_shown(request.argument)} in this server"))
            return
        connection.send(result(request.id, self._plugin.info()))

    def _get_status(self, connection: Connection, request: Request, _: float) -> None:
        plugin = {
            "Name": self._plugin.name,
            "Modtime": self._plugin.modified,
            "LoadTime": self._plugin.loaded,
            "Instances": [instance.status() for instance in self._instances.all()],
            "LastStartInstance": self._last_start,
            "LastCloseInstance": self._last_close,
        }
        connection.send(result(request.id, {"Pid": os.getpid(), "Plugins": {self._plugin.name: plugin}}))


def _shown(value: Any) -> str:
    """A value of the peer's in a message of ours: numbers and short words, nothing else."""
    if isinstance(value, int | float) or value is None:
        return str(value)[:40]
    if isinstance(value, str) and len(value) <= 80 and value.isascii() and value.isprintable():
        return value
    return f"({type(value).__name__})"
