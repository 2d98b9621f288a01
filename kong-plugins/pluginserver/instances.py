"""The plugin's instances, one a configuration, under numbers that are never used twice."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from pluginserver.limits import MAX_INSTANCES


def first_id() -> int:
    """Where a process starts to count: with a restart from 0, an id that Kong still holds would mean another
    configuration. Stays far below 2**53, up to which Lua's numbers are exact."""
    return secrets.randbits(52)


@dataclass(slots=True)
class Instance:
    id: int
    name: str
    config: Any
    plugin: Any
    started: float = field(default_factory=time.time)

    def summary(self) -> dict[str, Any]:
        return {"Name": self.name, "Id": self.id, "Config": self.config}

    def status(self) -> dict[str, Any]:
        return self.summary() | {"StartTime": self.started}


class Instances:
    """At most MAX_INSTANCES; the one unused for longest goes first, and Kong starts it again if it needs it.

    Kong does not close all it started: after a restart of anything it forgets them.
    """

    def __init__(self) -> None:
        self._next = first_id()
        self._all: OrderedDict[int, Instance] = OrderedDict()

    def __len__(self) -> int:
        return len(self._all)

    def add(self, name: str, config: Any, plugin: Any) -> Instance:
        instance = Instance(self._next, name, config, plugin)
        self._next += 1
        self._all[instance.id] = instance
        while len(self._all) > MAX_INSTANCES:
            self._all.popitem(last=False)
        return instance

    def get(self, number: Any) -> Instance | None:
        """None for whatever is no instance's id, of any type."""
        if type(number) is not int or (instance := self._all.get(number)) is None:
            return None
        self._all.move_to_end(number)
        return instance

    def close(self, number: Any) -> Instance | None:
        return self._all.pop(number, None) if type(number) is int else None

    def all(self) -> list[Instance]:
        return list(self._all.values())
