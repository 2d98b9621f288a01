"""oidc-jwt: who is calling, by a token of an identity provider.

A shell around the package `oidc`, which has to be importable. Stands at 1400, behind `jwt` (1450) with
`anonymous`: a request that `jwt` has authenticated costs one PDK call here, any other one is authenticated as
its issuer's consumer or refused. So either kind of token is enough, and neither is a 401. On any error the
request is refused; where this plugin does not run at all, the gate at the end of the chain finds no
credential.
"""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Mapping
from typing import Any, Final

from oidc.provider import ProviderDown
from oidc.settings import read_settings
from oidc.tokens import TokenError
from oidc.verifier import Verifier

# kong-pdk reads these names; the other spelling is the embedded edge's.
version = Version = "0.1.0"
priority = Priority = 1400
_TEXTS: Final = {"type": "array", "elements": {"type": "string"}}
Schema = (
    {
        "issuers": {
            "type": "array",
            "required": True,
            "len_min": 1,
            "elements": {
                "type": "record",
                "fields": [
                    {"issuer": {"type": "string", "required": True}},
                    {"consumer": {"type": "string", "required": True}},
                    {"audience": {**_TEXTS, "required": True, "len_min": 1}},
                    {"jwks_uri": {"type": "string"}},
                    {"algorithms": _TEXTS},
                ],
            },
        }
    },
    {"leeway_s": {"type": "number", "default": 60, "between": [0, 300]}},
    {"ca_file": {"type": "string"}},
)

CONSUMER_KEPT_S: Final = 10.0
_BEARER: Final = re.compile(r"\s*bearer\s+(\S+)\s*", re.IGNORECASE)
_CHALLENGE: Final = "Bearer"
_CHALLENGE_AGAIN: Final = 'Bearer error="invalid_token"'


class Plugin:
    """One instance a configuration; `access` may run in several threads at once.

    Two things for the embedded edge: it need not read the body for this plugin, and `waits` tells whether
    `access` might wait for an issuer, which must not hold up its event loop.
    """

    reads_body = False

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._verifier = Verifier(read_settings(config))
        self._consumers: dict[str, tuple[Mapping[str, Any], float]] = {}

    def waits(self, kong: Any) -> bool:
        """Whether `access` might wait for an issuer."""
        if _result(kong.client.get_credential()):
            return False
        token = _token(kong)
        return token is not None and self._verifier.would_wait(token)

    def access(self, kong: Any) -> None:
        """Authenticate the request, or answer it. Nothing is called after the answer: Kong would never
        reply."""
        try:
            refusal = self._admit(kong)
        except Exception as error:
            _fail(kong, error)
        except (SystemExit, KeyboardInterrupt) as error:
            # Whoever asks the process to end gets that, but the request is not let through meanwhile.
            _fail(kong, error)
            raise
        else:
            if refusal is not None:
                kong.response.exit(*refusal)

    def _admit(self, kong: Any) -> tuple[int, dict[str, str], dict[str, str]] | None:
        """None when the request may go on, else what to answer it with."""
        if _result(kong.client.get_credential()):
            return None
        token = _token(kong)
        if token is None:
            return _unauthorized(_CHALLENGE)
        try:
            issuer = self._verifier.verify(token)
        except TokenError as error:
            kong.log.info(f"oidc-jwt: refused a token: {error}")
            return _unauthorized(_CHALLENGE_AGAIN)
        except ProviderDown:
            return _unavailable()
        finally:
            for problem in self._verifier.take_problems():
                kong.log.err(f"oidc-jwt: {problem}")
        consumer = self._consumer(kong, issuer.consumer)
        _result(kong.service.request.set_headers(_headers(consumer, issuer.name)))
        _result(kong.ctx.shared.set("authenticated_jwt_token", token))
        # Last: whatever fails before it leaves a request without a credential, which the gate refuses.
        _result(kong.client.authenticate(consumer, {"id": consumer["id"], "key": issuer.name}))
        return None

    def _consumer(self, kong: Any, name: str) -> Mapping[str, Any]:
        """Kong's consumer of that name. LookupError when there is none."""
        known, until = self._consumers.get(name, ({}, 0.0))
        now = time.monotonic()
        if now < until:
            return known
        found = _result(kong.client.load_consumer(name, True))
        if not isinstance(found, Mapping) or not found.get("id"):
            raise LookupError("an issuer's consumer does not exist")
        self._consumers[name] = (found, now + CONSUMER_KEPT_S)
        return found


def _token(kong: Any) -> str | None:
    """The bearer token, in one header only: several come joined, with a comma and a space."""
    header = _result(kong.request.get_header("authorization"))
    if isinstance(header, bytes):
        header = header.decode("latin-1")
    match = _BEARER.fullmatch(header) if isinstance(header, str) else None
    return match[1] if match else None


def _headers(consumer: Mapping[str, Any], issuer: str) -> dict[str, Any]:
    """What Kong's own authentication plugins say of the caller. An empty list clears a header."""
    said = {
        "X-Consumer-ID": consumer.get("id"),
        "X-Consumer-Username": consumer.get("username"),
        "X-Consumer-Custom-ID": consumer.get("custom_id"),
        "X-Credential-Identifier": issuer,
        "X-Anonymous-Consumer": None,
    }
    return {name: value or [] for name, value in said.items()}


def _unauthorized(challenge: str) -> tuple[int, dict[str, str], dict[str, str]]:
    """As `jwt` itself answers."""
    return 401, {"message": "Unauthorized"}, {"WWW-Authenticate": challenge}


def _unavailable() -> tuple[int, dict[str, str], dict[str, str]]:
    message = "The token could not be checked: its issuer gives no keys. Try again later."
    return 503, {"message": message}, {"Retry-After": "5"}


def _result(answer: Any) -> Any:
    """What a PDK call gave: with kong-pdk's Lua-style results, a pair of value and error."""
    if not isinstance(answer, tuple):
        return answer
    value, error = answer
    if error:
        raise RuntimeError("a PDK call failed")
    return value


def _fail(kong: Any, error: BaseException) -> None:
    """Log what broke, without a word of the request, and refuse the request in any case."""
    places = "; ".join(
        f"{frame.filename}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    )
    try:
        kong.log.err(f"oidc-jwt: {type(error).__name__} at {places}")
    finally:
        kong.response.exit(503, {"message": "The token could not be checked. Try again later."})
