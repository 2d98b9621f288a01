"""What `deploy.sh` needs of JSON and of secrets, with nothing but Python's own library.

    values.py COMMAND [WORDS]    what comes by standard input, as what leaves by standard output

Secrets are never an argument, and never in the environment.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import secrets
import sys
import time
from collections.abc import Callable
from typing import Any

TOKEN_LIFE_S = 7 * 86400


def outputs(text: str) -> str:
    """`terraform output -json` as lines of name, tab, value; a map's as name.key."""
    lines = []
    for name, output in json.loads(text).items():
        value = output["value"]
        rows = (
            {f"{name}.{key}": part for key, part in value.items()}
            if isinstance(value, dict)
            else {name: value}
        )
        for row, part in rows.items():
            shown = part if isinstance(part, str) else "" if part is None else json.dumps(part)
            lines.append(f"{row}\t{shown}\n")
    return "".join(lines)


def tag_keys(_: str) -> str:
    """A new key that tags are signed with."""
    kid = f"k-{time.strftime('%Y%m%d')}-{secrets.token_hex(2)}"
    return json.dumps(
        {"current": kid, "keys": {kid: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}}
    )


def credential(_: str, tenant: str) -> str:
    """A new credential of a tenant, as Kong's `jwt` knows it."""
    return json.dumps({"key": tenant, "algorithm": "HS256", "secret": secrets.token_urlsafe(36)})


def merge(text: str) -> str:
    """Provider keys: the kept ones, then NAME=value of each given one, each ended by a NUL.

    All of them where something changes, else nothing. A key that is not given stays.
    """
    kept_text, *given = text.split("\0")[:-1]
    kept = _object(kept_text or "{}", "the kept keys")
    merged = kept | dict(row.split("=", 1) for row in given)
    return json.dumps(merged) if merged != kept or not kept_text else ""


def secret(text: str, namespace: str, name: str, key: str, label: str = "") -> str:
    """The input as a Kubernetes Secret under ``key``; `*`: a JSON object, of which each member is a key."""
    return _secret(namespace, name, _object(text, name) if key == "*" else {key: text}, label)


def password(_: str) -> str:
    """A new password."""
    return secrets.token_urlsafe(36)


def redis(text: str, namespace: str, kong_namespace: str, host: str, port: str) -> str:
    """The shared store's Secrets, for the backend and for Kong.

    The input is its password and the certificates that it is checked against, each ended by a NUL.
    """
    word, authorities = (part.strip() for part in text.split("\0")[:2])
    plugin: dict[str, Any] = {"host": host, "port": int(port), "ssl": True, "ssl_verify": True, "database": 0}
    backend = {"url": f"rediss://{host}:{port}/0", "password": word}
    if word:
        plugin["password"] = word
        backend["url"] = f"rediss://:{word}@{host}:{port}/0"
    made = [_secret(namespace, "portcullis-kong-redis", {"redis": json.dumps(plugin)})]
    if authorities:
        backend["ca.crt"] = f"{authorities}\n"
        made.append(_secret(kong_namespace, "portcullis-redis-ca", {"ca.crt": backend["ca.crt"]}))
    return "".join([_secret(namespace, "portcullis-redis", backend), *made])


def token(text: str, subject: str) -> str:
    """A JWT for a tenant, out of its credential."""
    by = _object(text, "the tenant's credential")
    now = int(time.time())
    claims = {
        "iss": by["key"],
        "sub": subject,
        "iat": now,
        "exp": now + TOKEN_LIFE_S,
        "jti": secrets.token_hex(8),
    }
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signed = ".".join(map(_base64url, parts))
    return f"{signed}.{_base64url(hmac.digest(by['secret'].encode(), signed.encode(), 'sha256'))}"


def auth_token(text: str) -> str:
    """The newest token that counts, of Memorystore's list of them."""
    rows = [row for row in _object(text, "the store's tokens").get("authTokens", ()) if row.get("token")]
    active = [row for row in rows if row.get("state", "ACTIVE") == "ACTIVE"]
    if not active:
        raise SystemExit("deploy.sh: the shared store has no active token yet")
    newest = max(active, key=lambda row: str(row.get("createTime", "")))
    return str(newest["token"])


def of_kinds(text: str, *kinds: str) -> str:
    """Of manifests, as kustomize prints them, those of some kinds."""
    kept = []
    for document in text.split("\n---\n"):
        found = [line.removeprefix("kind: ") for line in document.splitlines() if line.startswith("kind: ")]
        if found and found[0] in kinds:
            kept.append(f"{document.strip()}\n---\n")
    return "".join(kept)


def certificates(text: str) -> str:
    """Of manifests, as kustomize prints them, the Certificates: a line of namespace and name each."""
    found = of_kinds(text, "Certificate").split("\n---\n")
    names = [dict(re.findall(r"^  (namespace|name): (.+)$", document, re.MULTILINE)) for document in found]
    return "".join(f"{row.get('namespace', 'default')} {row['name']}\n" for row in names if "name" in row)


def missing(text: str, *wanted: str) -> str:
    """Of the permissions that are wanted, those that an answer of testIamPermissions does not hold."""
    granted = set(_object(text, "the answer").get("permissions", ()))
    return " ".join(permission for permission in wanted if permission not in granted)


def _secret(namespace: str, name: str, members: dict[str, str], label: str = "") -> str:
    labels = {"app.kubernetes.io/part-of": "portcullis"}
    if label:
        key, _, labels[key] = label.partition("=")
    document = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "type": "Opaque",
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in members.items()},
    }
    return f"{json.dumps(document)}\n---\n"


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        # Without the text: it may be a secret.
        raise SystemExit(f"deploy.sh: {what}: expected a JSON object")
    return document


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


COMMANDS: dict[str, Callable[..., str]] = {
    "outputs": outputs,
    "tag-keys": tag_keys,
    "credential": credential,
    "password": password,
    "merge": merge,
    "secret": secret,
    "redis": redis,
    "token": token,
    "auth-token": auth_token,
    "of-kinds": of_kinds,
    "certificates": certificates,
    "missing": missing,
}
DRAWING = ("tag-keys", "credential", "password")

if __name__ == "__main__":
    command, *words = sys.argv[1:]
    sys.stdout.write(COMMANDS[command]("" if command in DRAWING else sys.stdin.read(), *words))
