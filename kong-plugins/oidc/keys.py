"""The public keys that an issuer publishes (a JWK Set, RFC 7517), and which of them may check what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

MAX_KEYS: Final = 64
MIN_RSA_BITS: Final = 2048

_RSA: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_FITTING: Final[Mapping[tuple[str, str | None], frozenset[str]]] = {
    ("RSA", None): _RSA,
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("EC", "P-521"): frozenset({"ES512"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA"}),
    ("OKP", "Ed448"): frozenset({"EdDSA"}),
}
"""By key type and curve. Nothing symmetric is in it, so a published "oct" key is never used."""


class KeysError(ValueError):
    """What the issuer sent is no set of keys. The message quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key and the algorithms that may be used with it."""

    kid: str | None
    algorithms: frozenset[str]
    public: Any


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys of an issuer at one time. `content` tells two sets apart."""

    keys: tuple[Key, ...]
    content: bytes

    def knows(self, kid: str | None) -> bool:
        return any(key.kid == kid for key in self.keys) if kid is not None else bool(self.keys)

    def fitting(self, kid: str | None, algorithm: str) -> tuple[Key, ...]:
        """The keys that may have signed. A token without `kid` is good only where one key comes into question
        (RFC 7515, section 4.1.4, leaves it to us): else a stranger could have every key tried."""
        found = tuple(
            key for key in self.keys if algorithm in key.algorithms and (kid is None or key.kid == kid)
        )
        return found if kid is not None or len(found) == 1 else ()


def read_key_set(content: bytes) -> KeySet:
    """A JWK Set. Keys that cannot check signatures are left out; KeysError if it is no set at all."""
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise KeysError("not JSON") from None
    rows = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise KeysError('no list "keys"')
    if len(rows) > MAX_KEYS:
        raise KeysError(f"{len(rows)} keys, more than {MAX_KEYS}")
    keys = (_read_key(row) for row in rows if isinstance(row, dict))
    return KeySet(tuple(key for key in keys if key is not None), content)


def _read_key(row: dict[str, Any]) -> Key | None:
    """None for a key that is not ours to use: of another kind, for encryption, private, weak or broken."""
    algorithms, kid = _algorithms(row), row.get("kid")
    if not algorithms or not isinstance(kid, str | None) or not _is_for_verifying(row):
        return None
    try:
        public = jwt.PyJWK(row, algorithm=min(algorithms)).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    if isinstance(public, RSAPublicKey) and public.key_size < MIN_RSA_BITS:
        return None
    return Key(kid, algorithms, public)


def _algorithms(row: dict[str, Any]) -> frozenset[str]:
    """Those that fit the kind of key, or the one of them that the key itself names."""
    kind, curve, named = row.get("kty"), row.get("crv"), row.get("alg")
    if not isinstance(kind, str) or not isinstance(curve, str | None):
        return frozenset()
    fitting = _FITTING.get((kind, None if kind == "RSA" else curve), frozenset())
    if named is None:
        return fitting
    return fitting & {named} if isinstance(named, str) else frozenset()


def _is_for_verifying(row: dict[str, Any]) -> bool:
    operations = row.get("key_ops")
    allowed = not isinstance(operations, list) or "verify" in operations
    return allowed and row.get("use", "sig") == "sig" and "d" not in row
