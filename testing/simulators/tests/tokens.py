"""Bearers from the simulator's token endpoint."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import jwt

from testing.simulators.launch import Simulators

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def account(simulators: Simulators) -> dict[str, Any]:
    """The service account's file."""
    path = Path(simulators.env("vertex_ai")["GOOGLE_APPLICATION_CREDENTIALS"])
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def assertion(simulators: Simulators, **claims: Any) -> str:
    """A signed assertion, good unless `claims` say otherwise."""
    key, now = account(simulators), int(time.time())
    payload = {
        "iss": key["client_email"],
        "aud": key["token_uri"],
        "scope": SCOPE,
        "iat": now,
        "exp": now + 3600,
    }
    return jwt.encode(payload | claims, key["private_key"], "RS256", {"kid": key["private_key_id"]})


def exchange(simulators: Simulators, signed: str, grant: str = GRANT) -> httpx.Response:
    """What the token endpoint answers to it."""
    form = {"grant_type": grant, "assertion": signed}
    return httpx.post(f"{simulators.base_url('vertex_ai')}/token", data=form)


def google_token(simulators: Simulators) -> str:
    """A bearer that is accepted."""
    return str(exchange(simulators, assertion(simulators)).json()["access_token"])
