"""Who is let in: as Kong answers, and what a token can and cannot do."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable

import httpx
import jwt
import pytest

from testing.e2e.caller import CHAT, Caller, error_of
from testing.e2e.prepared import STRANGER
from testing.e2e.simulators import Simulators
from testing.e2e.under_test import Gateway

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def ask(gateway: Gateway, client: httpx.Client) -> Callable[..., httpx.Response]:
    """A chat request with these Authorization headers."""

    def post(*authorization: str, query: str = "") -> httpx.Response:
        headers = [("Authorization", value) for value in authorization]
        return client.post(gateway.url + CHAT + query, json=BODY, headers=headers)

    return post


def test_no_token(ask: Callable[..., httpx.Response], simulators: Simulators) -> None:
    for answer in (ask(), ask(""), ask("Basic ZGVtbzpkZW1v"), ask("Bearer")):
        _refused(answer, {"message": "Unauthorized"})
    assert simulators.asked() == set()


def test_a_token_elsewhere_is_none(
    ask: Callable[..., httpx.Response], caller: Caller, simulators: Simulators
) -> None:
    token = caller.token()
    _refused(ask(query=f"?jwt={token}"), {"message": "Unauthorized"})
    _refused(ask(token), {"message": "Unauthorized"})
    answer = caller.client.post(
        caller.gateway.url + CHAT, json=BODY, headers={"Cookie": f"jwt={token}", "X-Api-Key": token}
    )
    _refused(answer, {"message": "Unauthorized"})
    assert simulators.asked() == set()


def test_malformed(ask: Callable[..., httpx.Response], simulators: Simulators) -> None:
    for token in ("rubbish", "a.b", "a.b.c", "a.b.c.d", "eyJhbGciOiJIUzI1NiJ9..x", ".."):
        answer = ask(f"Bearer {token}")
        assert answer.status_code == 401, (token, answer.text)
        assert set(answer.json()) == {"message"}
        assert answer.headers["x-request-id"]
    assert simulators.asked() == set()


def test_wrongly_signed(ask: Callable[..., httpx.Response], caller: Caller, simulators: Simulators) -> None:
    good = caller.token()
    head, claims, signature = good.split(".")
    forged = "A" if signature[0] != "A" else "B"
    _refused(ask(f"Bearer {head}.{claims}.{forged}{signature[1:]}"), {"message": "Invalid signature"})
    payload = jwt.decode(good, options={"verify_signature": False})
    other_secret = jwt.encode(payload, "x" * 36, algorithm="HS256")
    _refused(ask(f"Bearer {other_secret}"), {"message": "Invalid signature"})
    raised = jwt.encode({**payload, "scope": "admin"}, "x" * 36, algorithm="HS256").split(".")[1]
    _refused(ask(f"Bearer {head}.{raised}.{signature}"), {"message": "Invalid signature"})
    assert simulators.asked() == set()


def test_no_algorithm(ask: Callable[..., httpx.Response], caller: Caller, simulators: Simulators) -> None:
    _, claims, signature = caller.token().split(".")
    for name in ("none", "None", "NONE", "HS512", "RS256", ""):
        head = urlsafe_b64encode(json.dumps({"alg": name, "typ": "JWT"}).encode()).decode().rstrip("=")
        for end in ("", signature):
            answer = ask(f"Bearer {head}.{claims}.{end}")
            assert answer.status_code == 401, (name, answer.text)
            assert set(answer.json()) == {"message"}
    assert simulators.asked() == set()


def test_expired(ask: Callable[..., httpx.Response], caller: Caller, simulators: Simulators) -> None:
    past = int(time.time()) - 60
    _refused(ask(f"Bearer {caller.token(exp=past)}"), {"exp": "token expired"})
    _refused(ask(f"Bearer {caller.token(exp=None)}"), {"exp": "must be a number"})
    _refused(ask(f"Bearer {caller.token(exp='tomorrow')}"), {"exp": "must be a number"})
    assert simulators.asked() == set()


def test_an_unknown_issuer(ask: Callable[..., httpx.Response], simulators: Simulators) -> None:
    payload = {"iss": "nobody", "exp": int(time.time()) + 60}
    token = jwt.encode(payload, "x" * 36, algorithm="HS256")
    _refused(ask(f"Bearer {token}"), {"message": "No credentials found for given 'iss'"})
    without = jwt.encode({"exp": payload["exp"]}, "x" * 36, algorithm="HS256")
    _refused(ask(f"Bearer {without}"), {"message": "No mandatory 'iss' in claims"})
    assert simulators.asked() == set()


def test_another_tenants_key_does_not_open(
    ask: Callable[..., httpx.Response], caller: Caller, gateway: Gateway
) -> None:
    if "clinic" not in gateway.credentials:
        pytest.skip("GATEWAY_CONSUMERS has no consumer 'clinic'")
    mine = gateway.credentials["clinic"]["secret"]
    payload = jwt.decode(caller.token(), options={"verify_signature": False})
    stolen = jwt.encode(payload, mine, algorithm="HS256")
    _refused(ask(f"Bearer {stolen}"), {"message": "Invalid signature"})


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_public_keys(
    ask: Callable[..., httpx.Response], gateway: Gateway, simulators: Simulators, algorithm: str
) -> None:
    name = algorithm.lower()
    if gateway.consumers is None or not (file := gateway.consumers.parent / f"{name}.pem").exists():
        pytest.skip("there is no private key beside GATEWAY_CONSUMERS")
    payload = {"iss": name, "exp": int(time.time()) + 60}
    good = jwt.encode(payload, file.read_text(), algorithm=algorithm)
    answer = ask(f"Bearer {good}")
    assert answer.status_code == 200, answer.text
    assert simulators.asked() == {"openai"}
    public = gateway.credentials[name]["rsa_public_key"]
    # The public key as an HS256 secret: PyJWT itself refuses to make such a token.
    confused = _hs256(payload, public.encode())
    assert ask(f"Bearer {confused}").status_code == 401
    head, claims, signature = good.split(".")
    assert ask(f"Bearer {head}.{claims}.{signature[4:]}AAAA").status_code == 401
    assert len(simulators.received("openai")) == 1


def test_a_consumer_without_a_row_is_refused(
    caller_for: Callable[[str], Caller], simulators: Simulators
) -> None:
    answer = caller_for(STRANGER).chat("gpt-4o")
    assert answer.status_code == 403
    assert error_of(answer)["code"] == "forbidden"
    assert simulators.asked() == set()


def test_claims_only_narrow(caller_for: Callable[[str], Caller], simulators: Simulators) -> None:
    limited, plain = caller_for("limited"), caller_for("unprivileged")
    assert limited.chat("gpt-4o", claims={"models": ["*"]}).status_code == 404
    assert limited.chat("gpt-4o-mini", claims={"models": ["*"]}).status_code == 200
    assert limited.chat("gpt-4o-mini", claims={"models": ["ollama/*"]}).status_code == 404
    assert plain.get("/config", claims={"scope": "inference admin"}).status_code == 403
    assert plain.chat("gpt-4o", claims={"scope": "admin"}).status_code == 403
    assert len(simulators.received("openai")) == 1


def test_the_wrong_credential_says_nothing_of_the_right_one(
    ask: Callable[..., httpx.Response], caller: Caller, gateway: Gateway
) -> None:
    assert caller.tenant is None or gateway.credentials[caller.tenant]["secret"] not in ask("Bearer x").text


def _hs256(payload: dict[str, object], secret: bytes) -> str:
    import hashlib
    import hmac

    def part(data: bytes) -> str:
        return urlsafe_b64encode(data).decode().rstrip("=")

    signed = (
        f"{part(json.dumps({'alg': 'HS256', 'typ': 'JWT'}).encode())}.{part(json.dumps(payload).encode())}"
    )
    return f"{signed}.{part(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def _refused(answer: httpx.Response, body: dict[str, str]) -> None:
    """A 401 in Kong's words, with a request id."""
    assert answer.status_code == 401, answer.text
    assert answer.json() == body
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-request-id"]
    assert "x-gateway-deployment" not in answer.headers
