"""Signed tokens as Kong reads them (kong/plugins/jwt/jwt_parser.lua): lenient where Kong is, no further."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from embedded_edge.entities import JwtCredential
from embedded_edge.schema import ConfigError

Verify = Callable[[bytes, bytes], bool]  # (what is signed, signature)

_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "256": hashes.SHA256,
    "384": hashes.SHA384,
    "512": hashes.SHA512,
}
_FAMILIES = ("HS", "RS", "ES", "PS")
ALGORITHMS = frozenset({family + size for family in _FAMILIES for size in _HASHES} | {"EdDSA"})
_EC_SIZES = {"256": 64, "384": 96, "512": 132}

_BASE64URL = re.compile(rb"[A-Za-z0-9_-]*")


class BadTokenError(ValueError):
    """The token cannot be read; the message is Kong's."""


@dataclass(frozen=True, slots=True)
class Token:
    """A parsed token, not yet verified. `signed` is the part that the signature covers."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes

    @classmethod
    def parse(cls, raw: bytes) -> "Token":
        """BadTokenError for what Kong calls bad; TypeError for what makes Kong answer 500."""
        parts = raw.split(b".", 2)
        if len(parts) != 3:
            raise BadTokenError("invalid JSON")
        try:
            header, claims = (json.loads(_decode(part)) for part in parts[:2])
        except (ValueError, RecursionError):
            raise BadTokenError("invalid JSON") from None
        if header is None or isinstance(header, (bool, int, float)):
            raise TypeError("the header of the token is no object")
        algorithm = header.get("alg") if isinstance(header, dict) else None
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise BadTokenError("invalid alg")
        if claims is False:
            raise BadTokenError("invalid claims")
        try:
            signature = _decode(parts[2])
        except ValueError:
            raise BadTokenError("invalid signature") from None
        if not isinstance(claims, (dict, list, str)):
            raise TypeError("the claims of the token are no object")
        return cls(header, claims if isinstance(claims, dict) else {}, parts[0] + b"." + parts[1], signature)


def _decode(text: bytes) -> bytes:
    """base64url as nginx decodes it: up to the first `=`, without looking at bits left over."""
    text = text.partition(b"=")[0]
    if not _BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        raise ValueError("not base64url")
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def verifier(row: JwtCredential, *, base64_secret: bool) -> Verify | None:
    """How that credential's tokens are checked; None without a secret or key. ConfigError for a bad one."""
    owner = f"consumer {row.consumer.username!r}: jwt_secrets {row.key!r}"
    if row.algorithm not in ALGORITHMS:
        raise ConfigError(f"{owner}: algorithm {row.algorithm!r} is not known to the embedded edge")
    if row.algorithm.startswith("HS"):
        if not row.secret:
            return None
        try:
            secret = _decode(row.secret.encode()) if base64_secret else row.secret.encode()
        except ValueError:
            raise ConfigError(f"{owner}: the secret is not base64") from None
        return _hmac(secret, f"sha{row.algorithm[2:]}")
    if not row.public_key:
        return None
    try:
        key = load_pem_public_key(row.public_key.encode())
    except ValueError:
        raise ConfigError(f"{owner}: rsa_public_key is not a public key in PEM") from None
    check = _asymmetric(key, row.algorithm)
    if check is None:
        raise ConfigError(f"{owner}: rsa_public_key is not a key for {row.algorithm}")
    return check


def _hmac(secret: bytes, digest: str) -> Verify:
    start = hmac.new(secret, digestmod=getattr(hashlib, digest))

    def verify(signed: bytes, signature: bytes) -> bool:
        mac = start.copy()
        mac.update(signed)
        return hmac.compare_digest(mac.digest(), signature)

    return verify


def _asymmetric(key: object, algorithm: str) -> Verify | None:
    size = algorithm[2:]
    if isinstance(key, rsa.RSAPublicKey) and algorithm.startswith(("RS", "PS")):
        return _rsa(key, algorithm)
    if isinstance(key, ec.EllipticCurvePublicKey) and algorithm.startswith("ES"):
        return _ecdsa(key, _HASHES[size](), _EC_SIZES[size])
    if isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)) and algorithm == "EdDSA":
        return lambda signed, signature: _holds(lambda: key.verify(signature, signed))
    return None


def _rsa(key: rsa.RSAPublicKey, algorithm: str) -> Verify:
    digest = _HASHES[algorithm[2:]]()
    scheme: padding.AsymmetricPadding = padding.PKCS1v15()
    if algorithm.startswith("PS"):
        scheme = padding.PSS(padding.MGF1(digest), padding.PSS.AUTO)
    return lambda signed, signature: _holds(lambda: key.verify(signature, signed, scheme, digest))


def _ecdsa(key: ec.EllipticCurvePublicKey, digest: hashes.HashAlgorithm, size: int) -> Verify:
    def verify(signed: bytes, signature: bytes) -> bool:
        if len(signature) != size:
            raise TypeError(f"an ECDSA signature must be {size} bytes")  # Kong answers 500
        r, s = (int.from_bytes(half) for half in (signature[: size // 2], signature[size // 2 :]))
        return _holds(lambda: key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(digest)))

    return verify


def _holds(check: Callable[[], None]) -> bool:
    try:
        check()
    except InvalidSignature:
        return False
    return True
