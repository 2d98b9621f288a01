"""The signed tag: what the edge found out about a request, in a form that only the edge can write.

A compact JWS (HS256) in the header `X-Gateway-Tag`, bound to method, target and body, good for LIFETIME_S. It
is written out here because a request pays for it twice: `hmac` and `orjson` need a third of the time that
PyJWT needs. A test proves that PyJWT reads what this writes and the other way round.

Whether a `jti` was seen before is for the one who accepts the tag to check; this module keeps no state.
"""

from __future__ import annotations

import binascii
import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from compliance.classes import ComplianceClass
from compliance.tag_keys import TagKeys

__all__ = [
    "HEADER",
    "LIFETIME_S",
    "MAX_TOKEN_CHARS",
    "SKEW_S",
    "Tag",
    "TagError",
    "TagKeys",
    "sign",
    "verify",
]

HEADER: Final = "X-Gateway-Tag"
LIFETIME_S: Final = 30
SKEW_S: Final = 5
"""How far the clocks of the edge and of the backend may be apart."""
MAX_TOKEN_CHARS: Final = 64 * 1024

_TYPE: Final = "portcullis-tag+jwt"

Reason = Literal[
    "missing",
    "malformed",
    "unknown-key",
    "bad-signature",
    "expired",
    "other-method",
    "other-target",
    "other-body",
]


@dataclass(frozen=True, slots=True)
class Tag:
    """What a verified tag says. `compliance` is a lower bound: token floor, hint and content joined.

    `rules` are the ids of the detectors that raised the class, plus "token-floor", "hint" and "unscannable"
    where those did. `models` is an allow-list of patterns, None when the token names none. `target` is the
    raw path with query, `body_sha256` lower-case hex, `expires_at` epoch seconds.
    """

    tenant: str
    subject: str
    tier: str | None
    project: str | None
    models: tuple[str, ...] | None
    scopes: tuple[str, ...]
    compliance: ComplianceClass
    rules: tuple[str, ...]
    rules_revision: str
    method: str
    target: str
    body_sha256: str
    jti: str = ""
    expires_at: int = 0


class TagError(Exception):
    """A tag that does not hold for this request. `reason` is stable; the message is for people, no
    content."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason


def sign(tag: Tag, keys: TagKeys, now: float) -> str:
    """The tag as a compact JWS under the current key.

    `now` is epoch seconds. The tag's own `jti` and `expires_at` are not read: every signing draws a new
    `jti` (128 random bits) and expires LIFETIME_S after `now`. Raises TypeError for text that JSON cannot
    hold (lone surrogates).
    """
    issued_at = int(now)
    residency = tag.compliance.residency
    claims = {
        "tenant": tag.tenant,
        "sub": tag.subject,
        "tier": tag.tier,
        "project": tag.project,
        "models": tag.models,
        "scopes": tag.scopes,
        "class": sorted(tag.compliance.categories),
        "residency": None if residency is None else sorted(residency),
        "rules": tag.rules,
        "rev": tag.rules_revision,
        "method": tag.method,
        "target": tag.target,
        "body": tag.body_sha256,
        "iat": issued_at,
        "exp": issued_at + LIFETIME_S,
        "jti": os.urandom(16).hex(),
    }
    header = {"alg": "HS256", "kid": keys.current, "typ": _TYPE}
    signed = _encode(orjson.dumps(header)) + b"." + _encode(orjson.dumps(claims))
    return (signed + b"." + _signature(signed, keys.secrets[keys.current])).decode("ascii")


def verify(token: str, keys: TagKeys, *, now: float, method: str, target: str, body_sha256: str) -> Tag:
    """The tag that `token` holds, if it is ours, in time, and over this very request; TagError otherwise.

    The algorithm is fixed: a header that names another one is malformed, whatever its signature.
    """
    if not token:
        raise TagError("missing", "the request carries no tag")
    tag, issued_at = _read(_authentic_claims(token, keys))
    if now > tag.expires_at + SKEW_S:
        raise TagError("expired", f"the tag expired {now - tag.expires_at:.0f} s ago")
    if issued_at > now + SKEW_S:
        raise TagError(
            "expired", f"the tag is from {issued_at - now:.0f} s in the future: compare the clocks"
        )
    if tag.method != method:
        raise TagError("other-method", "the tag was signed for another method")
    if tag.target != target:
        raise TagError("other-target", "the tag was signed for another path or query")
    if tag.body_sha256 != body_sha256:
        raise TagError("other-body", "the tag was signed for another body")
    return tag


def _authentic_claims(token: str, keys: TagKeys) -> dict[str, Any]:
    """The claims of a token whose signature one of the keys made."""
    if len(token) > MAX_TOKEN_CHARS or not token.isascii() or token.count(".") != 2:
        raise TagError("malformed", "the tag is not a compact JWS")
    signed, _, signature = token.encode("ascii").rpartition(b".")
    header_part, _, claims_part = signed.partition(b".")
    header = _decode(header_part)
    if header.get("alg") != "HS256" or header.get("typ") != _TYPE:
        raise TagError("malformed", "the tag's header is not ours")
    kid = header.get("kid")
    secret = keys.secrets.get(kid) if isinstance(kid, str) else None
    if secret is None:
        raise TagError("unknown-key", "the tag was signed with a key that is not (or no longer) known here")
    # Compared in its encoded form: only the one canonical spelling of a signature is accepted.
    if not hmac.compare_digest(_signature(signed, secret), signature):
        raise TagError("bad-signature", "the tag's signature does not match")
    return _decode(claims_part)


def _read(claims: dict[str, Any]) -> tuple[Tag, int]:
    """The tag and the time of issue, out of claims that are known to be signed by us."""
    try:
        models, residency = claims["models"], claims["residency"]
        issued_at, expires_at = int(claims["iat"]), int(claims["exp"])
        tag = Tag(
            tenant=claims["tenant"],
            subject=claims["sub"],
            tier=claims["tier"],
            project=claims["project"],
            models=None if models is None else tuple(models),
            scopes=tuple(claims["scopes"]),
            compliance=ComplianceClass(
                frozenset(claims["class"]), None if residency is None else frozenset(residency)
            ),
            rules=tuple(claims["rules"]),
            rules_revision=claims["rev"],
            method=claims["method"],
            target=claims["target"],
            body_sha256=claims["body"],
            jti=claims["jti"],
            expires_at=expires_at,
        )
    except (KeyError, TypeError, ValueError):
        raise TagError("malformed", "the tag's claims are not ours") from None
    if not tag.jti or expires_at - issued_at > LIFETIME_S:
        raise TagError("malformed", "the tag's claims are not ours")
    return tag, issued_at


def _signature(signed: bytes, secret: bytes) -> bytes:
    return _encode(hmac.digest(secret, signed, "sha256"))


def _encode(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def _decode(part: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    except (binascii.Error, ValueError):
        raise TagError("malformed", "the tag is not a compact JWS") from None
    if not isinstance(value, dict):
        raise TagError("malformed", "the tag is not a compact JWS")
    return value
