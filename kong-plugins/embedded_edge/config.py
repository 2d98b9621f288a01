"""Kong's declarative document (DB-less), read once into what the edge runs. Refuses what it does not know."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import CollectorRegistry

from embedded_edge.entities import (
    Consumer,
    JwtCredential,
    Route,
    Service,
    read_authority,
    read_consumer,
    read_route,
    read_service,
)
from embedded_edge.plugins import BUNDLED
from embedded_edge.plugins.base import EdgePlugin, World
from embedded_edge.python_plugins import find_plugin, load_plugin
from embedded_edge.schema import ConfigError, only, read_options
from embedded_edge.upstreams import Upstream, read_upstream

__all__ = ["ConfigError", "EdgeConfig", "load_config", "load_file"]

_TOP = frozenset(
    {
        "_format_version",
        "_transform",
        "_comment",
        "ca_certificates",
        "services",
        "upstreams",
        "routes",
        "consumers",
        "plugins",
    }
)
_PLUGIN = frozenset(
    {
        "name",
        "config",
        "enabled",
        "id",
        "tags",
        "protocols",
        "instance_name",
        "service",
        "route",
        "created_at",
    }
)
_FORMATS = ("2.1", "3.0")


@dataclass(frozen=True, slots=True)
class EdgeConfig:
    """Routes, each with its plugins in the order in which they run, and those of requests without a route."""

    routes: tuple[tuple[Route, tuple[EdgePlugin, ...]], ...]
    global_plugins: tuple[EdgePlugin, ...]
    registry: CollectorRegistry
    services: tuple[Service, ...] = ()
    consumers: tuple[Consumer, ...] = field(default=())
    upstreams: tuple[Upstream, ...] = ()
    authorities: str = ""  # PEM of all that services may believe; health checks believe each of them


def load_file(path: Path, plugin_dirs: Sequence[Path] = ()) -> EdgeConfig:
    """`load_config` of a YAML file. ConfigError names the file."""
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {error}") from None
    return load_config(document, plugin_dirs)


def load_config(
    document: Mapping[str, Any], plugin_dirs: Sequence[Path] = (), *, clock: Callable[[], float] = time.time
) -> EdgeConfig:
    """What the document means. ConfigError names the entity and the plugin, option or Lua text not known.

    `plugin_dirs` are folders of our own plugins, `<folder>/<name>/<name>.py`; `clock` gives epoch s.
    """
    if not isinstance(document, Mapping):
        raise ConfigError("the document must be a table")
    only("the document", document, _TOP)
    if str(document.get("_format_version")) not in _FORMATS:
        raise ConfigError(
            f"_format_version must be one of {list(_FORMATS)}, not {document.get('_format_version')!r}"
        )
    builder = _Builder(plugin_dirs, _world(document, clock))
    return builder.build(document)


def _world(document: Mapping[str, Any], clock: Callable[[], float]) -> World:
    consumers: dict[str, Consumer] = {}
    credentials: dict[str, JwtCredential] = {}
    for entry in document.get("consumers") or []:
        consumer, rows = read_consumer(entry)
        for name in (consumer.id, consumer.username):
            if name is not None:
                if name in consumers:
                    raise ConfigError(f"consumer {name!r} is there twice")
                consumers[name] = consumer
        for row in rows:
            if row.key in credentials:
                raise ConfigError(
                    f"consumer {consumer.username!r}: jwt_secrets key {row.key!r} is there twice"
                )
            credentials[row.key] = row
    return World(consumers, credentials, clock)


@dataclass(slots=True)
class _Placed:
    """A plugin and where the document puts it; None is anywhere."""

    plugin: EdgePlugin
    service: str | None = None
    route: str | None = None

    def rank(self, service: Service | None, route: Route) -> int:
        """How closely it fits, or -1: Kong runs one instance of a plugin, the closest."""
        if self.route is not None and self.route not in (route.name, route.id):
            return -1
        if self.service is not None and (service is None or self.service not in (service.name, service.id)):
            return -1
        return (self.route is not None) * 2 + (self.service is not None)


class _Builder:
    def __init__(self, plugin_dirs: Sequence[Path], world: World) -> None:
        self._dirs = plugin_dirs
        self._world = world
        self._classes: dict[str, type[EdgePlugin]] = dict(BUNDLED)
        self._placed: list[_Placed] = []
        self._routes: list[Route] = []
        self._services: dict[str, Service] = {}
        self._authorities: dict[str, str] = {}

    def build(self, document: Mapping[str, Any]) -> EdgeConfig:
        self._authorities = dict(map(read_authority, document.get("ca_certificates") or []))
        for entry in document.get("services") or []:
            self._add_service(entry)
        for entry in document.get("routes") or []:
            reference = entry.get("service")
            name = reference.get("name") if isinstance(reference, Mapping) else reference
            if name is not None and name not in self._services:
                raise ConfigError(f"route {entry.get('name')!r}: there is no service {name!r}")
            self._add_route(entry, self._services.get(name) if name else None)
        for entry in document.get("plugins") or []:
            self._add_plugin(entry, None, None)
        names = [route.name for route in self._routes]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(f"route {name!r} is there twice")
        anywhere = [
            placed.plugin for placed in self._placed if placed.service is None and placed.route is None
        ]
        return EdgeConfig(
            routes=tuple((route, self._chain(route)) for route in self._routes),
            global_plugins=_in_order(anywhere),
            registry=self._world.registry,
            services=tuple(self._services.values()),
            consumers=tuple(dict.fromkeys(self._world.consumers.values())),
            upstreams=tuple(_read_upstreams(document.get("upstreams") or [])),
            authorities="\n".join(self._authorities.values()),
        )

    def _add_service(self, entry: Mapping[str, Any]) -> None:
        service = read_service(entry, self._authorities)
        if service.name in self._services:
            raise ConfigError(f"service {service.name!r} is there twice")
        self._services[service.name] = service
        for plugin in entry.get("plugins") or []:
            self._add_plugin(plugin, service.name, None)
        for route in entry.get("routes") or []:
            self._add_route(route, service)

    def _add_route(self, entry: Mapping[str, Any], service: Service | None) -> None:
        route = read_route(entry, service)
        self._routes.append(route)
        for plugin in entry.get("plugins") or []:
            self._add_plugin(plugin, None, route.name)

    def _add_plugin(self, entry: Mapping[str, Any], service: str | None, route: str | None) -> None:
        name = entry.get("name")
        if not isinstance(name, str):
            raise ConfigError("a plugin has no name")
        only(f"plugin {name!r}", entry, _PLUGIN)
        made = self._class(name)
        if entry.get("enabled", True) is False:
            return
        config = read_options(f"plugin {name!r}", entry.get("config"), made.options)
        service = service or _reference(entry.get("service"))
        route = route or _reference(entry.get("route"))
        world = replace(
            self._world,
            route_id=_id_of("route", route, self._routes),
            service_id=_id_of("service", service, list(self._services.values())),
        )
        self._placed.append(_Placed(made(config, world), service, route))

    def _class(self, name: str) -> type[EdgePlugin]:
        if name not in self._classes:
            path = find_plugin(name, self._dirs)
            if path is None:
                raise ConfigError(f"plugin {name!r} is not known to the embedded edge")
            self._classes[name] = load_plugin(name, path)
        return self._classes[name]

    def _chain(self, route: Route) -> tuple[EdgePlugin, ...]:
        closest: dict[str, tuple[int, EdgePlugin]] = {}
        for placed in self._placed:
            rank = placed.rank(route.service, route)
            if rank < 0:
                continue
            known = closest.get(placed.plugin.name)
            if known is not None and known[0] == rank:
                raise ConfigError(f"route {route.name!r}: plugin {placed.plugin.name!r} is there twice")
            if known is None or known[0] < rank:
                closest[placed.plugin.name] = (rank, placed.plugin)
        return _in_order([plugin for _, plugin in closest.values()])


def _read_upstreams(entries: Sequence[Mapping[str, Any]]) -> list[Upstream]:
    upstreams = [read_upstream(entry) for entry in entries]
    names = [upstream.name for upstream in upstreams]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"upstream {name!r} is there twice")
    return upstreams


def _id_of(kind: str, wanted: str | None, known: Sequence[Route | Service]) -> str | None:
    """The id of what a plugin stands on."""
    if wanted is None:
        return None
    for entity in known:
        if wanted in (entity.name, entity.id):
            return entity.id
    raise ConfigError(f"a plugin stands on {kind} {wanted!r}, which is not there")


def _reference(value: Any) -> str | None:
    found = value.get("name") or value.get("id") if isinstance(value, Mapping) else value
    return str(found) if found is not None else None


def _in_order(plugins: list[EdgePlugin]) -> tuple[EdgePlugin, ...]:
    """By priority, highest first; by name among equals, as Kong sorts them."""
    return tuple(sorted(plugins, key=lambda plugin: (-plugin.priority, plugin.name)))
