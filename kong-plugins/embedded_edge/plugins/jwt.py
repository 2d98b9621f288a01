"""jwt: who is calling, by a signed token (kong/plugins/jwt of 3.9.3)."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import unquote_to_bytes

from embedded_edge.answers import exit_with
from embedded_edge.entities import Consumer, JwtCredential
from embedded_edge.exchange import Answer, Exchange
from embedded_edge.jws import BadTokenError, Token, verifier
from embedded_edge.plugins.base import EdgePlugin, World
from embedded_edge.schema import ConfigError, Option

_BEARER = re.compile(rb"\s*[Bb]earer\s+(.+)")
_CACHE_SIZE = 4096


class RefusedError(Exception):
    """The token does not authenticate: what Kong answers, and whether it names a token."""

    def __init__(self, body: dict[str, str], *, token: bool = True) -> None:
        super().__init__(body)
        self.body = body
        self.token = token


def _year(value: float) -> str | None:
    return None if 0 <= value <= 31536000 else f"must be between 0 and 31536000, not {value!r}"


class Jwt(EdgePlugin):
    name = "jwt"
    priority = 1450
    options: ClassVar = {
        "uri_param_names": Option(list, ["jwt"], item=str),
        "cookie_names": Option(list, [], item=str),
        "header_names": Option(list, ["authorization"], item=str),
        "key_claim_name": Option(str, "iss"),
        "secret_is_base64": Option(bool, False),
        "claims_to_verify": Option(list, [], item=str, one_of=("exp", "nbf")),
        "anonymous": Option(str),
        "run_on_preflight": Option(bool, True),
        "maximum_expiration": Option(float, 0, check=_year),
        "realm": Option(str),
    }

    def __init__(self, config: Mapping[str, Any], world: World) -> None:
        super().__init__(config, world)
        self._params = [name.encode() for name in config["uri_param_names"]]
        self._cookies = [name.lower().encode("latin-1") for name in config["cookie_names"]]
        self._headers = [name.lower().encode("latin-1") for name in config["header_names"]]
        self._claim: str = config["key_claim_name"]
        self._verify: list[str] = config["claims_to_verify"]
        self._maximum: float = config["maximum_expiration"]
        if self._maximum > 0 and "exp" not in self._verify:
            raise ConfigError("jwt: option 'maximum_expiration' needs 'exp' in 'claims_to_verify'")
        self._preflight: bool = config["run_on_preflight"]
        base = f'Bearer realm="{config["realm"]}"' if config["realm"] else "Bearer"
        self._challenge = base.encode("latin-1")
        self._challenge_token = f'{base} error="invalid_token"'.encode("latin-1")
        self._anonymous: Consumer | None = None
        if config["anonymous"]:
            self._anonymous = world.consumers.get(config["anonymous"])
            if self._anonymous is None:
                raise ConfigError(f"jwt: option 'anonymous' names no consumer: {config['anonymous']!r}")
        self._credentials = world.credentials
        self._verifiers = {
            key: verifier(row, base64_secret=config["secret_is_base64"])
            for key, row in world.credentials.items()
        }
        self._clock = world.clock
        self._cache: dict[bytes, tuple[Token, JwtCredential]] = {}

    def access(self, x: Exchange) -> None:
        if not self._preflight and x.method == "OPTIONS":
            return
        if self._anonymous is not None and x.credential is not None:
            return
        try:
            raw = self._token(x)
            credential = self._authenticate(raw)
        except RefusedError as refusal:
            if self._anonymous is None:
                x.answer = self._refuse(refusal)
            else:
                _become(x, self._anonymous, None, None)
        else:
            _become(x, credential.consumer, credential, raw)

    def _refuse(self, refusal: RefusedError) -> Answer:
        answer = exit_with(401, refusal.body)
        answer.headers.append(
            (b"WWW-Authenticate", self._challenge_token if refusal.token else self._challenge)
        )
        return answer

    def _token(self, x: Exchange) -> bytes:
        """The one token that the request carries, wherever; RefusedError for none and for two."""
        found: dict[bytes | None, None] = {}  # None: a name in the query without `=`
        if self._params and x.query:
            found.update((value, None) for value in _arguments(x.query, self._params) if value != b"")
        for name in self._cookies:
            value = _cookie(x, name)
            if value:
                found[value] = None
        for name in self._headers:
            sent = x.headers.get(name)
            match = _BEARER.search(sent) if sent is not None else None
            if match:
                found[match[1]] = None
        if not found:
            raise RefusedError({"message": "Unauthorized"}, token=False)
        if len(found) > 1:
            raise RefusedError({"message": "Multiple tokens provided"})
        token = next(iter(found))
        if token is None:
            raise RefusedError({"message": "Unrecognizable token"})
        return token

    def _authenticate(self, raw: bytes) -> JwtCredential:
        """The credential that signed the token. Good signatures are remembered, claims checked every time."""
        key = hashlib.sha256(raw).digest()
        known = self._cache.pop(key, None)
        if known is None:
            known = self._check_signature(raw)
            if len(self._cache) >= _CACHE_SIZE:
                del self._cache[next(iter(self._cache))]
        self._check_claims(known[0].claims)
        self._cache[key] = known
        return known[1]

    def _check_signature(self, raw: bytes) -> tuple[Token, JwtCredential]:
        try:
            token = Token.parse(raw)
        except BadTokenError as error:
            raise RefusedError({"message": f"Bad token; {error}"}) from None
        for part in (token.claims, token.header):
            if self._claim in part and part[self._claim] is None:
                raise TypeError("the key claim is null")  # Kong answers 500
            if part.get(self._claim):
                break
        key = token.claims.get(self._claim) or token.header.get(self._claim)
        if token.claims.get(self._claim) == "":
            key = ""
        if key is None or key is False:
            raise RefusedError({"message": f"No mandatory '{self._claim}' in claims"})
        if key == "":
            raise RefusedError({"message": f"Invalid '{self._claim}' in claims"})
        if not isinstance(key, str):
            raise TypeError("the key claim is not text")  # Kong answers 500
        credential = self._credentials.get(key)
        if credential is None:
            raise RefusedError({"message": f"No credentials found for given '{self._claim}'"})
        if token.header.get("alg") != credential.algorithm:
            raise RefusedError({"message": "Invalid algorithm"})
        verify = self._verifiers[key]
        if verify is None:
            raise RefusedError({"message": "Invalid key/secret"})
        if not verify(token.signed, token.signature):
            raise RefusedError({"message": "Invalid signature"})
        return token, credential

    def _check_claims(self, claims: Mapping[str, Any]) -> None:
        if not self._verify:
            return
        now = int(self._clock())
        errors: dict[str, str] = {}
        for name in self._verify:
            value = claims.get(name)
            if not isinstance(value, (int, float)) or isinstance(value, bool):
                errors[name] = "must be a number"
            elif name == "exp" and value <= now:
                errors[name] = "token expired"
            elif name == "nbf" and value > now:
                errors[name] = "token not valid yet"
        if errors:
            raise RefusedError(dict(sorted(errors.items())))
        if self._maximum > 0 and claims["exp"] - now > self._maximum:
            raise RefusedError({"exp": "exceeds maximum allowed expiration"})


def _become(x: Exchange, consumer: Consumer, credential: JwtCredential | None, raw: bytes | None) -> None:
    """Tells the upstream who is calling, whatever the client claimed."""
    x.consumer = consumer
    x.credential = credential
    _say(x, b"X-Consumer-ID", consumer.id)
    _say(x, b"X-Consumer-Custom-ID", consumer.custom_id)
    _say(x, b"X-Consumer-Username", consumer.username)
    _say(x, b"X-Credential-Identifier", credential.key if credential else None)
    _say(x, b"X-Anonymous-Consumer", None if credential else "true")
    x.shared["authenticated_jwt_token"] = None if raw is None else raw.decode("latin-1")


def _say(x: Exchange, name: bytes, value: str | None) -> None:
    if value is None:
        x.headers.remove(name.lower())
    else:
        x.headers.set(name, value.encode())


def _arguments(query: bytes, names: list[bytes]) -> list[bytes | None]:
    """Values of these names; None for a name without `=`."""
    values: list[bytes | None] = []
    for part in query.split(b"&"):
        name, mark, value = part.partition(b"=")
        if unquote_to_bytes(name.replace(b"+", b" ")) in names:
            values.append(unquote_to_bytes(value.replace(b"+", b" ")) if mark else None)
    return values


def _cookie(x: Exchange, name: bytes) -> bytes | None:
    for header in x.headers.values(b"cookie"):
        for part in header.split(b";"):
            key, mark, value = part.strip().partition(b"=")
            if mark and key.lower() == name:
                return value
    return None
