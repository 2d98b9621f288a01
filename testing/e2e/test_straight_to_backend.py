"""Going round the edge gets nobody anywhere."""

from __future__ import annotations

import hashlib
import json
import time
from base64 import urlsafe_b64encode
from dataclasses import replace

import httpx
import pytest

from compliance.classes import PUBLIC
from compliance.tag import HEADER, Tag, TagKeys, sign
from testing.e2e.caller import CHAT, Caller, error_of
from testing.e2e.simulators import Simulators
from testing.e2e.under_test import Gateway

BODY = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}).encode()
OTHER = BODY.replace(b"Hello", b"Hallo")
TAG = Tag(
    tenant="demo",
    subject="e2e",
    tier=None,
    project=None,
    models=None,
    scopes=(),
    compliance=PUBLIC,
    rules=(),
    rules_revision="e2e",
    method="POST",
    target=CHAT,
    body_sha256=hashlib.sha256(BODY).hexdigest(),
)


class Intruder:
    """Knows the backend's address, and tags that it has seen."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self._url = url
        self._client = client

    def send(
        self, tag: str | None = None, *, body: bytes = BODY, method: str = "POST", target: str = CHAT
    ) -> httpx.Response:
        """A request with these headers and nothing else of the edge's."""
        headers = {"Content-Type": "application/json", "X-Consumer-Username": "demo"}
        return self._client.request(
            method, self._url + target, content=body, headers=headers | ({HEADER: tag} if tag else {})
        )


@pytest.fixture
def intruder(backend_url: str, client: httpx.Client) -> Intruder:
    return Intruder(backend_url, client)


@pytest.fixture
def keys(gateway: Gateway) -> TagKeys:
    """The edge's own keys: what follows is about tags that were good once, or for something else."""
    if gateway.tag_keys is None:
        pytest.skip("GATEWAY_TAG_KEYS is not set")
    return TagKeys.from_file(gateway.tag_keys)


def test_a_good_tag_opens_it(intruder: Intruder, keys: TagKeys, simulators: Simulators) -> None:
    """Else the refusals below might have another reason."""
    answer = intruder.send(sign(TAG, keys, time.time()))
    assert answer.status_code == 200, answer.text
    assert simulators.asked() == {"openai"}


def test_no_tag(intruder: Intruder, simulators: Simulators) -> None:
    for target, method in ((CHAT, "POST"), ("/v1/models", "GET"), ("/config", "GET"), ("/docs", "GET")):
        _refused(intruder.send(method=method, target=target))
    assert simulators.asked() == set()


def test_a_callers_token_is_no_tag(intruder: Intruder, caller: Caller, simulators: Simulators) -> None:
    _refused(intruder.send(caller.token()))
    assert simulators.asked() == set()


def test_forged(intruder: Intruder, keys: TagKeys, simulators: Simulators) -> None:
    others = TagKeys(current=keys.current, secrets={keys.current: b"x" * 32})
    unknown = TagKeys(current="other", secrets={"other": b"x" * 32})
    good = sign(TAG, keys, time.time())
    head, claims, signature = good.split(".")
    none = urlsafe_b64encode(json.dumps({"alg": "none", "typ": "portcullis-tag+jwt"}).encode()).decode()
    swapped = sign(replace(TAG, tenant="clinic"), keys, time.time()).split(".")[1]
    for forged in (
        sign(TAG, others, time.time()),
        sign(TAG, unknown, time.time()),
        f"{none.rstrip('=')}.{claims}.",
        f"{head}.{swapped}.{signature}",
        f"{head}.{claims}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
        f"{head}.{claims}",
        "rubbish",
        "..",
    ):
        _refused(intruder.send(forged))
    assert simulators.asked() == set()


def test_expired_or_from_the_future(intruder: Intruder, keys: TagKeys, simulators: Simulators) -> None:
    for off in (-60, +60):
        _refused(intruder.send(sign(TAG, keys, time.time() + off)), "expired")
    assert simulators.asked() == set()


def test_used(intruder: Intruder, keys: TagKeys, simulators: Simulators) -> None:
    tag = sign(TAG, keys, time.time())
    assert intruder.send(tag).status_code == 200
    for _ in range(3):
        _refused(intruder.send(tag), "used")
    assert len(simulators.received("openai")) == 1


def test_over_another_body_method_or_path(intruder: Intruder, keys: TagKeys, simulators: Simulators) -> None:
    def fresh(tag: Tag = TAG) -> str:
        return sign(tag, keys, time.time())

    _refused(intruder.send(fresh(), body=OTHER), "other-body")
    _refused(intruder.send(fresh(), body=b""), "other-body")
    _refused(intruder.send(fresh(), target="/v1/embeddings"), "other-target")
    _refused(intruder.send(fresh(), target=f"{CHAT}?x=1"), "other-target")
    _refused(intruder.send(fresh(), target=CHAT.replace("chat", "%63hat")), "other-target")
    _refused(intruder.send(fresh(), method="PUT"), "other-method")
    get = replace(TAG, method="GET", target="/v1/models", body_sha256=hashlib.sha256(b"").hexdigest())
    _refused(intruder.send(fresh(get), method="HEAD", target="/v1/models", body=b""), "other-method")
    assert simulators.asked() == set()


def test_two_tags_are_none(backend_url: str, client: httpx.Client, keys: TagKeys) -> None:
    tags = [(HEADER, sign(TAG, keys, time.time())) for _ in range(2)]
    answer = client.post(
        backend_url + CHAT, content=BODY, headers=[*tags, ("Content-Type", "application/json")]
    )
    _refused(answer)


def test_health_is_open_and_says_nothing(backend_url: str, client: httpx.Client) -> None:
    answer = client.get(f"{backend_url}/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_the_operators_port_is_not_here(backend_url: str, client: httpx.Client, caller: Caller) -> None:
    for path in ("/ready", "/metrics"):
        assert client.get(backend_url + path).status_code == 401
        assert caller.get(path).status_code == 404


def _refused(answer: httpx.Response, reason: str = "") -> None:
    assert answer.status_code == 401, answer.text
    if answer.request.method != "HEAD":
        error = error_of(answer)
        assert (error["type"], error["code"]) == ("authentication_error", "invalid_tag")
        assert reason in error["message"]
    assert answer.headers["x-request-id"]
    assert answer.headers["x-gateway-deployment"] == "none"
