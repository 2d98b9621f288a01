"""When the keys of an issuer are asked for, and what serves meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from oidc.fetch import FetchError
from oidc.keys import KeySet
from oidc.provider import (
    FRESH_S,
    RETRY_S,
    RETRY_WITHOUT_KEYS_S,
    UNKNOWN_KID_S,
    WAIT_S,
    Provider,
    ProviderDown,
)
from oidc.settings import Issuer, read_settings
from testing.identity_provider import Fault, IdentityProvider, private_key, public_jwk

Make = Callable[..., Any]
JWK = public_jwk(private_key("ES256"), "ES256")


class Source:
    """What `fetch` gives: keys by these names, or an error. Each fetch waits for `gate`."""

    def __init__(self, *kids: str) -> None:
        self.kids = list(kids)
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.asked = 0
        self.now = 1000.0

    def __call__(self, url: str) -> bytes:
        assert url == "https://idp.test/keys"
        self.asked += 1
        assert self.gate.wait(10)
        if self.error is not None:
            raise self.error
        return orjson.dumps({"keys": [{**JWK, "kid": kid} for kid in self.kids]})

    def clock(self) -> float:
        return self.now


def issuer(**row: Any) -> Issuer:
    row = {"issuer": "https://idp.test", "consumer": "c", "audience": ["a"], **row}
    return read_settings({"issuers": [row]}).issuers[row["issuer"]]


def provider_of(source: Source) -> Provider:
    return Provider(issuer(jwks_uri="https://idp.test/keys"), source, source.clock)


def kids(keys: KeySet | None) -> list[str | None]:
    return [key.kid for key in keys.keys] if keys else []


def settled(provider: Provider, wanted: Callable[[Provider], bool]) -> None:
    """Waits until a fetch in the background has come to what is wanted."""
    deadline = time.monotonic() + 10
    while not wanted(provider):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_keys_are_fetched_once_for_known_kids() -> None:
    source = Source("a", "b")
    provider = provider_of(source)
    assert provider.current is None
    for kid in ("a", "b", "a", None):
        assert kids(provider.keys_for(kid)) == ["a", "b"]
    assert source.asked == 1


def test_a_new_key_is_fetched_when_it_is_first_seen() -> None:
    source = Source("a")
    provider = provider_of(source)
    provider.keys_for("a")
    source.kids = ["a", "b"]
    assert provider.keys_for("b").knows("b")
    assert source.asked == 2


def test_unknown_kids_fetch_at_most_once_a_minute() -> None:
    source = Source("a")
    provider = provider_of(source)
    provider.keys_for("a")
    for number in range(50):
        assert not provider.keys_for(f"x{number}").knows(f"x{number}")
    assert source.asked == 2
    assert not provider.would_wait("y")
    source.now += UNKNOWN_KID_S + 1
    assert provider.would_wait("y")
    assert not provider.would_wait("a")
    for number in range(50):
        provider.keys_for(f"y{number}")
    assert source.asked == 3


def test_a_crowd_waits_for_one_fetch() -> None:
    source = Source("a")
    source.gate.clear()
    provider = provider_of(source)
    found: list[KeySet] = []
    crowd = [threading.Thread(target=lambda: found.append(provider.keys_for("a"))) for _ in range(20)]
    for thread in crowd:
        thread.start()
    source.gate.set()
    for thread in crowd:
        thread.join(10)
    assert len(found) == 20
    assert source.asked == 1


def test_nobody_waits_longer_than_a_second() -> None:
    source = Source("a")
    source.gate.clear()
    provider = provider_of(source)
    begun = time.monotonic()
    with pytest.raises(ProviderDown):
        provider.keys_for("a")
    assert WAIT_S <= time.monotonic() - begun < WAIT_S + 0.4
    source.gate.set()
    settled(provider, lambda one: one.current is not None)
    assert provider.keys_for("a").knows("a")
    assert source.asked == 1


def test_without_any_keys_the_issuer_is_asked_again_soon() -> None:
    source = Source("a")
    source.error = FetchError("no route")
    provider = provider_of(source)
    for _ in range(5):
        with pytest.raises(ProviderDown):
            provider.keys_for("a")
    assert source.asked == 1
    assert provider.take_problem() == "the keys of https://idp.test cannot be read: no route"
    assert provider.take_problem() is None
    source.error = None
    source.now += RETRY_WITHOUT_KEYS_S + 1
    assert provider.keys_for("a").knows("a")
    assert provider.take_problem() is None


def test_the_last_good_keys_serve_while_the_issuer_is_down() -> None:
    source = Source("a")
    provider = provider_of(source)
    good = provider.keys_for("a")
    source.error = FetchError("down")
    for _ in range(20):
        source.now += FRESH_S
        assert provider.keys_for("a") is good
        settled(provider, lambda one: one.take_problem() is not None or source.asked < 2)
    source.error = None
    assert not provider.keys_for("b").knows("b")
    assert provider.keys_for("a") is good


def test_old_keys_are_fetched_anew_and_nobody_waits_for_it() -> None:
    source = Source("a")
    provider = provider_of(source)
    old = provider.keys_for("a")
    source.kids = ["b"]
    source.gate.clear()
    source.now += FRESH_S + 1
    assert not provider.would_wait("a")
    assert provider.keys_for("a") is old
    assert provider.keys_for("a") is old
    source.gate.set()
    settled(provider, lambda one: kids(one.current) == ["b"])
    assert source.asked == 2


def test_a_refresh_that_fails_is_tried_again_after_a_minute() -> None:
    source = Source("a")
    provider = provider_of(source)
    provider.keys_for("a")
    source.error = FetchError("down")
    source.now += FRESH_S + 1
    provider.keys_for("a")
    settled(provider, lambda one: one.take_problem() is not None)
    for _ in range(5):
        provider.keys_for("a")
    assert source.asked == 2
    source.now += RETRY_S + 1
    provider.keys_for("a")
    settled(provider, lambda one: one.take_problem() is not None)
    assert source.asked == 3


def test_keys_that_did_not_change_are_the_same_object() -> None:
    source = Source("a")
    provider = provider_of(source)
    first = provider.keys_for("a")
    source.now += FRESH_S + 1
    provider.keys_for("a")
    settled(provider, lambda one: source.asked == 2 and not one.would_wait("a"))
    source.now += 1
    assert provider.current is first


@pytest.mark.parametrize("error", [RuntimeError("secret text"), MemoryError(), RecursionError()])
def test_an_error_that_nobody_thought_of_is_a_problem_without_its_text(error: Exception) -> None:
    source = Source("a")
    source.error = error
    provider = provider_of(source)
    with pytest.raises(ProviderDown):
        provider.keys_for("a")
    assert provider.take_problem() == f"the keys of https://idp.test cannot be read: {type(error).__name__}"


def test_discovery_leads_to_the_keys(idp: IdentityProvider) -> None:
    keys = Provider(issuer(issuer=idp.issuer)).keys_for(idp.keys[0].kid)
    assert kids(keys) == [idp.keys[0].kid]
    assert idp.asked == ["/realm/.well-known/openid-configuration", "/realm/keys"]


def test_an_address_of_keys_needs_no_discovery(idp: IdentityProvider) -> None:
    provider = Provider(issuer(issuer="idp", jwks_uri=idp.jwks_uri))
    assert provider.keys_for(idp.keys[0].kid).keys
    assert idp.asked == ["/realm/keys"]


@pytest.mark.parametrize(
    ("fault", "says"),
    [("other-issuer", "names another issuer"), ("garbage", "not JSON"), ("status", "status 500")],
)
def test_a_discovery_that_is_wrong_gives_no_keys(fault: Fault, says: str, idp: IdentityProvider) -> None:
    idp.fault = fault
    provider = Provider(issuer(issuer=idp.issuer))
    with pytest.raises(ProviderDown):
        provider.keys_for("a")
    assert says in (provider.take_problem() or "")
    assert "/realm/keys" not in idp.asked


def test_discovery_may_not_lead_to_a_machine_without_tls(idp: IdentityProvider) -> None:
    idp.jwks_host = "http://internal.test"
    provider = Provider(issuer(issuer=idp.issuer))
    with pytest.raises(ProviderDown):
        provider.keys_for("a")
    assert "expected https" in (provider.take_problem() or "")


@pytest.mark.parametrize("scheme", ["http", "HTTP"])
def test_discovery_over_tls_may_not_lead_to_this_machine_without_it(scheme: str) -> None:
    """An issuer elsewhere would have us ask whatever listens here."""
    described = orjson.dumps({"issuer": "https://idp.test", "jwks_uri": f"{scheme}://127.0.0.1:1/keys"})
    provider = Provider(issuer(), lambda url: described)
    with pytest.raises(ProviderDown):
        provider.keys_for("a")
    assert "from https to http" in (provider.take_problem() or "")
