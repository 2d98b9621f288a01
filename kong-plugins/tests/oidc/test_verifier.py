"""Which tokens are good, over a real provider."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from oidc.provider import ProviderDown
from oidc.settings import Settings, read_settings
from oidc.tokens import MAX_TOKEN_BYTES, TokenError
from oidc.verifier import Verifier
from testing.identity_provider import (
    AUDIENCE,
    IdentityProvider,
    SigningKey,
    identity_provider,
    private_key,
)

Make = Callable[..., Settings]
ALGORITHMS = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed448",
]


@pytest.fixture
def verifier(idp: IdentityProvider, settings_for: Make) -> Verifier:
    return Verifier(settings_for(idp))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_good_token_of_each_algorithm(algorithm: str, settings_for: Make) -> None:
    with identity_provider(algorithm) as idp:
        verifier = Verifier(settings_for(idp))
        for _ in range(2):
            assert verifier.verify(idp.token()).consumer == "acme"
        stranger = SigningKey(idp.keys[0].kid, algorithm, private_key(algorithm))
        with pytest.raises(TokenError, match="bad signature"):
            verifier.verify(idp.token(stranger))


def test_the_keys_are_fetched_once(idp: IdentityProvider, verifier: Verifier) -> None:
    for number in range(5):
        verifier.verify(idp.token(jti=str(number)))
    assert idp.asked == ["/realm/.well-known/openid-configuration", "/realm/keys"]


def test_a_rotated_key_is_good_at_once_and_the_old_one_still(
    idp: IdentityProvider, verifier: Verifier
) -> None:
    old = idp.token()
    verifier.verify(old)
    idp.rotate("RS256")
    assert verifier.verify(idp.token())
    assert verifier.verify(old)
    assert len(idp.asked) == 4


def test_a_withdrawn_key_is_not_good_even_for_a_token_verified_before(
    idp: IdentityProvider, verifier: Verifier
) -> None:
    old = idp.token()
    verifier.verify(old)
    idp.rotate(keep=0)
    verifier.verify(idp.token())
    with pytest.raises(TokenError, match="no such key"):
        verifier.verify(old)


def test_known_keys_serve_while_the_issuer_is_down(idp: IdentityProvider, verifier: Verifier) -> None:
    verifier.verify(idp.token())
    idp.fault = "refuse"
    assert verifier.verify(idp.token(jti="another"))
    with pytest.raises(TokenError, match="no such key"):
        verifier.verify(idp.token(SigningKey("new", "ES256", private_key("ES256"))))


def test_an_issuer_that_was_never_there_says_nothing_about_its_tokens(
    idp: IdentityProvider, verifier: Verifier
) -> None:
    idp.fault = "refuse"
    with pytest.raises(ProviderDown):
        verifier.verify(idp.token())
    assert verifier.take_problems() == [
        f"the keys of {idp.issuer} cannot be read: RemoteDisconnected",
    ]
    assert verifier.take_problems() == []


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"exp": lambda now: now - 61}, "expired"),
        ({"exp": None}, "missing"),
        ({"exp": "tomorrow"}, "not a valid token"),
        ({"exp": 10**400}, None),
        ({"nbf": lambda now: now + 120}, "not valid yet"),
        ({"iat": lambda now: now + 120}, "not valid yet"),
        ({"aud": "another"}, "wrong audience"),
        ({"aud": ["another", "third"]}, "wrong audience"),
        ({"aud": None}, "missing"),
        ({"aud": 7}, "wrong audience"),
        ({"aud": []}, "missing"),
        ({"iss": "https://elsewhere.test"}, "unknown issuer"),
        ({"iss": None}, "no issuer"),
        ({"iss": ""}, "unknown issuer"),
        ({"sub": 7}, "not a valid token"),
    ],
)
def test_a_claim_that_is_wrong(
    claims: Any, says: str | None, idp: IdentityProvider, verifier: Verifier
) -> None:
    now = int(time.time())
    made = {name: value(now) if callable(value) else value for name, value in claims.items()}
    with pytest.raises(TokenError, match=says):
        verifier.verify(idp.token(**made))


def test_an_issuer_that_is_a_number_is_none(verifier: Verifier) -> None:
    with pytest.raises(TokenError, match="no issuer"):
        verifier.verify(token_of({"alg": "ES256"}, {"iss": 12}))


@pytest.mark.parametrize("claim", [{"exp": -30}, {"nbf": 30}, {"iat": 30}])
def test_clocks_may_differ(claim: dict[str, int], idp: IdentityProvider, settings_for: Make) -> None:
    claims: dict[str, Any] = {name: int(time.time()) + later for name, later in claim.items()}
    token = idp.token(**claims)
    assert Verifier(settings_for(idp, leeway_s=60)).verify(token)
    with pytest.raises(TokenError):
        Verifier(settings_for(idp, leeway_s=5)).verify(token)


def test_one_of_several_audiences_is_enough(idp: IdentityProvider, settings_for: Make) -> None:
    verifier = Verifier(settings_for(idp, audience=["first", "second"]))
    assert verifier.verify(idp.token(aud=["x", "second"]))
    assert verifier.verify(idp.token(aud="first"))


def test_a_public_key_is_no_shared_secret(settings_for: Make) -> None:
    """The oldest trick: sign with HS256 and the public key, which anybody may have."""
    with identity_provider("RS256") as idp:
        verifier = Verifier(settings_for(idp))
        verifier.verify(idp.token())
        pem = (
            idp.keys[0]
            .private.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        payload = idp.token().split(".")[1]
        for secret in (pem, pem.strip(), json.dumps(idp.keys[0].jwk()).encode()):
            for algorithm in ("HS256", "HS384", "HS512"):
                header = encoded({"alg": algorithm, "kid": idp.keys[0].kid})
                signed = f"{header}.{payload}"
                mac = jwt.get_algorithm_by_name(algorithm).sign(signed.encode(), secret)
                forged = f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
                with pytest.raises(TokenError, match="algorithm not allowed"):
                    verifier.verify(forged)


def test_a_published_shared_secret_is_never_used(idp: IdentityProvider, settings_for: Make) -> None:
    secret = b"a-secret-that-an-issuer-should-not-publish"
    idp.extra_jwks = [
        {"kty": "oct", "k": base64.urlsafe_b64encode(secret).decode(), "kid": "s", "alg": "HS256"}
    ]
    forged = jwt.encode(
        {"iss": idp.issuer, "aud": AUDIENCE, "exp": time.time() + 60}, secret, "HS256", headers={"kid": "s"}
    )
    with pytest.raises(TokenError, match="algorithm not allowed"):
        Verifier(settings_for(idp)).verify(forged)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", "HS256", "ES256K", "RS1"])
@pytest.mark.parametrize("signature", ["", "AAAA"])
def test_an_algorithm_that_is_none_of_ours(
    algorithm: str, signature: str, idp: IdentityProvider, verifier: Verifier
) -> None:
    payload = idp.token().split(".")[1]
    with pytest.raises(TokenError):
        verifier.verify(f"{encoded({'alg': algorithm, 'kid': idp.keys[0].kid})}.{payload}.{signature}")


def test_an_algorithm_that_the_issuer_may_not_use(idp: IdentityProvider, settings_for: Make) -> None:
    with pytest.raises(TokenError, match="algorithm not allowed"):
        Verifier(settings_for(idp, algorithms=["RS256"])).verify(idp.token())


def test_the_key_of_one_issuer_signs_nothing_for_another(settings_for: Make) -> None:
    with identity_provider() as first, identity_provider() as second:
        rows = [
            {"issuer": idp.issuer, "consumer": name, "audience": [AUDIENCE]}
            for idp, name in ((first, "one"), (second, "two"))
        ]
        verifier = Verifier(read_settings({"issuers": rows}))
        assert verifier.verify(first.token()).consumer == "one"
        assert verifier.verify(second.token()).consumer == "two"
        with pytest.raises(TokenError, match="no such key"):
            verifier.verify(first.token(iss=second.issuer))
        first.keys[0].kid = second.keys[0].kid
        with pytest.raises(TokenError, match="bad signature"):
            verifier.verify(first.token(iss=second.issuer))


def test_a_key_in_the_token_itself_is_not_looked_at(idp: IdentityProvider, verifier: Verifier) -> None:
    own = SigningKey(idp.keys[0].kid, "ES256", private_key("ES256"))
    for header in ({"jwk": own.jwk()}, {"jku": "http://127.0.0.1:1/keys"}, {"x5u": "http://127.0.0.1:1/"}):
        with pytest.raises(TokenError, match="bad signature"):
            verifier.verify(idp.token(own, headers=header))


@pytest.mark.parametrize("typ", ["logout+jwt", "dpop+jwt", 7, None])
def test_a_token_of_another_kind(typ: Any, idp: IdentityProvider, verifier: Verifier) -> None:
    header, payload, _ = idp.token().split(".")
    with pytest.raises(TokenError, match="another kind"):
        verifier.verify(f"{encoded({'alg': 'ES256', 'typ': typ})}.{payload}.AAAA")
    assert header


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", "application/at+JWT"])
def test_an_access_token_may_say_what_it_is(typ: str, idp: IdentityProvider, verifier: Verifier) -> None:
    assert verifier.verify(idp.token(headers={"typ": typ}))


def test_an_extension_that_must_be_understood(idp: IdentityProvider, verifier: Verifier) -> None:
    with pytest.raises(TokenError):
        verifier.verify(idp.token(headers={"crit": ["x"], "x": 1}))


def test_without_kid_the_only_key_that_fits(settings_for: Make) -> None:
    with identity_provider() as idp:
        idp.rotate("ES256", kid=None, keep=0)
        verifier = Verifier(settings_for(idp))
        assert verifier.verify(idp.token())
        idp.rotate("ES256", kid=None)
        with pytest.raises(TokenError, match="no such key"):
            Verifier(settings_for(idp)).verify(idp.token())


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "é.é.é",
        "\udcff.a.b",
        "e30.e30.AA",
        "W10.W10.AA",
        "bnVsbA.bnVsbA.AA",
        "[" * 100 + ".a.b",
        "a" * (MAX_TOKEN_BYTES + 1),
    ],
)
def test_what_is_no_token(token: str, verifier: Verifier) -> None:
    with pytest.raises(TokenError):
        verifier.verify(token)
    assert not verifier.would_wait(token)


@pytest.mark.parametrize("kid", [7, [], {}, True])
def test_a_kid_that_is_no_text(kid: Any, idp: IdentityProvider, verifier: Verifier) -> None:
    with pytest.raises(TokenError):
        verifier.verify(token_of({"alg": "ES256", "kid": kid}, {"iss": idp.issuer}))


def test_only_the_whole_token_is_remembered(idp: IdentityProvider, verifier: Verifier) -> None:
    token = idp.token()
    verifier.verify(token)
    head, payload, signature = token.split(".")
    other = idp.token(sub="root").split(".")[1]
    flipped = signature[:-4] + ("AAAA" if signature[-4:] != "AAAA" else "BBBB")
    for forged in (f"{head}.{other}.{signature}", f"{head}.{payload}.{flipped}", token + "."):
        with pytest.raises(TokenError):
            verifier.verify(forged)


def test_what_is_remembered_expires_with_the_token(idp: IdentityProvider, settings_for: Make) -> None:
    verifier = Verifier(settings_for(idp, leeway_s=0))
    expires_at = int(time.time()) + 2
    token = idp.token(exp=expires_at)
    assert verifier.verify(token)
    assert len(verifier) == 1
    while time.time() <= expires_at:
        time.sleep(0.02)
    with pytest.raises(TokenError, match="expired"):
        verifier.verify(token)
    assert len(verifier) == 0


def test_what_is_remembered_is_bounded(idp: IdentityProvider, settings_for: Make) -> None:
    verifier = Verifier(settings_for(idp), remembered=3)
    tokens = [idp.token(jti=str(number)) for number in range(10)]
    for token in tokens:
        verifier.verify(token)
    assert len(verifier) == 3
    assert all(verifier.verify(token) for token in tokens)


def token_of(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return f"{encoded(header)}.{encoded(claims)}.AAAA"


def encoded(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
