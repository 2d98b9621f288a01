"""A Google service account of our own: its key file, the token exchange, and the check of bearers."""

from __future__ import annotations

import hmac
import os
import secrets
import time
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

PROJECT = "sim-project"
SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_LIFE = 3599
_GOOGLE_TOKEN_URI = "https://oauth2.googleapis.com/token"
"""google-auth writes this audience wherever it sends the assertion."""
_MOST_TOKENS = 10_000
_SKEW = 300
_FILE = "google-service-account.json"


class GoogleIdentity:
    """Draws an RSA key at start. Bearers are good for an hour, and only those that `exchange` gave."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        self._key_id = secrets.token_hex(20)
        self._token_uri = ""
        self._tokens: dict[str, float] = {}
        self.email = f"simulated@{PROJECT}.iam.gserviceaccount.com"

    def write(self, state: Path, token_uri: str) -> Path:
        """Write the service account's file, readable by its owner only, and return its path."""
        self._token_uri = token_uri
        pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        content = {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": self._key_id,
            "private_key": pem.decode(),
            "client_email": self.email,
            "client_id": "100000000000000000000",
            "auth_uri": token_uri.replace("/token", "/auth"),
            "token_uri": token_uri,
            "universe_domain": "googleapis.com",
        }
        path, draft = state / _FILE, state / f".{_FILE}.{os.getpid()}"
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(orjson.dumps(content))
        draft.replace(path)
        return path

    def exchange(self, form: dict[str, str]) -> dict[str, Any]:
        """The answer of the token endpoint; ValueError("invalid_grant: why") for a bad request."""
        if form.get("grant_type") != GRANT:
            raise ValueError(f"unsupported_grant_type: Invalid grant_type: {form.get('grant_type', '')}")
        self._verify(form.get("assertion", ""))
        now = time.time()
        self._tokens = {token: end for token, end in self._tokens.items() if end > now}
        if len(self._tokens) >= _MOST_TOKENS:
            self._tokens.pop(next(iter(self._tokens)))
        token = f"ya29.simulated-{secrets.token_urlsafe(48)}"
        self._tokens[token] = now + TOKEN_LIFE
        return {"access_token": token, "expires_in": TOKEN_LIFE, "token_type": "Bearer"}

    def knows(self, token: str) -> bool:
        """Whether this is a bearer that `exchange` gave and that has not expired."""
        return self._tokens.get(token, 0.0) > time.time()

    def forget_tokens(self) -> None:
        """Make every bearer given so far invalid."""
        self._tokens.clear()

    def _verify(self, assertion: str) -> None:
        try:
            head, claims, signature = assertion.split(".")
            header, payload = orjson.loads(_decoded(head)), orjson.loads(_decoded(claims))
            signed = _decoded(signature)
        except (ValueError, Base64Error):
            raise ValueError("invalid_request: Bad Request") from None
        if not isinstance(header, dict) or not isinstance(payload, dict):
            raise ValueError("invalid_request: Bad Request")
        if header.get("alg") != "RS256" or not hmac.compare_digest(str(header.get("kid")), self._key_id):
            raise ValueError("invalid_grant: Invalid JWT Signature.")
        try:
            self._key.public_key().verify(
                signed, f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except InvalidSignature:
            raise ValueError("invalid_grant: Invalid JWT Signature.") from None
        self._verify_claims(payload)

    def _verify_claims(self, claims: dict[str, Any]) -> None:
        now, begin, end = time.time(), claims.get("iat"), claims.get("exp")
        if claims.get("iss") != self.email:
            raise ValueError("invalid_grant: Invalid grant: account not found")
        if claims.get("aud") not in (self._token_uri, _GOOGLE_TOKEN_URI):
            raise ValueError("invalid_grant: Invalid JWT: Failed audience check.")
        if not isinstance(begin, int) or not isinstance(end, int) or end - begin > 3600:
            raise ValueError("invalid_grant: Invalid JWT: Token must be a short-lived token (60 minutes).")
        if end < now - _SKEW or begin > now + _SKEW:
            raise ValueError(
                "invalid_grant: Invalid JWT: Token must be a short-lived token and in a reasonable timeframe."
            )
        if not set(str(claims.get("scope", "")).split()) & set(SCOPES):
            raise ValueError("invalid_scope: Invalid OAuth scope or ID token audience provided.")


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))
