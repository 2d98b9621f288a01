"""Which published keys are used, and for what."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from oidc.keys import MAX_KEYS, KeysError, KeySet, read_key_set
from testing.identity_provider import private_key, public_jwk

RSA = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}


def key_set(*rows: Any) -> KeySet:
    return read_key_set(orjson.dumps({"keys": rows}))


@pytest.fixture(scope="module")
def rsa_row() -> dict[str, Any]:
    return public_jwk(private_key("RS256"), "RS256", kid="r")


@pytest.mark.parametrize(
    ("algorithm", "fits"),
    [
        ("RS256", RSA),
        ("PS512", RSA),
        ("ES256", {"ES256"}),
        ("ES384", {"ES384"}),
        ("ES512", {"ES512"}),
        ("EdDSA", {"EdDSA"}),
        ("Ed448", {"EdDSA"}),
    ],
)
def test_a_key_fits_the_algorithms_of_its_kind(algorithm: str, fits: set[str]) -> None:
    row = public_jwk(private_key(algorithm), algorithm)
    for member in ("alg", "key_ops"):
        row.pop(member, None)
    [key] = key_set(row).keys
    assert key.algorithms == fits


def test_a_key_that_names_its_algorithm_fits_no_other(rsa_row: dict[str, Any]) -> None:
    [key] = key_set({**rsa_row, "alg": "PS256"}).keys
    assert key.algorithms == {"PS256"}


@pytest.mark.parametrize(
    "changed",
    [
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "EC"},
        {"kty": 7},
        {"alg": "HS256"},
        {"alg": "none"},
        {"alg": "RSA-OAEP"},
        {"alg": ["RS256"]},
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"d": "AQAB"},
        {"n": "not base64!"},
        {"n": None},
        {"e": ""},
        {"kid": 7},
    ],
)
def test_a_key_that_is_no_use_is_left_out(changed: dict[str, Any], rsa_row: dict[str, Any]) -> None:
    good = public_jwk(private_key("ES256"), "ES256", kid="e")
    assert [key.kid for key in key_set({**rsa_row, **changed}, "no key", good).keys] == ["e"]


def test_a_weak_key_is_left_out() -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    assert key_set(public_jwk(weak, "RS256", kid="w")).keys == ()


def test_a_key_on_another_curve_is_left_out() -> None:
    row = public_jwk(private_key("ES256"), "ES256")
    assert key_set({**row, "crv": "secp256k1"}).keys == ()
    assert key_set({**row, "crv": "P-384"}).keys == ()


def test_without_kid_only_where_one_key_comes_into_question(rsa_row: dict[str, Any]) -> None:
    second = public_jwk(private_key("RS256"), "RS256", kid="s")
    curve = public_jwk(private_key("ES256"), "ES256", kid="e")
    keys = key_set(rsa_row, second, curve)
    assert keys.fitting(None, "RS256") == ()
    assert [key.kid for key in keys.fitting(None, "ES256")] == ["e"]
    assert [key.kid for key in keys.fitting("s", "RS256")] == ["s"]
    assert keys.fitting("e", "RS256") == ()
    assert keys.fitting("x", "RS256") == ()


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"[]", b"null", b"{}", b'{"keys": {}}', b'{"keys": null}', b"\xff"]
)
def test_what_is_no_key_set_is_an_error(content: bytes) -> None:
    with pytest.raises(KeysError):
        read_key_set(content)


def test_too_many_keys_are_an_error() -> None:
    with pytest.raises(KeysError, match=f"more than {MAX_KEYS}"):
        key_set(*[{}] * (MAX_KEYS + 1))


def test_no_keys_are_a_set_all_the_same() -> None:
    """An issuer that has withdrawn all its keys."""
    assert not key_set().knows(None)
