"""cors: answers preflights and marks answers, after kong/plugins/cors/handler.lua."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar
from urllib.parse import urlsplit

from embedded_edge.answers import exit_with
from embedded_edge.exchange import Exchange
from embedded_edge.headers import Headers
from embedded_edge.plugins.base import EdgePlugin, World
from embedded_edge.schema import Option

_METHODS = ("GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS", "TRACE", "CONNECT")
_PLAIN = re.compile(r"[A-Za-z0-9.:/-]+")
_DEFAULT_PORTS = {("http", "80"), ("https", "443")}


def _expression(origins: list[str]) -> str | None:
    for origin in origins:
        try:
            if origin != "*":
                re.compile(origin)
        except re.error as error:
            return f"holds {origin!r}, which is not an expression: {error}"
    return None


class Cors(EdgePlugin):
    name = "cors"
    priority = 2000
    options: ClassVar = {
        "origins": Option(list, item=str, check=_expression),
        "headers": Option(list, item=str),
        "exposed_headers": Option(list, item=str),
        "methods": Option(list, list(_METHODS), item=str, one_of=_METHODS),
        "max_age": Option(float),
        "credentials": Option(bool, False),
        "private_network": Option(bool, False),
        "preflight_continue": Option(bool, False),
    }

    def __init__(self, config: Mapping[str, Any], world: World) -> None:
        super().__init__(config, world)
        self._origins: list[str] = config["origins"] or []
        self._allowed = [_Allowed.of(origin) for origin in self._origins]
        self._headers = ",".join(config["headers"] or []).encode()
        self._exposed = ",".join(config["exposed_headers"] or []).encode()
        self._methods = ",".join(config["methods"]).encode()
        self._max_age = None if config["max_age"] is None else f"{config['max_age']:.14g}".encode()
        self._credentials: bool = config["credentials"]
        self._private_network: bool = config["private_network"]
        self._continue: bool = config["preflight_continue"]

    def access(self, x: Exchange) -> None:
        if x.method != "OPTIONS" or x.headers.get(b"origin") is None:
            return
        if x.headers.get(b"access-control-request-method") is None:
            return
        x.plugin_state[self] = True
        if self._continue:
            return
        headers = x.response_headers
        self._mark(x, headers, preflight=True)
        wanted = self._headers or x.headers.get(b"access-control-request-headers")
        if wanted:
            headers.set(b"Access-Control-Allow-Headers", wanted)
        headers.set(b"Access-Control-Allow-Methods", self._methods)
        if self._max_age is not None:
            headers.set(b"Access-Control-Max-Age", self._max_age)
        if self._private_network and x.headers.get(b"access-control-request-private-network") == b"true":
            headers.set(b"Access-Control-Allow-Private-Network", b"true")
        x.answer = exit_with(200, None)

    def header_filter(self, x: Exchange, headers: Headers) -> None:
        if self in x.plugin_state:
            return
        self._mark(x, headers, preflight=False)
        if self._exposed:
            headers.set(b"Access-Control-Expose-Headers", self._exposed)

    def _mark(self, x: Exchange, headers: Headers, *, preflight: bool) -> None:
        """Says which origin may read the answer, and whether with credentials."""
        origin = x.headers.get(b"origin")
        anyone = self._mark_origin(origin, headers, preflight=preflight)
        if not self._credentials:
            return
        if anyone:
            if origin is None:
                return
            _vary(headers, preflight=preflight)
            headers.set(b"Access-Control-Allow-Origin", origin)
        headers.set(b"Access-Control-Allow-Credentials", b"true")

    def _mark_origin(self, origin: bytes | None, headers: Headers, *, preflight: bool) -> bool:
        if not self._origins or self._origins == ["*"]:
            headers.set(b"Access-Control-Allow-Origin", b"*")
            return True
        _vary(headers, preflight=preflight)
        if len(self._origins) == 1 and _PLAIN.fullmatch(self._origins[0]):
            headers.set(b"Access-Control-Allow-Origin", self._origins[0].encode())
            return False
        if origin is not None:
            if "*" in self._origins:
                headers.set(b"Access-Control-Allow-Origin", b"*")
                return True
            domain, host = _normalise(origin.decode("latin-1"))
            if any(allowed.covers(domain, host) for allowed in self._allowed):
                headers.set(b"Access-Control-Allow-Origin", domain.encode("latin-1"))
                return False
        headers.remove(b"access-control-allow-origin")
        return False


def _vary(headers: Headers, *, preflight: bool) -> None:
    if preflight:
        headers.set(b"vary", b"Origin")
    else:
        headers.add(b"vary", b"Origin")


@dataclass(frozen=True, slots=True)
class _Allowed:
    """One entry of `origins`: a domain, or an expression over the domain or only its host."""

    domain: str
    expression: re.Pattern[str] | None
    by_host: bool

    @classmethod
    def of(cls, entry: str) -> "_Allowed":
        if _PLAIN.fullmatch(entry) or entry == "*":
            return cls(_normalise(entry)[0], None, ":" not in entry)
        source = entry.removeprefix("^")
        source = source[:-1] if source.endswith("$") else source
        return cls("", re.compile(source + r"\Z"), ":" not in entry)

    def covers(self, domain: str, host: str) -> bool:
        if self.expression is None:
            return domain == self.domain
        return self.expression.match(host if self.by_host else domain) is not None


@lru_cache(maxsize=1000)
def _normalise(origin: str) -> tuple[str, str]:
    """(scheme://host[:port] without the scheme's own port, host); an origin without a host is both itself."""
    try:
        url = urlsplit(origin)
        host_port = url.netloc.rpartition("@")[2]
    except ValueError:
        return origin, origin
    if not host_port:
        return origin, origin
    host, _, port = host_port.partition(":")
    scheme = url.scheme
    shown = f":{port}" if port and (scheme, port) not in _DEFAULT_PORTS else ""
    return f"{scheme}://{host}{shown}" if scheme else f"{host}{shown}", host
