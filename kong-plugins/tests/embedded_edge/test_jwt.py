import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from embedded_edge.config import load_config
from embedded_edge.jws import BadTokenError, Token
from embedded_edge.plugins.jwt import Jwt
from embedded_edge.schema import ConfigError
from testing.edge import NOW, SECRET, Backend, bearer, document, edge_serving, get, send, token

CHECKED = {"name": "jwt", "config": {"claims_to_verify": ["exp"], "uri_param_names": []}}


def part(value: Any) -> bytes:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=")


async def status(
    backend: Backend, *headers: str, path: str = "/", plugin: Any = CHECKED, **more: Any
) -> bytes:
    async with edge_serving({**document(plugin), **more}, backend) as port:
        return (await send(port, get(path, *headers))).split(b" ")[1]


async def test_a_good_token_names_the_consumer_to_the_upstream(backend: Backend) -> None:
    assert await status(backend, bearer(), "X-Consumer-Username: root", "X-Consumer-Custom-ID: 1") == b"200"
    assert backend.header("x-consumer-username") == ["acme"]
    assert backend.header("x-consumer-custom-id") == []
    assert backend.header("x-credential-identifier") == ["acme"]


@pytest.mark.parametrize(
    "headers",
    [
        [],
        ["Authorization: Bearer a.b.c"],
        [f"Authorization: Bearer {token({'iss': 'acme', 'exp': NOW})}"],
        [f"Authorization: Bearer {token({'iss': 'acme'})}"],
        [f"Authorization: Bearer {token({'iss': 'acme', 'exp': NOW + 60}, 'another secret')}"],
        [f"Authorization: Bearer {token({'iss': 'other', 'exp': NOW + 60})}"],
        [f"Authorization: Bearer {(part({'alg': 'none'}) + b'.' + part({'iss': 'acme'}) + b'.').decode()}"],
    ],
    ids=["none", "malformed", "expired", "no exp", "wrongly signed", "unknown issuer", "alg none"],
)
async def test_what_is_no_valid_token_is_refused(headers: list[str], backend: Backend) -> None:
    assert await status(backend, *headers) == b"401"
    assert backend.scopes == []


async def test_a_token_in_the_query_is_not_taken(backend: Backend) -> None:
    assert await status(backend, path=f"/?jwt={bearer().split()[-1]}") == b"401"


async def test_a_verified_token_is_remembered_and_still_expires() -> None:
    now = [NOW]
    config = load_config(document(CHECKED), clock=lambda: now[0])
    (plugin,) = config.routes[0][1]
    assert isinstance(plugin, Jwt)
    raw = token({"iss": "acme", "exp": NOW + 60}).encode()
    first = plugin._authenticate(raw)
    assert plugin._authenticate(raw) is first
    assert len(plugin._cache) == 1
    now[0] = NOW + 60
    with pytest.raises(Exception, match="token expired"):
        plugin._authenticate(raw)


async def test_the_memory_of_tokens_is_bounded() -> None:
    (plugin,) = load_config(document(CHECKED), clock=lambda: NOW).routes[0][1]
    assert isinstance(plugin, Jwt)
    for number in range(4100):
        plugin._authenticate(token({"iss": "acme", "exp": NOW + 60, "jti": number}).encode())
    assert len(plugin._cache) == 4096


def test_a_changed_token_is_not_the_remembered_one() -> None:
    (plugin,) = load_config(document(CHECKED), clock=lambda: NOW).routes[0][1]
    assert isinstance(plugin, Jwt)
    raw = token({"iss": "acme", "exp": NOW + 60})
    plugin._authenticate(raw.encode())
    header, _, signature = raw.split(".")
    claims = part({"iss": "acme", "exp": NOW + 600, "scope": "admin"}).decode()
    with pytest.raises(Exception, match="Invalid signature"):
        plugin._authenticate(f"{header}.{claims}.{signature}".encode())


def asymmetric(algorithm: str) -> tuple[str, Any]:
    """A public key in PEM, and a function that signs for the algorithm."""
    digest = getattr(hashes, f"SHA{algorithm[2:]}")()
    if algorithm.startswith("ES"):
        size = {"256": 32, "384": 48, "512": 66}[algorithm[2:]]
        curve = {"256": ec.SECP256R1(), "384": ec.SECP384R1(), "512": ec.SECP521R1()}[algorithm[2:]]
        key = ec.generate_private_key(curve)

        def sign(data: bytes) -> bytes:
            r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
            return r.to_bytes(size) + s.to_bytes(size)

        public: Any = key.public_key()
    else:
        rsa_key = rsa.generate_private_key(65537, 2048)

        def sign(data: bytes) -> bytes:
            return rsa_key.sign(data, padding.PKCS1v15(), digest)

        public = rsa_key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(), sign


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"])
async def test_public_keys_verify_and_nothing_else_does(algorithm: str, backend: Backend) -> None:
    pem, sign = asymmetric(algorithm)
    row = {"key": "acme", "algorithm": algorithm, "rsa_public_key": pem}
    consumers = [{"username": "acme", "jwt_secrets": [row]}]
    signed = part({"alg": algorithm}) + b"." + part({"iss": "acme", "exp": NOW + 60})
    good = (signed + b"." + part(sign(signed))).decode()
    other = (signed + b"." + part(asymmetric(algorithm)[1](signed))).decode()
    assert await status(backend, f"Authorization: Bearer {good}", consumers=consumers) == b"200"
    assert await status(backend, f"Authorization: Bearer {other}", consumers=consumers) == b"401"
    # The public key as an HMAC secret: the algorithm is the credential's, not the token's.
    confused = token({"iss": "acme", "exp": NOW + 60}, pem)
    assert await status(backend, f"Authorization: Bearer {confused}", consumers=consumers) == b"401"


async def test_a_secret_in_base64(backend: Backend) -> None:
    plugin = {"name": "jwt", "config": {"secret_is_base64": True}}
    row = {"key": "acme", "secret": part(SECRET.encode()).decode()}
    consumers = [{"username": "acme", "jwt_secrets": [row]}]
    assert await status(backend, bearer(), plugin=plugin, consumers=consumers) == b"200"


def test_a_key_that_does_not_fit_its_algorithm_stops_the_start() -> None:
    pem, _ = asymmetric("ES256")
    given = document(CHECKED)
    given["consumers"][0]["jwt_secrets"] = [{"key": "k", "algorithm": "RS256", "rsa_public_key": pem}]
    with pytest.raises(ConfigError, match="is not a key for RS256"):
        load_config(given)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"a.b", "invalid JSON"),
        (part(b"{") + b"." + part({}) + b".", "invalid JSON"),
        (part([]) + b"." + part({}) + b".", "invalid alg"),
        (part({"alg": "none"}) + b"." + part({}) + b".", "invalid alg"),
        (part({"alg": "HS256"}) + b"." + part({}) + b".!", "invalid signature"),
        (part({"alg": "HS256"}) + b"." + part(b"[" * 100_000) + b".", "invalid JSON"),
    ],
)
def test_bad_tokens_are_named_as_kong_names_them(raw: bytes, reason: str) -> None:
    with pytest.raises(BadTokenError, match=reason):
        Token.parse(raw)
