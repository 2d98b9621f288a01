"""The plugins of one route, phase by phase."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from embedded_edge.exchange import Exchange
from embedded_edge.headers import Headers
from embedded_edge.plugins.base import EdgePlugin


@dataclass(frozen=True, slots=True)
class Chain:
    """The phase functions of one route, bound once."""

    access: tuple[Callable[[Exchange], Awaitable[None] | None], ...]
    header_filter: tuple[Callable[[Exchange, Headers], None], ...]
    log: tuple[Callable[[Exchange], None], ...]

    @classmethod
    def of(cls, plugins: tuple[EdgePlugin, ...]) -> "Chain":
        return cls(
            tuple(plugin.access for plugin in plugins if plugin.has("access")),
            tuple(plugin.header_filter for plugin in plugins if plugin.has("header_filter")),
            tuple(plugin.log for plugin in plugins if plugin.has("log")),
        )
