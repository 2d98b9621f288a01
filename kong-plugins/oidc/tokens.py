"""What makes a token good. Pure: the keys come from whoever calls."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import jwt
import orjson

from oidc.keys import Key
from oidc.settings import Issuer

MAX_TOKEN_BYTES: Final = 16 * 1024
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})
"""Issuers sign other things with the same keys, such as `logout+jwt`, and say so (RFC 8725, section 3.11)."""


class TokenError(Exception):
    """The token is not good. The message is one of ours and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a token says of itself; not verified, good only to find a key by."""

    issuer: str
    algorithm: str
    kid: str | None


def claimed(token: str) -> Claimed:
    """What the token claims. TokenError if it is none that could be verified."""
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenError("too long")
    parts = token.split(".")
    if len(parts) != 3 or not all(parts):
        raise TokenError("not a signed token")
    header, payload = _json(parts[0]), _json(parts[1])
    issuer, algorithm, kid = payload.get("iss"), header.get("alg"), header.get("kid")
    if not isinstance(issuer, str):
        raise TokenError("no issuer")
    if not isinstance(algorithm, str):
        raise TokenError("no algorithm")
    if not isinstance(kid, str | None):
        raise TokenError("a kid that is no text")
    if "typ" in header and str(header["typ"]).lower() not in _TYPES:
        raise TokenError("a token of another kind")
    return Claimed(issuer, algorithm, kid)


def verify(token: str, keys: Iterable[Key], algorithm: str, issuer: Issuer, leeway_s: float) -> float:
    """When the token expires (epoch s). `algorithm` is one of the issuer's and fits each of `keys`.

    Raises TokenError unless one of the keys has signed it, for one of the issuer's audiences, and it is valid
    now, give or take `leeway_s`.
    """
    problem = "no such key"
    for key in keys:
        try:
            claims = jwt.decode(
                token,
                key.public,
                algorithms=[algorithm],
                audience=list(issuer.audiences),
                issuer=issuer.name,
                leeway=leeway_s,
                options={"require": ["exp", "iss", "aud"]},
            )
            return float(claims["exp"])
        except jwt.InvalidSignatureError:
            problem = "bad signature"
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise TokenError(_reason(error)) from None
    raise TokenError(problem)


_REASONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (jwt.ExpiredSignatureError, "expired"),
    (jwt.ImmatureSignatureError, "not valid yet"),
    (jwt.InvalidAudienceError, "wrong audience"),
    (jwt.MissingRequiredClaimError, "a claim is missing: exp, iss and aud are needed"),
)


def _reason(error: Exception) -> str:
    """In our own words: the library's may quote the token."""
    return next((words for kind, words in _REASONS if isinstance(error, kind)), "not a valid token")


def _json(part: str) -> dict[str, Any]:
    try:
        value = orjson.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError):
        raise TokenError("not a signed token") from None
    if not isinstance(value, dict):
        raise TokenError("not a signed token")
    return value
