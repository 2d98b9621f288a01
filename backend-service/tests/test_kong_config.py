"""Rendering Kong's file, and tokens under its consumers."""

from pathlib import Path
from typing import Any

import jwt
import pytest
import yaml

from embedded_edge.config import load_config
from gateway.kong_config import KONG_YAML, KongConfigError, read_consumers, read_issuers, read_yaml, render
from gateway.settings import REPOSITORY
from gateway.tokens import TokenError, TokenRequest, make_token, parse_life
from testing.certificates import Authority

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
    [upstream], [service] = rendered["upstreams"], rendered["services"]
    assert upstream["targets"] == [{"target": "b:1"}]
    assert (service["host"], service["protocol"]) == (upstream["name"], "http")
    assert "/x/keys" in yaml.safe_dump(rendered)
    assert plugins(rendered) == plugins(source)
    assert source == read_yaml(REPOSITORY / KONG_YAML)


def test_a_backend_with_tls_is_spoken_to_and_checked_with_it(tmp_path: Path) -> None:
    """Kong verifies nothing unless the service says so, and takes one certificate a row."""
    source = read_yaml(REPOSITORY / KONG_YAML)
    old, new = (Authority(tmp_path, name).file.read_text() for name in ("old", "new"))
    rendered = render(
        source, consumers=CONSUMERS, service_url="https://b.test", tag_keys_file="k", service_ca=old + new
    )
    [upstream], [service] = rendered["upstreams"], rendered["services"]
    assert upstream["targets"] == [{"target": "b.test:443"}]
    assert (service["protocol"], upstream["healthchecks"]["active"]["type"]) == ("https", "https")
    assert [row["cert"] for row in rendered["ca_certificates"]] == [old, new]
    assert service["tls_verify"] is True
    assert service["ca_certificates"] == [row["id"] for row in rendered["ca_certificates"]]
    edge = load_config({**rendered, "consumers": CONSUMERS[:1]}, [REPOSITORY / "kong-plugins/plugins"])
    assert edge.services[0].authorities.count("BEGIN CERTIFICATE") == 2


@pytest.mark.parametrize("authority", [None, "", "nonsense"])
def test_a_backend_whose_certificate_nobody_would_check_is_refused(authority: str | None) -> None:
    with pytest.raises(KongConfigError, match="https needs the certificate"):
        render(
            read_yaml(REPOSITORY / KONG_YAML),
            consumers=CONSUMERS,
            service_url="https://b",
            tag_keys_file="k",
            service_ca=authority,
        )


@pytest.mark.parametrize("url", ["b:1", "ftp://b", "http://b/path", "http://"])
def test_what_is_no_address_of_the_backend_is_refused(url: str) -> None:
    with pytest.raises(KongConfigError, match="service URL"):
        render(read_yaml(REPOSITORY / KONG_YAML), consumers=CONSUMERS, service_url=url, tag_keys_file="k")


def test_without_limits_only_the_limits_go() -> None:
    source = read_yaml(REPOSITORY / KONG_YAML)
    free = render(source, consumers=CONSUMERS, service_url="http://b:1", tag_keys_file="k", limits=False)
    assert plugins(source) - plugins(free) == {"rate-limiting"}


@pytest.mark.parametrize(
    ("url", "redis"),
    [
        ("redis://r", {"host": "r", "port": 6379, "database": 0, "ssl": False, "ssl_verify": False}),
        (
            "rediss://u:p%40ss@r.test:6380/2",
            {
                "host": "r.test",
                "port": 6380,
                "database": 2,
                "ssl": True,
                "ssl_verify": True,
                "username": "u",
                "password": "p@ss",
            },
        ),
    ],
)
def test_with_a_store_the_limits_are_counted_there_or_nobody_passes(url: str, redis: dict[str, Any]) -> None:
    source = read_yaml(REPOSITORY / KONG_YAML)
    rendered = render(source, consumers=CONSUMERS, service_url="http://b:1", tag_keys_file="k", redis_url=url)
    [before], [after] = (
        [plugin["config"] for plugin in chain_of(document) if plugin["name"] == "rate-limiting"]
        for document in (source, rendered)
    )
    assert after == {**before, "policy": "redis", "fault_tolerant": False, "redis": redis}


@pytest.mark.parametrize(
    "url", ["r:6379", "http://r", "redis://", "redis://:s3cret@r:x/0", "redis://:s3cret@r/x"]
)
def test_a_store_without_an_address_is_refused_without_its_password(url: str) -> None:
    source = read_yaml(REPOSITORY / KONG_YAML)
    with pytest.raises(KongConfigError, match="REDIS_URL") as caught:
        render(source, consumers=CONSUMERS, service_url="http://b:1", tag_keys_file="k", redis_url=url)
    assert "s3cret" not in str(caught.value)


def test_with_tls_only_the_open_address_answers_without_it() -> None:
    source = read_yaml(REPOSITORY / KONG_YAML)
    rendered = render(source, consumers=CONSUMERS, service_url="http://b:1", tag_keys_file="k", tls=True)
    routes = {route["name"]: route for route in rendered["services"][0]["routes"]}
    assert (routes["api"]["protocols"], routes["api"]["https_redirect_status_code"]) == (["https"], 308)
    assert "protocols" not in routes["health"]


ISSUERS = {"issuers": [{"issuer": "https://idp.test", "consumer": "demo", "audience": ["a"]}]}


def chain_of(document: Any) -> list[dict[str, Any]]:
    [plugins] = [route["plugins"] for route in document["services"][0]["routes"] if "plugins" in route]
    return list(plugins)


def test_without_an_issuer_there_is_no_anonymous() -> None:
    rendered = yaml.safe_dump(
        render(
            read_yaml(REPOSITORY / KONG_YAML),
            consumers=CONSUMERS,
            service_url="http://b:1",
            tag_keys_file="k",
        )
    )
    assert "oidc-jwt" not in rendered
    assert "anonymous:" not in rendered


def test_an_issuer_puts_its_plugin_behind_jwt() -> None:
    source = read_yaml(REPOSITORY / KONG_YAML)
    rendered = render(
        source, consumers=CONSUMERS, service_url="http://b:1", tag_keys_file="k", issuers=ISSUERS
    )
    names = [plugin["name"] for plugin in chain_of(rendered)]
    assert names[names.index("jwt") + 1] == "oidc-jwt"
    configs = {plugin["name"]: plugin["config"] for plugin in chain_of(rendered)}
    assert configs["oidc-jwt"] == ISSUERS
    before = {plugin["name"]: plugin["config"] for plugin in chain_of(source)}
    assert configs["jwt"] == {**before["jwt"], "anonymous": "anonymous"}
    # Nobody: without a credential, so that the gate refuses who is only that.
    assert rendered["consumers"] == [*CONSUMERS, {"username": "anonymous"}]
    assert source == read_yaml(REPOSITORY / KONG_YAML)


@pytest.mark.parametrize(
    ("consumers", "says"),
    [
        (CONSUMERS[1:], "issuer https://idp.test: there is no consumer 'demo'; there are own"),
        ([*CONSUMERS, {"username": "anonymous"}], "consumer anonymous: the name is taken"),
    ],
)
def test_an_issuer_needs_a_consumer_and_anonymous_is_nobody(consumers: list[Any], says: str) -> None:
    source = read_yaml(REPOSITORY / KONG_YAML)
    with pytest.raises(KongConfigError, match=says):
        render(source, consumers=consumers, service_url="http://b:1", tag_keys_file="k", issuers=ISSUERS)


def test_issuers_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "issuers.yaml"
    file.write_text(yaml.safe_dump(ISSUERS))
    assert read_issuers(file) == ISSUERS
    file.write_text("")
    assert read_issuers(file) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("issuers: []", "issuers.yaml: issuers: expected"),
        ("issuers: [{issuer: 'http://idp.test', consumer: c, audience: [a]}]", "expected https"),
        ("issuer: x", "issuer: not known"),
        ("[]", "mapping"),
    ],
)
def test_a_bad_issuers_file_is_refused(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "issuers.yaml"
    file.write_text(text)
    with pytest.raises(KongConfigError, match=says):
        read_issuers(file)
    with pytest.raises(KongConfigError, match="No such file"):
        read_issuers(tmp_path / "absent.yaml")


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
