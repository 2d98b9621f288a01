"""The answers that Kong gives by itself: bodies, and the form a client asked for.

After kong/tools/http.lua, kong/pdk/response.lua and kong/error_handlers.lua of 3.9.3.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from embedded_edge.exchange import Answer, Exchange

_JSON = "application/json; charset=utf-8"
_HTML = "text/html; charset=utf-8"
_PLAIN = "text/plain; charset=utf-8"
_XML = "application/xml; charset=utf-8"

_TYPES = {
    "text/html": _HTML,
    "application/json": _JSON,
    "text/plain": _PLAIN,
    "application/xml": _XML,
    "application/grpc": _JSON,
    "application/*": _JSON,
    "text/*": _PLAIN,
    "*/*": _JSON,
}

_TEMPLATES = {
    _JSON: '{{\n  "message":"{0}",\n  "request_id":"{1}"\n}}',
    _PLAIN: "{0}\nrequest_id: {1}\n",
    _XML: (
        '<?xml version="1.0" encoding="UTF-8"?>\n<error>\n  <message>{0}</message>\n'
        "  <requestid>{1}</requestid>\n</error>\n"
    ),
    _HTML: (
        '<!doctype html>\n<html>\n  <head>\n    <meta charset="utf-8">\n    <title>Error</title>\n  </head>\n'
        "  <body>\n    <h1>Error</h1>\n    <p>{0}.</p>\n    <p>request_id: {1}</p>\n  </body>\n</html>\n"
    ),
}

_MEDIA_RANGE = re.compile(
    r"((?:[a-z0-9][a-z0-9!#$&^_+.-]+|\*)/(?:[a-z0-9][a-z0-9!#$&^_+.-]+|\*))"
    r"(?:\s*;\s*q=(1(?:\.0{0,3})?|0(?:\.\d{0,3})?)|\s*;\s*[a-z0-9][a-z0-9!#$&^_+.-]+(?:=[^;]*)?)*",
    re.IGNORECASE,
)

BAD_GATEWAY = "An invalid response was received from the upstream server"
TIMED_OUT = "The upstream server is timing out"
UNEXPECTED = "An unexpected error occurred"


def response_type(accept: str | None) -> str:
    """The content type of an error for a client that accepts `accept`: the best known one, else JSON."""
    best, chosen = 0.0, _JSON
    for value in (accept or "").split(","):
        found = _MEDIA_RANGE.match(value.strip())
        if found:
            quality = float(found[2]) if found[2] else 1.0
            if quality > best:
                best, chosen = quality, _TYPES.get(found[1], _JSON)
    return chosen


def kong_error(
    x: Exchange, status: int, message: str, headers: list[tuple[bytes, bytes]] | None = None
) -> Answer:
    """`kong.response.error`: in the form that Accept asks for, JSON by default, with the request id."""
    accept = x.headers.values(b"accept")
    content_type = response_type(b",".join(accept).decode("latin-1") if accept else None)
    return _error(x, status, message, content_type, headers or [])


def gateway_error(x: Exchange, status: int, message: str) -> Answer:
    """nginx's error page as Kong writes it: Accept, else the request's Content-Type, else plain text."""
    wanted = x.headers.get(b"accept") or x.headers.get(b"content-type") or b"text/plain"
    return _error(x, status, message, response_type(wanted.decode("latin-1")), [])


def _error(x: Exchange, status: int, message: str, kind: str, headers: list[tuple[bytes, bytes]]) -> Answer:
    body = _TEMPLATES[kind].format(message, x.request_id).encode()
    return Answer(status, body, [(b"Content-Type", kind.encode()), *headers])


def exit_with(status: int, body: Any, headers: Mapping[str, Any] | None = None) -> Answer:
    """`kong.response.exit`: a table becomes JSON as Kong writes it; bytes and text go as they are."""
    pairs = [(name.encode("latin-1"), value) for name, value in _flat(headers or {})]
    if body is None:
        return Answer(status, b"", pairs)
    if isinstance(body, bytes):
        return Answer(status, body, pairs)
    if isinstance(body, str):
        return Answer(status, body.encode("utf-8", "surrogateescape"), pairs)
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False).replace("/", "\\/")
    return Answer(
        status, text.encode("utf-8", "surrogateescape"), [(b"Content-Type", _JSON.encode()), *pairs]
    )


def _flat(headers: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    flat = []
    for name, value in headers.items():
        items = value if isinstance(value, (list, tuple)) else [value]
        flat += [(name, header_text(item)) for item in items]
    return flat


def header_text(value: Any) -> bytes:
    """A header value as Kong writes it; ValueError if it holds what would end the header."""
    text = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
    if b"\n" in text or b"\r" in text or b"\0" in text:
        raise ValueError("a header value may not hold a line break")
    return text


_PAGES = {
    301: "301 Moved Permanently",
    302: "302 Found",
    307: "307 Temporary Redirect",
    308: "308 Permanent Redirect",
    505: "505 HTTP Version Not Supported",
    501: "501 Not Implemented",
}


def nginx_page(status: int, headers: list[tuple[bytes, bytes]]) -> Answer:
    """nginx's own page, for the statuses that Kong leaves to it."""
    title = _PAGES[status]
    body = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "</body>\r\n</html>\r\n"
    )
    kind = b"text/html" if status in (301, 302) else b"text/html; charset=UTF-8"
    return Answer(status, body.encode(), [(b"Content-Type", kind), *headers], from_nginx=True)
