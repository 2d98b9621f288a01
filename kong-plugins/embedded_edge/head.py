"""What nginx under Kong refuses of a request before it looks for a route, and how it reads the target."""

from dataclasses import dataclass

import httptools

from embedded_edge.hosts import is_host
from embedded_edge.uri import is_valid

# nginx's large_client_header_buffers (4 of 8k), which Kong leaves as they are.
MAX_LINE = 8192
MAX_HEAD = 4 * 8192 - 512

Refusal = tuple[int, str]  # status and message

BAD_REQUEST: Refusal = (400, "Bad request")
TOO_LARGE: Refusal = (494, "Request header or cookie too large")
URI_TOO_LONG: Refusal = (414, "URI too long")
_NOT_ALLOWED: Refusal = (405, "Method not allowed")
_VERSION: Refusal = (505, "HTTP Version Not Supported")
_NOT_IMPLEMENTED: Refusal = (501, "Not Implemented")

# nginx refuses a second one of these.
_SINGLE = frozenset(
    {
        b"host", b"authorization", b"content-length", b"content-range", b"transfer-encoding", b"expect",
        b"if-modified-since", b"if-unmodified-since", b"if-match", b"if-none-match", b"if-range",
    }
)  # fmt: skip


class RefusedError(Exception):
    """HTTP forbids this request."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


def check(method: bytes, version: str, headers: list[tuple[bytes, bytes]]) -> None:
    """RefusedError for what is refused whatever it asks for. Names are in lower case."""
    if version not in ("1.0", "1.1"):
        raise RefusedError(_VERSION)
    if method == b"TRACE":
        raise RefusedError(_NOT_ALLOWED)
    names = [name for name, _ in headers]
    for name in _SINGLE.intersection(names):
        if names.count(name) > 1:
            raise RefusedError(BAD_REQUEST)
    if b"host" not in names and version != "1.0":
        raise RefusedError(BAD_REQUEST)
    for name, value in headers:
        if name == b"host" and not is_host(value):
            raise RefusedError(BAD_REQUEST)
        if name == b"transfer-encoding" and value.lower() != b"chunked":
            raise RefusedError(_NOT_IMPLEMENTED)


@dataclass(frozen=True, slots=True)
class Target:
    """Path and query as sent, the whole of both, and the host of an absolute target."""

    path: bytes
    query: bytes
    whole: bytes
    host: bytes | None


def read_target(sent: bytes) -> Target:
    """RefusedError for what nginx takes for no target. `#` belongs to the path, and ends the query."""
    host = None
    if not sent.startswith(b"/"):
        sent, host = _origin_form(sent)
    path, _, query = sent.partition(b"?")
    if b"#" in sent:
        query = b"" if b"#" in path else query.partition(b"#")[0]
        sent = path + b"?" + query if query else path
    if not is_valid(path.partition(b"#")[0].decode("latin-1")):
        raise RefusedError(BAD_REQUEST)
    return Target(path, query, sent, host)


def _origin_form(target: bytes) -> tuple[bytes, bytes]:
    """Of `http://host/path?query` what follows the host, and the host, which stands in for the Host field."""
    try:
        url = httptools.parse_url(target)
    except httptools.HttpParserInvalidURLError:
        raise RefusedError(BAD_REQUEST) from None
    if not url.host:
        raise RefusedError(BAD_REQUEST)
    return (url.path or b"/") + (b"?" + url.query if url.query else b""), url.host
