"""Nobody gets in without a tag of the edge over this very request."""

import io
import time
from typing import Any

import pytest

from compliance.tag import HEADER, TagKeys

CHAT = "/v1/chat/completions"
ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
OTHER_KEY = TagKeys.from_document({"current": "a", "keys": {"a": "QkJC" * 11}})
UNKNOWN_KEY = TagKeys.from_document({"current": "z", "keys": {"z": "QUFB" * 11}})


async def refused(backend: Any, scripted: Any, **changes: Any) -> str:
    async with backend.post(CHAT, ASK, **changes) as response:
        body = await response.json()
        assert response.status == 401, body
        assert response.headers["x-request-id"]
        assert body["error"]["code"] == "invalid_tag"
    assert scripted.asked == []
    message: str = body["error"]["message"]
    return message


async def test_a_good_tag_opens(backend: Any, scripted: Any) -> None:
    async with backend.post(CHAT, ASK) as response:
        assert response.status == 200
    assert len(scripted.asked) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"keys": OTHER_KEY}, "bad-signature"),
        ({"keys": UNKNOWN_KEY}, "unknown-key"),
        ({"headers": {HEADER: "a.b.c"}}, "malformed"),
        ({"headers": {HEADER: "é"}}, "malformed"),
    ],
)
async def test_a_bad_tag_does_not(backend: Any, scripted: Any, changes: dict[str, Any], reason: str) -> None:
    assert reason in await refused(backend, scripted, **changes)


@pytest.mark.parametrize("seconds", [-60, 60])
async def test_a_tag_of_another_time_does_not(backend: Any, scripted: Any, seconds: int) -> None:
    assert "expired" in await refused(backend, scripted, now=time.time() + seconds)


async def test_a_tag_over_another_request_does_not(backend: Any, scripted: Any) -> None:
    others = {
        "other-body": backend.tag("POST", CHAT, b"{}"),
        "other-method": backend.tag("PUT", CHAT, b""),
        "other-target": backend.tag("POST", CHAT + "?x=1", b""),
    }
    for reason, tag in others.items():
        assert reason in await refused(backend, scripted, headers={HEADER: tag})


async def test_no_tag_and_two_tags_do_not(backend: Any, scripted: Any) -> None:
    async with backend.session.post(backend.url + CHAT, json=ASK) as response:
        assert response.status == 401
    twice = [(HEADER, backend.tag("POST", CHAT)), (HEADER, backend.tag("POST", CHAT))]
    async with backend.session.post(backend.url + CHAT, data=b"", headers=twice) as response:
        assert response.status == 401
    assert scripted.asked == []


async def test_a_tag_of_a_post_is_good_once_and_of_a_get_again(backend: Any, scripted: Any) -> None:
    body = b'{"model": "auto", "messages": [{"role": "user", "content": "hi"}]}'
    tag = backend.tag("POST", CHAT, body)
    statuses = []
    for _ in range(2):
        async with backend.post(CHAT, body, headers={HEADER: tag}) as response:
            statuses.append(response.status)
    assert statuses == [200, 401]
    tag = backend.tag("GET", "/v1/models")
    for _ in range(2):
        async with backend.session.get(backend.url + "/v1/models", headers={HEADER: tag}) as response:
            assert response.status == 200


async def test_the_query_is_part_of_the_target(backend: Any) -> None:
    async with backend.get("/v1/models?a=b%20c") as response:
        assert response.status == 200


async def test_only_health_is_open(backend: Any) -> None:
    opened = []
    for path in (
        "/health",
        "/ready",
        "/metrics",
        "/docs",
        "/openapi.json",
        "/v1/models",
        "/config",
        "/nothing",
    ):
        async with backend.session.get(backend.url + path) as response:
            if response.status != 401:
                opened.append(path)
    assert opened == ["/health"]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_refused(backend: Any, settings: Any, chunked: bool) -> None:
    size = settings.max_body_bytes + 1

    async def pieces() -> Any:
        for _ in range(21):
            yield b"x" * (1024 * 1024)

    data: Any = pieces() if chunked else io.BytesIO(b"x" * size)
    headers = {HEADER: backend.tag("POST", CHAT), "content-type": "application/json"}
    async with backend.session.post(backend.url + CHAT, data=data, headers=headers) as response:
        assert response.status == 413
        assert (await response.json())["error"]["code"] == "request_too_large"
