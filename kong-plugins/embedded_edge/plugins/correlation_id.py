"""correlation-id: an id for every request, sent up and echoed down."""

import os
import time
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from embedded_edge.exchange import Exchange
from embedded_edge.headers import Headers
from embedded_edge.plugins.base import EdgePlugin, World
from embedded_edge.schema import Option


class CorrelationId(EdgePlugin):
    name = "correlation-id"
    priority = 100001
    options: ClassVar = {
        "header_name": Option(str, "Kong-Request-ID"),
        "generator": Option(str, "uuid#counter", one_of=("uuid", "uuid#counter", "tracker")),
        "echo_downstream": Option(bool, False),
    }

    def __init__(self, config: Mapping[str, Any], world: World) -> None:
        super().__init__(config, world)
        self._name = config["header_name"].encode("latin-1")
        self._lower = self._name.lower()
        self._echo: bool = config["echo_downstream"]
        self._generate = {"uuid": _uuid, "uuid#counter": self._count, "tracker": _track}[config["generator"]]
        self._worker = str(uuid.uuid4())
        self._counter = 0

    def access(self, x: Exchange) -> None:
        value = x.headers.variable(self._lower)
        if not value:
            value = self._generate(x)
            x.headers.set(self._name, value)
        if self._echo:
            x.plugin_state[self] = value

    def header_filter(self, x: Exchange, headers: Headers) -> None:
        if self._echo:
            value = x.plugin_state.get(self) or x.headers.variable(self._lower) or self._generate(x)
            headers.set(self._name, value)

    def _count(self, _: Exchange) -> bytes:
        self._counter += 1
        return f"{self._worker}#{self._counter}".encode()


def _uuid(_: Exchange) -> bytes:
    return str(uuid.UUID(bytes=os.urandom(16), version=4)).encode()


def _track(x: Exchange) -> bytes:
    """Server address and port, pid, serial of the connection, number of the request on it, time."""
    address = (x.scope.get("server") or ("127.0.0.1", 0))[0]
    serial, nth = x.scope.get("portcullis.connection", (1, 1))
    return f"{address}-{x.server_port}-{os.getpid()}-{serial}-{nth}-{time.time():.3f}".encode()
