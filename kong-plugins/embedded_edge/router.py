"""Which route a request takes, as Kong's router decides ("traditional_compatible", path handling v0)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from embedded_edge.entities import Route
from embedded_edge.exchange import Exchange
from embedded_edge.schema import ConfigError
from embedded_edge.uri import normalise

_CACHE_SIZE = 4096


@dataclass(frozen=True, slots=True)
class Match:
    """A route, and what of the path its entry matched (None where nothing is stripped)."""

    route: Route
    prefix: str | None
    chain: object  # what the caller attached to the route


@dataclass(frozen=True, slots=True)
class _Entry:
    """One path of a route, the unit that Kong sorts."""

    route: Route
    path: str | None
    regex: re.Pattern[str] | None
    chain: object

    def order(self) -> tuple[int, ...]:
        """Sorts the entry that Kong tries first to the front."""
        route = self.route
        weight = sum(map(bool, (route.methods, route.hosts, route.headers, self.path is not None)))
        plain_hosts = bool(route.hosts) and not any("*" in host for host in route.hosts)
        priority = route.regex_priority if self.regex else 0
        length = len(self.path or "")
        return (-weight, -plain_hosts, -len(route.headers), -(self.regex is not None), -priority, -length)


class Router:
    """`match` gives the route of a request or None. Answers that no header decides are remembered."""

    def __init__(self, routes: Sequence[tuple[Route, object]]) -> None:
        entries = [entry for route, chain in routes for entry in _entries(route, chain)]
        self._entries = sorted(entries, key=_Entry.order)
        self._by_header = any(route.headers for route, _ in routes)
        self._cache: dict[tuple[str, bytes, str], Match | None] = {}

    def match(self, x: Exchange) -> Match | None:
        path = normalise(x.target.partition(b"?")[0].decode("latin-1"))
        if self._by_header:
            return self._find(x, path)
        key = (x.method, x.host, path)
        if key in self._cache:
            return self._cache[key]
        found = self._find(x, path)
        if len(self._cache) >= _CACHE_SIZE:
            self._cache.clear()
        self._cache[key] = found
        return found

    def _find(self, x: Exchange, path: str) -> Match | None:
        for entry in self._entries:
            route = entry.route
            if route.methods and x.method not in route.methods:
                continue
            if route.hosts and not _host_matches(route.hosts, x.host.decode("latin-1")):
                continue
            if route.headers and not _headers_match(route, x):
                continue
            if entry.regex is not None:
                found = entry.regex.match(path)
                if found is None:
                    continue
                matched = found[0]
            elif entry.path is not None:
                if not path.startswith(entry.path):
                    continue
                matched = entry.path
            else:
                matched = ""
            return Match(route, matched if route.strip_path and matched else None, entry.chain)
        return None


def _entries(route: Route, chain: object) -> list[_Entry]:
    if not route.paths:
        return [_Entry(route, None, None, chain)]
    return [_Entry(route, path.removeprefix("~"), _regex(route, path), chain) for path in route.paths]


def _regex(route: Route, path: str) -> re.Pattern[str] | None:
    if not path.startswith("~"):
        return None
    # Kong's expressions are Rust's: named groups as (?<name>, and $ is the very end, not before a line break.
    source = path[1:].replace("(?<", "(?P<").replace("(?P<=", "(?<=").replace("(?P<!", "(?<!")
    if source.endswith("$") and not source.endswith("\\$"):
        source = source[:-1] + r"\Z"
    try:
        return re.compile(source, re.DOTALL)
    except re.error as error:
        raise ConfigError(f"route {route.name!r}: path {path!r} is not an expression: {error}") from None


def _host_matches(hosts: tuple[str, ...], host: str) -> bool:
    """Case counts, as in Kong. A port in the pattern has to be the one that was sent."""
    name = host.partition(":")[0]
    for pattern in hosts:
        wanted = host if ":" in pattern else name
        if pattern == wanted:
            return True
        if pattern.startswith("*") and wanted.endswith(pattern[1:]) and wanted != pattern[1:]:
            return True
        if pattern.endswith("*") and wanted.startswith(pattern[:-1]) and wanted != pattern[:-1]:
            return True
    return False


def _headers_match(route: Route, x: Exchange) -> bool:
    for name, allowed in route.headers:
        sent = [value.decode("latin-1").lower() for value in x.headers.values(name.encode("latin-1"))]
        if not any(value.lower() in sent for value in allowed):
            return False
    return True
