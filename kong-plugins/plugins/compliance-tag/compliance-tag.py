"""compliance-tag: tell who asks for what and how sensitive it is, and sign it for the backend.

A shell around the package `compliance`, which has to be importable. It runs under Kong's Python plugin
server and in the embedded edge. Four PDK calls when all is well; on any error the request is refused, never
passed on untagged.

Stands at 905: after rate-limiting (910), so that a 429 costs no scan, and before request-transformer
(801), which could take its headers away.
"""

from __future__ import annotations

import hashlib
import time
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Any, Final
from urllib.parse import quote

from compliance.assess import Assessment, assess
from compliance.claims import ClaimsError, read_claims
from compliance.classes import parse_categories
from compliance.detectors import RULES_REVISION
from compliance.tag import HEADER, Tag, sign
from compliance.tag_keys import TagKeysError, TagKeysFile
from pluginserver.waiting import result_of

# kong-pdk reads these names; the other spelling is the embedded edge's.
version = Version = "0.1.0"
priority = Priority = 905
Schema = (
    {"tag_keys_file": {"type": "string", "required": True}},
    {"unscannable": {"type": "string", "default": "internal"}},
)

MAX_HEADERS: Final = 1000
"""Kong reads no more; a request with as many may hide one behind them."""
MAX_BODY_BYTES: Final = 20 * 1024 * 1024
LARGE_BODY_BYTES: Final = 256 * 1024
"""Larger bodies are hashed and scanned in the pool, so that one of them holds up no other request."""
POOL_THREADS: Final = 2
MAX_IN_POOL: Final = 32
POOL_DEADLINE_S: Final = 10.0

_pool = ThreadPoolExecutor(POOL_THREADS, thread_name_prefix="compliance-tag")
_places = BoundedSemaphore(MAX_IN_POOL)


class Refused(Exception):
    """The request is at fault: a status and a message for its sender."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Plugin:
    """One instance a configuration; `access` may run in several threads at once."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._keys_file = TagKeysFile(config["tag_keys_file"])
        self._unscannable = parse_categories(config.get("unscannable") or "internal")

    def access(self, kong: Any) -> None:
        """Tag the request, or answer it. Nothing is called after the answer: Kong would never reply."""
        try:
            self._tag(kong)
        except Refused as refusal:
            kong.response.exit(refusal.status, {"message": str(refusal)})
        except Exception as error:
            _fail(kong, error)
        except (SystemExit, KeyboardInterrupt) as error:
            # Whoever asks the process to end gets that, but the request is not let through meanwhile.
            _fail(kong, error)
            raise

    def _tag(self, kong: Any) -> None:
        keys = self._keys_file.keys(time.monotonic())
        headers = _Headers(_result(kong.request.get_headers(MAX_HEADERS)))
        token = _token(_result(kong.ctx.shared.get("authenticated_jwt_token")))
        body = _body(_result(kong.request.get_raw_body(MAX_BODY_BYTES)))
        tag = self._read(headers, token, body)
        outgoing = {HEADER: sign(tag, keys, time.time()), "X-Gateway-Subject": _header_safe(tag.subject)}
        if tag.tier is not None:
            outgoing["x-user-tier"] = _header_safe(tag.tier)
        _result(kong.service.request.set_headers(outgoing))

    def _read(self, headers: _Headers, token: str, body: bytes) -> Tag:
        """The tag that this request deserves; Refused if it must not have one."""
        method, target = _method_and_target(headers)
        tenant = headers.only("x-consumer-username")
        if any(coding.strip().lower() not in ("", "identity") for coding in headers.all("content-encoding")):
            raise Refused(415, "Content-Encoding is not supported: send the body as it is")
        try:
            claims = read_claims(token)
        except ClaimsError as error:
            raise Refused(401, f"Invalid token: {error}") from None
        found, digest = _looked_through(
            body,
            ", ".join(headers.all("content-type")) or None,
            floor=claims.floor,
            hint=_hint(headers),
            unscannable=self._unscannable,
        )
        return Tag(
            tenant=tenant,
            subject=claims.subject or tenant,
            tier=claims.tier,
            project=claims.project,
            models=claims.models,
            scopes=claims.scopes,
            compliance=found.compliance,
            rules=found.rules,
            rules_revision=RULES_REVISION,
            method=method,
            target=target,
            body_sha256=digest,
        )


def _looked_through(body: bytes, content_type: str | None, **known: Any) -> tuple[Assessment, str]:
    """What the body holds, and its SHA-256: a small one's at once, a large one's by the pool."""
    if len(body) <= LARGE_BODY_BYTES:
        return _look_through(body, content_type, known)
    if not _places.acquire(blocking=False):
        raise Refused(503, "Too many large requests at once. Try again later.")
    try:
        work = _pool.submit(_look_through, body, content_type, known)
    except BaseException:
        _places.release()
        raise
    work.add_done_callback(lambda _: _places.release())
    return result_of(work, POOL_DEADLINE_S)


def _look_through(body: bytes, content_type: str | None, known: Mapping[str, Any]) -> tuple[Assessment, str]:
    return assess(body, content_type, **known), hashlib.sha256(body).hexdigest()


class _Headers:
    """Request headers by lower-case name, each with all its values; Refused when there are too many to be
    sure."""

    def __init__(self, headers: Mapping[str, Any]) -> None:
        self._values = {
            name.lower(): list(value) if isinstance(value, (list, tuple)) else [value]
            for name, value in headers.items()
        }
        if sum(map(len, self._values.values())) >= MAX_HEADERS:
            raise Refused(400, f"Too many headers: expected fewer than {MAX_HEADERS}")

    def all(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def only(self, name: str) -> str:
        """The one value of a header that the chain before this plugin has set."""
        values = self.all(name)
        if len(values) != 1 or not values[0]:
            raise LookupError(f"{name}: expected one value, got {len(values)}")
        return values[0]


def _method_and_target(headers: _Headers) -> tuple[str, str]:
    method, _, target = headers.only("x-gateway-target").partition(" ")
    if not target.isascii():
        raise Refused(400, "The path and the query must be ASCII: percent-encode the rest")
    if not method or not target.startswith("/"):
        raise LookupError("x-gateway-target: expected a method and a path")
    return method, target


def _hint(headers: _Headers) -> frozenset[str]:
    try:
        return frozenset().union(*map(parse_categories, headers.all("x-data-class")))
    except ValueError as error:
        raise Refused(400, f"X-Data-Class: {error}") from None


def _token(value: Any) -> str:
    """The token that Kong verified. A table holds several when the request carried several: then it is
    refused."""
    tokens = list(value.values()) if isinstance(value, Mapping) else value
    if isinstance(tokens, list):
        if len(tokens) > 1:
            raise Refused(401, "Multiple tokens provided")
        value = tokens[0] if tokens else None
    if isinstance(value, bytes):
        value = value.decode("ascii")
    if not value or not isinstance(value, str):
        raise Refused(401, "Unauthorized")
    return value


def _body(value: Any) -> bytes:
    """Kong gives nothing at all when it could not read the body; an empty one is empty text."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if not isinstance(value, bytes):
        raise TypeError("the body could not be read")
    return value


def _result(answer: Any) -> Any:
    """What a PDK call gave: with kong-pdk's Lua-style results, a pair of value and error."""
    if not isinstance(answer, tuple):
        return answer
    value, error = answer
    if error:
        raise RuntimeError("a PDK call failed")
    return value


def _header_safe(text: str) -> str:
    """Printable ASCII as it is, the rest percent-encoded: a claim may hold a line break."""
    return quote(text, safe="!#$&'()*+,/:;=?@[]^`{|}~ <>\"\\-._")


def _fail(kong: Any, error: BaseException) -> None:
    """Log what broke, without a word of the request, and refuse the request in any case."""
    try:
        kong.log.err("compliance-tag: ", _description(error))
    finally:
        kong.response.exit(503, {"message": "The request could not be checked. Try again later."})


def _description(error: BaseException) -> str:
    """Type and places. The message only where it is known to hold no content: others may quote the
    request."""
    if isinstance(error, TagKeysError):
        return str(error)
    places = "; ".join(
        f"{frame.filename}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    )
    return f"{type(error).__name__} at {places}"
