"""What a plugin of the edge is."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from prometheus_client import CollectorRegistry

from embedded_edge.entities import Consumer, JwtCredential
from embedded_edge.exchange import Exchange
from embedded_edge.headers import Headers
from embedded_edge.schema import Option


@dataclass(frozen=True, slots=True)
class World:
    """What the document holds beside the plugin's own options, where the plugin stands, and the time."""

    consumers: Mapping[str, Consumer] = field(default_factory=dict)  # by username and by id
    credentials: Mapping[str, JwtCredential] = field(default_factory=dict)  # by key
    clock: Callable[[], float] = time.time  # s since the epoch
    registry: CollectorRegistry = field(default_factory=lambda: CollectorRegistry(auto_describe=False))
    # Of the route or service that the plugin stands on, if it stands on one.
    route_id: str | None = None
    service_id: str | None = None


class EdgePlugin:
    """One configured plugin. A phase that a class does not override costs a request nothing.

    Phases see the exchange: `access` may set `answer`, which ends the chain; `header_filter` runs on every
    answer, the edge's own too; `log` runs after the last byte. Higher priorities run first.
    """

    name: ClassVar[str]
    priority: ClassVar[int]
    options: ClassVar[Mapping[str, Option]]

    def __init__(self, config: Mapping[str, Any], world: World) -> None: ...

    def access(self, x: Exchange) -> Awaitable[None] | None:
        """Before the request is sent on. Returns an awaitable only if it has to wait."""

    def header_filter(self, x: Exchange, headers: Headers) -> None:
        """May change the header of the answer."""

    def log(self, x: Exchange) -> None:
        """Counts what happened. Must not raise."""

    async def close(self) -> None:
        """Ends what the plugin has started."""

    def has(self, phase: str) -> bool:
        return getattr(type(self), phase) is not getattr(EdgePlugin, phase)
