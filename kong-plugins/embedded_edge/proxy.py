"""What Kong adds and takes away between client and upstream, in nginx's order (kong/runloop/handler.lua)."""

import time
from email.utils import formatdate

from embedded_edge.exchange import Answer, Exchange
from embedded_edge.headers import Headers, Pair
from embedded_edge.uri import escape, normalise, upstream_path

KONG = b"kong/3.9.3"
_VIA = b"1.1 " + KONG

# Never passed up as the client sent them: nginx writes them itself, or they end at each hop.
_NOT_UP = frozenset(
    {
        b"te", b"via", b"host", b"upgrade", b"connection", b"keep-alive", b"expect", b"proxy",
        b"proxy-connection", b"content-length", b"transfer-encoding", b"x-real-ip", b"x-kong-request-id",
        b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port",
        b"x-forwarded-path", b"x-forwarded-prefix",
    }
)  # fmt: skip

# Never passed down: they end at each hop, stand elsewhere, or are orders to nginx.
_NOT_DOWN = frozenset(
    {
        b"content-type", b"content-length", b"last-modified", b"transfer-encoding", b"connection",
        b"keep-alive", b"x-accel-expires", b"x-accel-redirect", b"x-accel-limit-rate",
        b"x-accel-buffering", b"x-accel-charset", b"x-pad", b"status",
    }
)  # fmt: skip

_PLAIN_CONNECTION = (None, b"keep-alive", b"close", b"upgrade")


def upstream_target(x: Exchange) -> bytes:
    """The request target asked of the upstream of the matched route."""
    assert x.match is not None
    route = x.match.route
    assert route.service is not None
    path, mark, query = x.target.decode("latin-1").partition("?")
    if x.upstream_query is not None:
        query = x.upstream_query.decode("latin-1")
        mark = "?" if query else ""
    if x.upstream_path is not None:
        return (x.upstream_path + mark + query).encode("latin-1")
    asked = upstream_path(normalise(path), x.match.prefix, route.strip_path, route.service.path)
    return (escape(asked) + mark + query).encode("latin-1")


def upstream_headers(x: Exchange, host: bytes) -> list[Pair]:
    """The header fields for the upstream: Kong's own first, then the client's as the plugins left them.

    `host` is the upstream's own name, used unless the route preserves the client's.
    """
    assert x.match is not None
    route, sent = x.match.route, x.headers
    out: list[Pair] = []
    if _asks_for_trailers(sent.get(b"te")):
        out.append((b"TE", b"trailers"))
    version = b"1" if x.http_version == "1.0" else x.http_version.encode()
    via, upgrade, passed = _as_sent(x)
    inbound = version + b" " + KONG
    out.append((b"Via", via + b", " + inbound if via else inbound))
    own = x.host if route.preserve_host and x.host else host
    out.append((b"Host", x.upstream_host or own))
    if upgrade is not None and upgrade.lower() == b"websocket":
        out.append((b"Upgrade", b"websocket"))
        out.append((b"Connection", b"keep-alive, Upgrade"))
    else:
        out.append((b"Connection", b"keep-alive"))
    address = x.client_ip.encode()
    out.append((b"X-Forwarded-For", passed + b", " + address if passed else address))
    out.append((b"X-Forwarded-Proto", x.scheme.encode()))
    out.append((b"X-Forwarded-Host", x.forwarded_host))
    out.append((b"X-Forwarded-Port", str(x.server_port).encode()))
    out.append((b"X-Forwarded-Path", x.target.partition(b"?")[0]))
    if x.match.prefix not in (None, "/"):
        out.append((b"X-Forwarded-Prefix", str(x.match.prefix).encode("latin-1")))
    out.append((b"X-Real-IP", address))
    out.append((b"X-Kong-Request-Id", x.request_id.encode()))
    if x.has_body:
        out.append((b"Content-Length", str(len(x.body or b"")).encode()))
    dropped = _NOT_UP
    connection = sent.get(b"connection")
    if connection not in _PLAIN_CONNECTION:
        dropped = dropped | _tokens(connection)
    out.extend((name, value) for lower, name, value in sent.fields if lower not in dropped)
    return out


def _as_sent(x: Exchange) -> tuple[bytes | None, bytes | None, bytes | None]:
    """Via, Upgrade and X-Forwarded-For of the client: Kong reads them before the plugins."""
    via = upgrade = passed = None
    for name, value in x.scope["headers"]:
        if name == b"via":
            via = via or value
        elif name == b"upgrade":
            upgrade = upgrade or value
        elif name == b"x-forwarded-for":
            passed = passed or value
    return via, upgrade, passed


def _asks_for_trailers(te: bytes | None) -> bool:
    return te is not None and b"trailers" in _tokens(te)


def _tokens(value: bytes | None) -> frozenset[bytes]:
    return frozenset(token.strip().lower() for token in (value or b"").split(b","))


def proxied_head(x: Exchange, status: int, upstream: list[Pair]) -> tuple[list[Pair], Headers]:
    """What nginx writes first of an upstream's answer, and the rest, still open to header filters."""
    first: list[Pair] = []
    rest = Headers(list(x.response_headers.fields))
    named = [(name.lower(), name, value) for name, value in upstream]
    lookup = {lower: value for lower, _, value in named}
    if b"content-type" in lookup:
        first.append((b"Content-Type", lookup[b"content-type"]))
    length = lookup.get(b"content-length")
    if length is not None:
        first.append((b"Content-Length", length))
    if b"last-modified" in lookup:
        first.append((b"Last-Modified", lookup[b"last-modified"]))
    bodiless = x.method == "HEAD" or status in (204, 304)
    if length is None and not bodiless and x.http_version != "1.0":
        first.append((b"Transfer-Encoding", b"chunked"))
    dropped = _NOT_DOWN
    connection = lookup.get(b"connection")
    if connection not in _PLAIN_CONNECTION:
        dropped = dropped | (_tokens(connection) - {b"close", b"upgrade", b"keep-alive"})
    if (lookup.get(b"upgrade") or b"").lower() != (x.headers.get(b"upgrade") or b"").lower():
        dropped = dropped | {b"upgrade"}
    if b"trailer" in lookup and not _asks_for_trailers(x.headers.get(b"te")):
        dropped = dropped | {b"trailer"}
    rest.fields.extend(field for field in named if field[0] not in dropped)
    if b"server" not in lookup:
        rest.add(b"Server", KONG)
    return first, rest


def finish_proxied(x: Exchange, rest: Headers) -> None:
    """Kong's fields on an answer that came, or should have come, from the upstream."""
    rest.set(b"X-Kong-Upstream-Latency", str(x.upstream_ms or 0).encode())
    rest.set(b"X-Kong-Proxy-Latency", str(x.own_ms).encode())
    via = rest.get(b"via")
    rest.set(b"Via", via + b", " + _VIA if via else _VIA)
    if rest.get(b"server") is None:
        rest.add(b"Server", KONG)
    rest.set(b"X-Kong-Request-Id", x.request_id.encode())


def own_head(x: Exchange, answer: Answer) -> tuple[list[Pair], Headers]:
    """What nginx writes first of the edge's own answer, and the rest, still open to header filters."""
    first: list[Pair] = [(b"Date", http_date())]
    rest = Headers(list(x.response_headers.fields))
    length = str(len(answer.body)).encode()
    for name, value in answer.headers:
        if name.lower() == b"content-type":
            first.append((b"Content-Type", value))
        elif name.lower() != b"content-length":
            rest.add(name, value)
    if answer.from_nginx:
        first.append((b"Content-Length", length))
    else:
        rest.add(b"Content-Length", length)
    return first, rest


def finish_own(x: Exchange, rest: Headers) -> None:
    """Kong's fields on an answer of its own."""
    latency = int((time.monotonic() - x.started) * 1000)
    rest.set(b"X-Kong-Response-Latency", str(latency).encode())
    rest.set(b"Server", KONG)
    rest.set(b"X-Kong-Request-Id", x.request_id.encode())


_date: tuple[int, bytes] = (0, b"")


def http_date() -> bytes:
    """Now, as in the Date field; made once a second."""
    global _date  # noqa: PLW0603 - a cache of one value
    now = int(time.time())
    if _date[0] != now:
        _date = (now, formatdate(now, usegmt=True).encode())
    return _date[1]
