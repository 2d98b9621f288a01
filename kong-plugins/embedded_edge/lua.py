"""The Lua texts of configs/kong/kong.yaml and what each means here.

A text is known by its SHA-256: a changed text is an unknown one, and stops the start. The meaning is tested
against the file itself, so that the two cannot drift apart unseen.
"""

import hashlib
import json
import re
from collections.abc import Callable

from embedded_edge.answers import kong_error
from embedded_edge.exchange import Answer, Exchange
from embedded_edge.schema import ConfigError
from embedded_edge.uri import escape, normalise

Function = Callable[[Exchange], None]

MAX_HEADERS = 1000
_NAMES = frozenset({b"x-user-tier", b"x-anonymous-consumer"})
_PREFIXES = (b"x-gateway-", b"x-compliance-", b"x-consumer-", b"x-credential-")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9_-]{1,64}")


def clear_what_is_ours(x: Exchange) -> None:
    """pre-function: drops inbound headers that only the gateway may set, and writes X-Gateway-Target."""
    fields = x.headers.fields
    if any(field[0].startswith(b"x") for field in fields):
        ids = sum(field[0] == b"x-request-id" for field in fields)
        kept = [field for field in fields if not _cleared(field[0], field[2], ids)]
        if len(kept) != len(fields):
            x.headers.fields = kept
    if len(fields) >= MAX_HEADERS:
        x.answer = kong_error(x, 400, "Too many headers")
        return
    x.headers.set(b"X-Gateway-Target", x.method.encode() + b" " + _target(x))


def _target(x: Exchange) -> bytes:
    """What the backend is going to be asked: routes strip no path, and the service has none."""
    path = escape(normalise(x.raw_path.decode("latin-1"))).encode("latin-1")
    return path + b"?" + x.query if x.query else path


def _cleared(lower: bytes, value: bytes, ids: int) -> bool:
    if not lower.startswith(b"x"):
        return False
    plain = lower.replace(b"_", b"-")
    if plain == b"x-request-id":
        return lower != plain or ids != 1 or _REQUEST_ID.fullmatch(value) is None
    return plain in _NAMES or plain.startswith(_PREFIXES)


def _error_body(message: str, kind: str, code: str) -> bytes:
    error = {"message": message, "type": kind, "param": None, "code": code}
    return json.dumps({"error": error}, separators=(",", ":")).encode()


_UNAUTHENTICATED = _error_body(
    "No valid credential. Send a token as Authorization: Bearer <token>.",
    "authentication_error",
    "unauthenticated",
)
_UNTAGGED = _error_body(
    "The request could not be classified, so it was not sent. Try again.",
    "service_unavailable_error",
    "untagged",
)
_JSON = (b"Content-Type", b"application/json; charset=utf-8")


def gate(x: Exchange) -> None:
    """post-function: 401 without a credential, 503 without a tag."""
    if x.credential is None:
        x.answer = Answer(401, _UNAUTHENTICATED, [_JSON, (b"WWW-Authenticate", b"Bearer")])
    elif not x.headers.get(b"x-gateway-tag"):  # absent or empty
        x.answer = Answer(503, _UNTAGGED, [_JSON, (b"Retry-After", b"1")])


KNOWN: dict[str, Function] = {
    "be8188115a09daa52cc17a2505146abaa86e8f342465c90a7045417ae04d896b": clear_what_is_ours,
    "827f1e6c0afba29a9d54f82211f38b46ea1de8e813fb2807592c5af657448200": gate,
}


def fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def known_function(plugin: str, text: str) -> Function:
    """What that text means. ConfigError names the plugin and shows how the unknown text begins."""
    function = KNOWN.get(fingerprint(text))
    if function is None:
        first = next((line.strip() for line in text.splitlines() if line.strip()), "")
        raise ConfigError(
            f"{plugin}: the embedded edge knows only the Lua of configs/kong/kong.yaml, not the text "
            f"that begins {first[:60]!r} (SHA-256 {fingerprint(text)})"
        )
    return function
