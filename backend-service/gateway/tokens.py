"""Making tokens for a tenant, with a credential out of the consumers' file."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class TokenError(ValueError):
    """What was asked cannot be made. The message says what would be right."""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """The claims of a token; None leaves one out. ``life_s`` is in seconds."""

    tenant: str
    subject: str | None = None
    tier: str | None = None
    project: str | None = None
    scopes: Sequence[str] | None = None
    models: Sequence[str] | None = None
    class_floor: str | None = None
    residency: Sequence[str] | None = None
    life_s: int = 7 * 86400


def make_token(
    request: TokenRequest, consumers: Sequence[Mapping[str, Any]], now: float | None = None
) -> str:
    """A signed JWT under the tenant's first HS256 credential. Raises TokenError."""
    credential = _credential(request.tenant, consumers)
    issued_at = int(time.time() if now is None else now)
    claims = {
        "iss": credential["key"],
        "sub": request.subject,
        "iat": issued_at,
        "exp": issued_at + request.life_s,
        "jti": secrets.token_hex(8),
        "tier": request.tier,
        "project": request.project,
        "scope": " ".join(request.scopes) if request.scopes else None,
        "models": list(request.models) if request.models else None,
        "class_floor": request.class_floor,
        "residency": list(request.residency) if request.residency else None,
    }
    present = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(present, credential["secret"], algorithm="HS256")


def parse_life(text: str) -> int:
    """``7d``, ``12h``, ``30m`` or ``45s`` as seconds. Raises TokenError."""
    match = re.fullmatch(r"([1-9][0-9]{0,6})([smhd])", text)
    if not match:
        raise TokenError(f"life is {text!r}; write it as 7d, 12h, 30m or 45s")
    return int(match[1]) * UNITS[match[2]]


def _credential(tenant: str, consumers: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    for consumer in consumers:
        if consumer.get("username") != tenant:
            continue
        for credential in consumer.get("jwt_secrets", ()):
            if credential.get("algorithm", "HS256") == "HS256" and credential.get("secret"):
                chosen: Mapping[str, Any] = credential
                return chosen
        raise TokenError(f"tenant {tenant!r} has no HS256 credential; its own issuer makes its tokens")
    known = ", ".join(str(consumer.get("username")) for consumer in consumers)
    raise TokenError(f"no tenant {tenant!r}; there are {known}")
