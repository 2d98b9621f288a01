"""What an issuer may be configured as, and how a wrong one is refused."""

from __future__ import annotations

from typing import Any

import pytest

from oidc.settings import ALGORITHMS, SettingsError, is_loopback, read_settings

ROW: dict[str, Any] = {"issuer": "https://idp.test/realm", "consumer": "acme", "audience": ["portcullis"]}


def test_a_row_has_defaults() -> None:
    settings = read_settings({"issuers": [ROW], "__seq__": 1, "route_id": "x", "ca_file": None})
    issuer = settings.issuers["https://idp.test/realm"]
    assert issuer.discovery_uri == "https://idp.test/realm/.well-known/openid-configuration"
    assert (issuer.consumer, issuer.audiences, issuer.jwks_uri) == ("acme", ("portcullis",), None)
    assert issuer.algorithms == set(ALGORITHMS)
    assert settings.leeway_s == 60


def test_nothing_symmetric_and_not_none_can_be_allowed() -> None:
    assert not [name for name in ALGORITHMS if name.startswith("HS") or name == "none"]


def test_a_name_that_is_no_url_needs_the_address_of_its_keys() -> None:
    row = {**ROW, "issuer": "accounts.idp.test"}
    with pytest.raises(SettingsError, match=r"issuers\[0\].issuer: 'accounts.idp.test'; expected a URL"):
        read_settings({"issuers": [row]})
    named = read_settings({"issuers": [{**row, "jwks_uri": "https://idp.test/keys"}]})
    assert named.issuers["accounts.idp.test"].jwks_uri == "https://idp.test/keys"


def test_an_empty_list_may_come_from_lua_as_a_table() -> None:
    assert read_settings({"issuers": [{**ROW, "algorithms": {}}]})
    with pytest.raises(SettingsError, match="at least one"):
        read_settings({"issuers": [{**ROW, "audience": {}}]})


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"issuer": "http://idp.test"}, "expected https"),
        ({"issuer": "ftp://idp.test"}, "expected https"),
        ({"issuer": "https://user:pass@idp.test"}, "expected a URL"),
        ({"issuer": "https://idp.test?tenant=a"}, "expected a URL"),
        ({"issuer": "https://idp.test:99999"}, "expected a URL"),
        ({"issuer": "https://[idp"}, "expected a URL"),
        ({"issuer": ""}, "expected text"),
        ({"issuer": 7}, "expected text"),
        ({"jwks_uri": "http://idp.test/keys"}, "jwks_uri.*expected https"),
        ({"consumer": None}, "consumer: None; expected text"),
        ({"audience": []}, "at least one"),
        ({"audience": "portcullis"}, "expected a list"),
        ({"audience": [1]}, "expected text"),
        ({"algorithms": ["HS256"]}, "algorithms: 'HS256'"),
        ({"algorithms": ["none"]}, "algorithms: 'none'"),
        ({"jwks_url": "https://idp.test"}, "jwks_url: not known"),
    ],
)
def test_a_wrong_row_is_refused_by_its_key(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        read_settings({"issuers": [{**ROW, **changed}]})


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({}, "issuers: expected"),
        ({"issuers": []}, "issuers: expected"),
        ({"issuers": ["https://idp.test"]}, "expected a table"),
        ({"issuers": [ROW, ROW]}, r"issuers\[1\].issuer: .* is there twice"),
        ({"issuers": [ROW], "leeway_s": 301}, "leeway_s: 301"),
        ({"issuers": [ROW], "leeway_s": -1}, "leeway_s: -1"),
        ({"issuers": [ROW], "leeway_s": True}, "leeway_s: True"),
        ({"issuers": [ROW], "ca_file": ""}, "ca_file"),
    ],
)
def test_a_wrong_whole_is_refused(config: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        read_settings(config)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)
    url = f"http://[{host}]" if ":" in host else f"http://{host}:8080"
    assert read_settings({"issuers": [{**ROW, "issuer": url}]})


@pytest.mark.parametrize("host", ["localhost.idp.test", "127.0.0.1.idp.test", "10.0.0.1", "0.0.0.0", ""])
def test_another_machine(host: str) -> None:
    assert not is_loopback(host)
