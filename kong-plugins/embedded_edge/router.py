"""Which route a request takes, as Kong's router decides ("traditional_compatible", path handling v0).

After kong/router/transform.lua and atc.lua: routes are sorted by what they ask for; among equals the one
with the highest id comes first.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import re2

from embedded_edge.entities import Route
from embedded_edge.exchange import SNI, Exchange
from embedded_edge.hosts import matches_host, matches_name
from embedded_edge.schema import ConfigError
from embedded_edge.uri import is_text, normalise

_CACHE_SIZE = 4096
_SPLIT = uuid.UUID("7f145bf9-0dce-4f91-98eb-debbce4b9f6b")

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


@dataclass(frozen=True, slots=True)
class Match:
    """A route, and what of the path its entry matched (None where nothing is stripped)."""

    route: Route
    prefix: str | None
    chain: object  # what the caller attached to the route
    captures: "re2._Match[str] | None" = None  # of a path that is an expression


@dataclass(frozen=True, slots=True)
class _Entry:
    """The paths of a route that are of one length, or its expressions: the unit that Kong sorts."""

    id: int
    route: Route
    paths: tuple[str, ...]
    expressions: "tuple[re2._Regexp[str], ...]"
    headers: "tuple[_Header, ...]"
    chain: object

    def order(self) -> tuple[int, int]:
        """Sorts the entry that Kong tries first to the front.

        Kong means a number of 64 bits, but shifts Lua numbers, which have 32: a plain host and an expression
        (shifted as 64 bits) go before what is asked for beside them, unless that is four things or more, and
        a regex_priority runs into the number of headers.
        """
        route = self.route
        asked = (route.methods, route.hosts, route.headers, route.snis, route.paths)
        priority = _shifted(sum(map(bool, asked)), 61) | _shifted(len(route.headers), 52)
        if route.hosts and not any("*" in host for host in route.hosts):
            priority |= 1 << 60
        if self.expressions:
            priority |= 1 << 51 | _shifted(route.regex_priority, 19)
        if self.paths:
            priority |= len(self.paths[0]) & 0x7FFFF
        return (-(priority & 0xFFFF_FFFF_FFFF_FFFF), -self.id)

    def match(self, x: Exchange, path: str) -> Match | None:
        route = self.route
        if not self._asks_for(x):
            return None
        for prefix in self.paths:
            if path.startswith(prefix):
                return Match(route, prefix if route.strip_path else None, self.chain)
        if self.expressions:
            text = _text(path)
            for expression in self.expressions:
                found = expression.match(text)
                if found is not None:
                    stripped = _bytes(found[0]) if route.strip_path else None
                    return Match(route, stripped or None, self.chain, found)
        return None if route.paths else Match(route, None, self.chain)

    def _asks_for(self, x: Exchange) -> bool:
        """Whether all but the path is as the route wants it."""
        route = self.route
        return (
            (not route.methods or x.method in route.methods)
            and (not route.hosts or matches_host(route.hosts, x.host, x.server_port))
            and (not route.snis or x.scheme != "https" or matches_name(route.snis, x.scope.get(SNI) or ""))
            and all(header.matches(x) for header in self.headers)
        )


@dataclass(frozen=True, slots=True)
class _Header:
    """A field that has to be there with one of these values, or matching one of these expressions."""

    name: bytes
    values: frozenset[str]
    expressions: "tuple[re2._Regexp[str], ...]"

    def matches(self, x: Exchange) -> bool:
        for lower, _, value in x.headers.fields:
            if lower.replace(b"_", b"-") == self.name:
                text = value.decode("latin-1").lower()
                if text in self.values or any(known.search(text) for known in self.expressions):
                    return True
        return False


class Router:
    """`match` gives the route of a request or None. Answers that no header decides are remembered."""

    def __init__(self, routes: Sequence[tuple[Route, object]]) -> None:
        entries = [entry for route, chain in routes for entry in _entries(route, chain)]
        self._entries = sorted(entries, key=_Entry.order)
        self._by_header = any(route.headers or route.snis for route, _ in routes)
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
        if not is_text(path):
            return None
        for entry in self._entries:
            found = entry.match(x, path)
            if found is not None:
                return found
        return None


def _entries(route: Route, chain: object) -> list[_Entry]:
    groups: dict[int, list[str]] = {}
    for path in route.paths:
        groups.setdefault(0 if path.startswith("~") else len(path), []).append(path)
    headers = tuple(_header(route, name, values) for name, values in route.headers)
    if len(groups) <= 1:
        return [_entry(route, uuid.UUID(route.id), list(route.paths), headers, chain)]
    return [
        _entry(route, uuid.uuid5(_SPLIT, f"{route.id}#{number}"), paths, headers, chain)
        for number, paths in enumerate(groups.values(), 1)
    ]


def _entry(
    route: Route, entry_id: uuid.UUID, paths: list[str], headers: tuple[_Header, ...], chain: object
) -> _Entry:
    expressions = [path[1:] for path in paths if path.startswith("~")]
    return _Entry(
        entry_id.int,
        route,
        tuple(_bytes(path) for path in paths if not path.startswith("~")),
        tuple(_compile(route, expression) for expression in expressions),
        headers,
        chain,
    )


def _header(route: Route, name: str, values: frozenset[str]) -> _Header:
    plain = frozenset(value.lower() for value in values if not value.startswith("~*"))
    expressions = [value[2:].lower() for value in values if value.startswith("~*")]
    return _Header(
        name.replace("_", "-").encode("latin-1"),
        plain,
        tuple(_compile(route, expression) for expression in expressions),
    )


def _compile(route: Route, source: str) -> "re2._Regexp[str]":
    """Kong's expressions are Rust's, which RE2 reads but for the spelling of named groups."""
    try:
        return re2.compile(source.replace("?<", "?P<"), _OPTIONS)
    except re2.error as error:
        raise ConfigError(f"route {route.name!r}: {source!r} is not an expression: {error}") from None


def _shifted(value: int, by: int) -> int:
    """LuaJIT's bit.lshift of a number: 32 bits with a sign, shifted by `by` modulo 32."""
    shifted = (value << (by & 31)) & 0xFFFF_FFFF
    return shifted - (1 << 32) if shifted & 0x8000_0000 else shifted


def _text(path: str) -> str:
    """The characters that the bytes of a path are."""
    return path if path.isascii() else path.encode("latin-1").decode("utf-8")


def _bytes(text: str) -> str:
    """The bytes of a text, one code point for each: the form that paths have here."""
    return text if text.isascii() else text.encode().decode("latin-1")
