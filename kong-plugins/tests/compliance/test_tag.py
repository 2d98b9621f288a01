"""The signed tag: it says what was signed, for this request, now, and nothing else passes."""

from __future__ import annotations

import base64
import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.classes import ComplianceClass
from compliance.tag import LIFETIME_S, SKEW_S, Tag, TagError, TagKeys, sign, verify
from compliance.tag_keys import TagKeysError, TagKeysFile

SECRET = bytes(range(32))
KEYS = TagKeys("k1", {"k1": SECRET})
NOW = 1_800_000_000.4
TAG = Tag(
    tenant="acme",
    subject="jane@acme.example",
    tier="gold",
    project=None,
    models=("gpt-*", "claude-*"),
    scopes=("chat",),
    compliance=ComplianceClass(frozenset({"phi", "pii"}), frozenset({"eu"})),
    rules=("token-floor", "ssn-us"),
    rules_revision="abc123",
    method="POST",
    target="/v1/chat/completions?x=1",
    body_sha256="ab" * 32,
)


def check(
    token: str,
    *,
    now: float = NOW,
    keys: TagKeys = KEYS,
) -> Tag:
    return verify(
        token,
        keys,
        now=now,
        method=TAG.method,
        target=TAG.target,
        body_sha256=TAG.body_sha256,
    )


def reason_of(call: Callable[[], Any]) -> str:
    with pytest.raises(TagError) as caught:
        call()
    return caught.value.reason


def test_what_was_signed_comes_back() -> None:
    tag = check(sign(TAG, KEYS, NOW))
    assert dataclasses.replace(tag, jti="", expires_at=0) == TAG
    assert tag.expires_at == int(NOW) + LIFETIME_S
    assert len(tag.jti) == 32


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.none()
    | st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=4).map(tuple),
    st.none() | st.frozensets(st.sampled_from(["eu", "us"])),
)
def test_any_text_comes_back(
    text: str, models: tuple[str, ...] | None, residency: frozenset[str] | None
) -> None:
    tag = dataclasses.replace(
        TAG, tenant=text, subject=text, models=models, compliance=ComplianceClass(frozenset(), residency)
    )
    read = check(sign(tag, KEYS, NOW))
    assert dataclasses.replace(read, jti="", expires_at=0) == tag


def test_every_signing_has_an_id_of_its_own() -> None:
    assert check(sign(TAG, KEYS, NOW)).jti != check(sign(TAG, KEYS, NOW)).jti


def test_pyjwt_verifies_what_we_sign() -> None:
    token = sign(TAG, KEYS, time.time())
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "kid": "k1", "typ": "portcullis-tag+jwt"}
    claims = jwt.decode(
        token, SECRET, algorithms=["HS256"], options={"require": ["exp", "iat", "jti", "sub"]}
    )
    assert claims["tenant"] == "acme"
    assert claims["exp"] == claims["iat"] + LIFETIME_S


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def forge(claims: dict[str, Any], secret: bytes = SECRET, algorithm: str = "HS256", **header: Any) -> str:
    named = {"kid": "k1", "typ": "portcullis-tag+jwt"} | header
    return jwt.encode(claims, secret, algorithm=algorithm, headers=named)


def test_we_verify_what_pyjwt_signs() -> None:
    token = sign(TAG, KEYS, NOW)
    assert check(forge(claims_of(token))) == check(token)


@pytest.mark.parametrize("age", [-SKEW_S, 0, LIFETIME_S, LIFETIME_S + SKEW_S - 0.5])
def test_a_tag_holds_in_its_time(age: float) -> None:
    assert check(sign(TAG, KEYS, NOW), now=NOW + age).tenant == "acme"


@pytest.mark.parametrize("age", [LIFETIME_S + SKEW_S + 1, 3600, -SKEW_S - 1, -3600])
def test_a_tag_does_not_hold_at_other_times(age: float) -> None:
    assert reason_of(lambda: check(sign(TAG, KEYS, NOW), now=NOW + age)) == "expired"


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        (dataclasses.replace(TAG, method="GET"), "other-method"),
        (dataclasses.replace(TAG, target="/v1/chat/completions"), "other-target"),
        (dataclasses.replace(TAG, body_sha256="cd" * 32), "other-body"),
    ],
)
def test_a_tag_holds_for_its_own_request_only(tag: Tag, reason: str) -> None:
    assert reason_of(lambda: check(sign(tag, KEYS, NOW))) == reason


def test_no_tag_is_missing() -> None:
    assert reason_of(lambda: check("")) == "missing"


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "a.b",
        "a.b.c.d",
        "..",
        "é.b.c",
        "a.b.c" + "x" * 70_000,
        base64.urlsafe_b64encode(b"[]").decode() + ".e30.x",
        base64.urlsafe_b64encode(b"\xff").decode() + ".e30.x",
    ],
)
def test_garbage_is_malformed(token: str) -> None:
    assert reason_of(lambda: check(token)) == "malformed"


def test_the_algorithm_is_fixed() -> None:
    claims = claims_of(sign(TAG, KEYS, NOW))
    unsigned = jwt.encode(claims, "", algorithm="none", headers={"kid": "k1", "typ": "portcullis-tag+jwt"})
    assert reason_of(lambda: check(unsigned)) == "malformed"
    other = forge(claims, bytes(64), algorithm="HS512")
    assert reason_of(lambda: check(other, keys=TagKeys("k1", {"k1": bytes(64)}))) == "malformed"
    assert reason_of(lambda: check(forge(claims, typ="JWT"))) == "malformed"


def test_another_key_is_unknown_and_another_secret_does_not_match() -> None:
    claims = claims_of(sign(TAG, KEYS, NOW))
    assert reason_of(lambda: check(forge(claims, kid="k2"))) == "unknown-key"
    assert reason_of(lambda: check(forge(claims, bytes(32)))) == "bad-signature"


def test_every_changed_character_is_noticed() -> None:
    token = sign(TAG, KEYS, NOW)
    for place in range(len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(TagError) as caught:
            check(changed)
        assert caught.value.reason in ("malformed", "unknown-key", "bad-signature")


@pytest.mark.parametrize(
    "change",
    [
        {"class": ["nonsense"]},
        {"class": None},
        {"exp": int(NOW) + 3600},
        {"exp": "soon"},
        {"jti": ""},
        {"tenant": ...},
    ],
)
def test_signed_claims_that_are_not_ours_are_malformed(change: dict[str, Any]) -> None:
    claims = claims_of(sign(TAG, KEYS, NOW)) | change
    claims = {name: value for name, value in claims.items() if value is not ...}
    token = _signed_by_hand(claims)
    assert reason_of(lambda: check(token)) == "malformed"


def _signed_by_hand(claims: dict[str, Any]) -> str:
    return jwt.PyJWS().encode(
        json.dumps(claims).encode(), SECRET, "HS256", headers={"kid": "k1", "typ": "portcullis-tag+jwt"}
    )


def test_two_keys_are_valid_while_one_replaces_the_other() -> None:
    both = TagKeys("k2", {"k1": SECRET, "k2": bytes(32)})
    assert check(sign(TAG, KEYS, NOW), keys=both).tenant == "acme"
    assert check(sign(TAG, both, NOW), keys=both).tenant == "acme"
    assert reason_of(lambda: check(sign(TAG, both, NOW))) == "unknown-key"


def encoded(secret: bytes) -> str:
    return base64.urlsafe_b64encode(secret).decode().rstrip("=")


def write_keys(path: Path, current: str = "k1", **secrets: bytes) -> Path:
    keys = {kid: encoded(secret) for kid, secret in (secrets or {"k1": SECRET}).items()}
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps({"current": current, "keys": keys}))
    return temporary.replace(path)


def test_keys_are_read_from_a_file(tmp_path: Path) -> None:
    keys = TagKeys.from_file(write_keys(tmp_path / "keys.json", k0=bytes(40), k1=SECRET))
    assert keys == TagKeys("k1", {"k0": bytes(40), "k1": SECRET})


SHORT, LONG = encoded(b"!" * 31), encoded(b"!" * 32)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "not JSON"),
        ("[]", "expected"),
        ('{"keys": {}}', "does not name"),
        (f'{{"current": "b", "keys": {{"a": "{LONG}"}}}}', "does not name"),
        (f'{{"current": "a", "keys": {{"a": "{SHORT}"}}}}', "31 bytes"),
        (f'{{"current": "a", "keys": {{"a": "{LONG}+/"}}}}', "not base64url"),
        ('{"current": "a", "keys": {"a": 7}}', "expected a base64url string"),
        (f'{{"current": "a b", "keys": {{"a b": "{LONG}"}}}}', "key id"),
    ],
)
def test_a_wrong_key_file_is_named_with_what_is_wrong(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    with pytest.raises(TagKeysError, match=complaint) as caught:
        TagKeys.from_file(path)
    assert str(path) in str(caught.value)
    assert LONG[:8] not in str(caught.value)


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TagKeysError, match=r"absent\.json: No such file"):
        TagKeys.from_file(tmp_path / "absent.json")


def test_no_secret_shows_in_the_repr() -> None:
    assert repr(SECRET)[2:10] not in repr(KEYS)


def test_a_changed_file_is_read_again_after_a_second(tmp_path: Path) -> None:
    path = write_keys(tmp_path / "keys.json")
    file = TagKeysFile(path)
    assert file.keys(0.0).current == "k1"
    write_keys(path, "k2", k1=SECRET, k2=bytes(32))
    assert file.keys(0.9).current == "k1"
    assert file.keys(1.1).current == "k2"


def test_a_file_that_goes_away_or_breaks_is_an_error_until_it_is_right(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    file = TagKeysFile(path)
    for break_it in (lambda: None, path.unlink, lambda: path.write_text("{")):
        break_it()
        for moment in (100.0, 100.1, 200.0):
            with pytest.raises(TagKeysError, match=r"keys\.json"):
                file.keys(moment)
        write_keys(path)
        assert file.keys(200.1).current == "k1"
        file = TagKeysFile(path)
        assert file.keys(0.0).current == "k1"
