"""AWS' token service: a role's temporary keys for a token of a cluster's."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from urllib.parse import parse_qs

from testing.simulators.messages import Refusal, Request, Response

WEB_IDENTITY = "simulated-web-identity"
"""What a good token begins with."""
ROLE = "arn:aws:iam::000000000000:role/simulated"
LIFE_S = 3600
_MOST = 1_000


class Roles:
    """Gives key pairs with a session token, good for an hour, and knows those that it gave."""

    def __init__(self) -> None:
        self._given: dict[str, tuple[str, str, float]] = {}

    def assume(self, request: Request) -> Response:
        """The answer to AssumeRoleWithWebIdentity; Refusal for another action, role or token."""
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if (form.get("Action"), form.get("Version")) != ("AssumeRoleWithWebIdentity", "2011-06-15"):
            raise Refusal(400, "Could not find operation", kind="InvalidAction")
        if not form.get("WebIdentityToken", "").startswith(WEB_IDENTITY):
            raise Refusal(400, "No OpenIDConnect provider found in your account", kind="InvalidIdentityToken")
        if form.get("RoleArn") != ROLE or not form.get("RoleSessionName"):
            raise Refusal(403, "Not authorized to perform sts:AssumeRoleWithWebIdentity", kind="AccessDenied")
        key_id, secret = f"ASIASIM{secrets.token_hex(7)[:13].upper()}", secrets.token_urlsafe(30)
        session, end = secrets.token_urlsafe(60), time.time() + LIFE_S
        if len(self._given) >= _MOST:
            self._given.pop(next(iter(self._given)))
        self._given[key_id] = (secret, session, end)
        expiration = datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = (
            '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
            f"<AssumeRoleWithWebIdentityResult><Audience>sts.amazonaws.com</Audience><Credentials>"
            f"<AccessKeyId>{key_id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>"
            f"<SessionToken>{session}</SessionToken><Expiration>{expiration}</Expiration>"
            "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
        )
        return Response(200, (("content-type", "text/xml"),), body.encode())

    def error(self, refusal: Refusal) -> Response:
        """A refusal in the token service's own words."""
        kind = refusal.kind or ("InternalFailure" if refusal.status >= 500 else "ValidationError")
        body = (
            '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
            f"<Code>{kind}</Code><Message>{refusal.message or kind}</Message></Error></ErrorResponse>"
        )
        return Response(refusal.status, (("content-type", "text/xml"), *refusal.headers), body.encode())

    def secret(self, key_id: str, session: str | None) -> str | None:
        """The secret of a pair that was given with that session token and has not ended."""
        secret, given, end = self._given.get(key_id, ("", "", 0.0))
        return secret if end > time.time() and session is not None and session == given else None
