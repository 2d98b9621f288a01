"""What `configs/deploy/values.py` draws and shapes is what Kong, the backend and Kubernetes take."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jwt
import pytest

from compliance.tag_keys import TagKeys

VALUES = Path(__file__).resolve().parents[2] / "configs/deploy/values.py"


def values(*words: str, given: str = "") -> str:
    run = subprocess.run(
        [sys.executable, "-I", str(VALUES), *words],
        input=given,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return run.stdout


def documents(text: str) -> dict[tuple[str, str], dict[str, str]]:
    """Secrets by namespace and name: their keys, decoded."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for part in filter(str.strip, text.split("---\n")):
        document: dict[str, Any] = json.loads(part)
        assert (document["apiVersion"], document["kind"], document["type"]) == ("v1", "Secret", "Opaque")
        metadata = document["metadata"]
        found[metadata["namespace"], metadata["name"]] = {
            key: base64.b64decode(value).decode() for key, value in document["data"].items()
        }
    return found


def test_a_drawn_key_signs_tags() -> None:
    drawn = values("tag-keys")
    assert len(TagKeys.from_document(json.loads(drawn)).secrets) == 1
    assert drawn != values("tag-keys")


def test_a_token_is_good_by_the_drawn_credential() -> None:
    credential = json.loads(values("credential", "demo"))
    assert len(credential["secret"]) >= 32
    token = values("token", "someone", given=json.dumps(credential))
    claims = jwt.decode(token, credential["secret"], algorithms=["HS256"])
    assert (claims["iss"], claims["sub"]) == ("demo", "someone")
    assert claims["exp"] - claims["iat"] == 7 * 86400


def test_a_credential_becomes_one_of_kongs() -> None:
    credential = values("credential", "demo")
    manifest = values(
        "secret", "portcullis", "portcullis-demo-jwt", "*", "konghq.com/credential=jwt", given=credential
    )
    assert json.loads(manifest.split("---")[0])["metadata"]["labels"]["konghq.com/credential"] == "jwt"
    assert documents(manifest)["portcullis", "portcullis-demo-jwt"] == json.loads(credential)


def test_the_store_is_known_to_the_backend_and_to_kong() -> None:
    found = documents(values("redis", "portcullis", "kong", "10.1.2.3", "6378", given="word\0-----BEGIN\n\0"))
    assert found["portcullis", "portcullis-redis"] == {
        "url": "rediss://:word@10.1.2.3:6378/0",
        "password": "word",
        "ca.crt": "-----BEGIN\n",
    }
    assert found["kong", "portcullis-redis-ca"] == {"ca.crt": "-----BEGIN\n"}
    kong = json.loads(found["portcullis", "portcullis-kong-redis"]["redis"])
    assert kong == {
        "host": "10.1.2.3", "port": 6378, "ssl": True, "ssl_verify": True, "database": 0, "password": "word"
    }  # fmt: skip


def test_a_store_without_password_or_authority() -> None:
    found = documents(values("redis", "portcullis", "kong", "redis.example.com", "6379", given="\0\0"))
    assert found["portcullis", "portcullis-redis"]["url"] == "rediss://redis.example.com:6379/0"
    assert set(found) == {("portcullis", "portcullis-redis"), ("portcullis", "portcullis-kong-redis")}


@pytest.mark.parametrize(
    ("kept", "given", "merged"),
    [
        ("", [], {}),
        ("", ["A=1"], {"A": "1"}),
        ('{"A": "1"}', ["B=2=3"], {"A": "1", "B": "2=3"}),
        ('{"A": "1"}', ["A=1"], None),
        ('{"A": "1"}', [], None),
        ('{"A": "1"}', ["A=2"], {"A": "2"}),
    ],
)
def test_keys_are_added_and_never_lost(kept: str, given: list[str], merged: dict[str, str] | None) -> None:
    printed = values("merge", given="".join(f"{row}\0" for row in [kept, *given]))
    assert (json.loads(printed) if printed else None) == merged


def test_what_is_kept_and_no_json_is_not_shown() -> None:
    run = subprocess.run(
        [sys.executable, "-I", str(VALUES), "merge"],
        input="sk-secret\0A=1\0",
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "sk-secret" not in run.stdout + run.stderr


def test_outputs_of_terraform() -> None:
    outputs = {"a": {"value": "x"}, "n": {"value": 6379}, "none": {"value": None}, "m": {"value": {"k": "v"}}}
    assert values("outputs", given=json.dumps(outputs)) == "a\tx\nn\t6379\nnone\t\nm.k\tv\n"


def test_manifests_by_kind() -> None:
    namespace = "kind: Namespace\nmetadata:\n  name: a\n---\n"
    text = f"{namespace}kind: Certificate\nmetadata:\n  name: c\n  namespace: n\nspec:\n  kind: x\n"
    assert values("of-kinds", "Namespace", given=text) == namespace
    assert values("certificates", given=text) == "n c\n"


def test_the_newest_active_token_of_the_store() -> None:
    rows = [
        {"token": "old", "createTime": "2026-01-01T00:00:00Z", "state": "ACTIVE"},
        {"token": "new", "createTime": "2026-02-01T00:00:00Z", "state": "ACTIVE"},
        {"token": "gone", "createTime": "2026-03-01T00:00:00Z", "state": "DELETING"},
    ]
    assert values("auth-token", given=json.dumps({"authTokens": rows})) == "new"
