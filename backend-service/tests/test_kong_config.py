"""Rendering Kong's file, and tokens under its consumers."""

from pathlib import Path
from typing import Any

import jwt
import pytest
import yaml

from gateway.kong_config import KONG_YAML, KongConfigError, read_consumers, read_yaml, render
from gateway.settings import REPOSITORY
from gateway.tokens import TokenError, TokenRequest, make_token, parse_life

SECRET = "s" * 40
CONSUMERS: list[Any] = [
    {"username": "demo", "jwt_secrets": [{"key": "demo-key", "algorithm": "HS256", "secret": SECRET}]},
    {"username": "own", "jwt_secrets": [{"key": "own-key", "algorithm": "RS256", "rsa_public_key": "…"}]},
]


def plugins(document: Any) -> set[str]:
    holders = [document, *document["services"], *(r for s in document["services"] for r in s["routes"])]
    return {plugin["name"] for holder in holders for plugin in holder.get("plugins", [])}


def test_consumers_and_addresses_go_in() -> None:
    source = read_yaml(REPOSITORY / KONG_YAML)
    assert "consumers" not in source
    rendered = render(source, consumers=CONSUMERS, service_url="http://b:1", tag_keys_file="/x/keys")
    assert rendered["consumers"] == CONSUMERS
    assert {service["url"] for service in rendered["services"]} == {"http://b:1"}
    assert "/x/keys" in yaml.safe_dump(rendered)
    assert plugins(rendered) == plugins(source)
    assert source == read_yaml(REPOSITORY / KONG_YAML)


def test_without_limits_only_the_limits_go() -> None:
    source = read_yaml(REPOSITORY / KONG_YAML)
    free = render(source, consumers=CONSUMERS, service_url="http://b:1", tag_keys_file="k", limits=False)
    assert plugins(source) - plugins(free) == {"rate-limiting"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "mapping"),
        ("a: [", "not YAML"),
        ("consumers: []", "consumers"),
        ("consumers: [{username: a, jwt_secrets: [{key: '12'}]}]", "not a number"),
        ("consumers: [{username: a, jwt_secrets: [{key: 12}]}]", "not a number"),
    ],
)
def test_a_bad_consumers_file_is_refused(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "consumers.yaml"
    file.write_text(text)
    with pytest.raises(KongConfigError, match=says):
        read_consumers(file)


def test_a_token_has_the_claims_that_were_asked() -> None:
    request = TokenRequest(
        "demo", "ann", "gold", "p1", ("inference", "admin"), ("gpt-*",), "phi", ("eu",), 60
    )
    claims = jwt.decode(
        make_token(request, CONSUMERS, now=1000.0),
        SECRET,
        ["HS256"],
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims.pop("jti")
    assert claims == {
        "iss": "demo-key",
        "sub": "ann",
        "iat": 1000,
        "exp": 1060,
        "tier": "gold",
        "project": "p1",
        "scope": "inference admin",
        "models": ["gpt-*"],
        "class_floor": "phi",
        "residency": ["eu"],
    }


def test_claims_that_were_not_asked_are_left_out() -> None:
    claims = jwt.decode(make_token(TokenRequest("demo"), CONSUMERS), SECRET, ["HS256"])
    assert set(claims) == {"iss", "iat", "exp", "jti"}
    assert claims["exp"] - claims["iat"] == 7 * 86400


def test_an_unknown_tenant_and_one_with_a_key_of_its_own_are_refused() -> None:
    with pytest.raises(TokenError, match="there are demo, own"):
        make_token(TokenRequest("nobody"), CONSUMERS)
    with pytest.raises(TokenError, match="HS256"):
        make_token(TokenRequest("own"), CONSUMERS)


@pytest.mark.parametrize(("text", "seconds"), [("7d", 604800), ("12h", 43200), ("30m", 1800), ("45s", 45)])
def test_a_life_has_a_unit(text: str, seconds: int) -> None:
    assert parse_life(text) == seconds


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "0d", "1w", "1 d", "99999999d"])
def test_a_life_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(TokenError):
        parse_life(text)
