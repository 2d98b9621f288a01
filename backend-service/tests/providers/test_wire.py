"""The wire: what may leave, and to whom, whatever the library above it does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import httpx
import pytest
from aiohttp import web

from gateway.errors import ProviderBadAnswer, ProviderMisconfigured, ProviderRateLimited, ProviderUnreachable
from gateway.providers import protocols, wire
from gateway.providers.connecting import new_session
from gateway.providers.wire import Call, Closed, Wire, WireError
from gateway.types import Provider, ProviderKind

PROVIDER = Provider("acme", ProviderKind.OPENAI, None, {})


class Upstream:
    """A small server: answers what ``answer`` says and keeps what came."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.answer: Callable[[web.Request], Awaitable[web.StreamResponse]] = self.ok
        self.url = ""

    async def ok(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.requests.append(request)
        return await self.answer(request)


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    server = Upstream()
    application = web.Application(client_max_size=32_000_000)
    application.router.add_route("*", "/{rest:.*}", server.handle)
    runner = web.AppRunner(application, handle_signals=False)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with new_session() as opened:
        yield opened


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=Wire(), trust_env=False, follow_redirects=True) as made:
        yield made


@pytest.fixture
def call(upstream: Upstream, session: aiohttp.ClientSession) -> Call:
    return Call(PROVIDER, session, upstream.url, "/v1/", protocols.OPENAI)


async def test_an_answer_comes_with_its_tokens(
    client: httpx.AsyncClient, call: Call, upstream: Upstream
) -> None:
    with call.entered():
        response = await client.post(f"{upstream.url}/v1/chat", json={"a": 1})
    assert response.json()["choices"] == []
    assert call.counted() == protocols.OPENAI.usage({"prompt_tokens": 1, "completion_tokens": 2})
    assert (call.status, call.failure) == (200, None)


async def test_nothing_leaves_outside_of_a_call(client: httpx.AsyncClient, upstream: Upstream) -> None:
    with pytest.raises(Closed):
        await client.post(f"{upstream.url}/v1/chat")
    assert upstream.requests == []


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:1/v1/chat",
        "http://localhost:{port}/v1/chat",
        "https://127.0.0.1:{port}/v1/chat",
        "http://user@127.0.0.1:{port}/v2/chat",
        "{url}/v2/chat",
        "{url}/v1/../v2/chat",
        "{url}/other/v1/chat",
    ],
)
async def test_nothing_leaves_for_another_place(
    target: str, client: httpx.AsyncClient, call: Call, upstream: Upstream
) -> None:
    url = target.format(url=upstream.url, port=upstream.url.rpartition(":")[2])
    with call.entered(), pytest.raises(WireError):
        await client.post(url)
    assert isinstance(call.failure, ProviderMisconfigured)
    assert upstream.requests == []


async def test_a_redirect_is_not_followed(client: httpx.AsyncClient, call: Call, upstream: Upstream) -> None:
    async def away(request: web.Request) -> web.StreamResponse:
        raise web.HTTPTemporaryRedirect(f"{upstream.url}/v1/other")

    upstream.answer = away
    with call.entered(), pytest.raises(WireError):
        await client.post(f"{upstream.url}/v1/chat")
    assert len(upstream.requests) == 1
    assert call.failure is not None
    assert "307" in call.failure.message


async def test_only_the_headers_of_the_protocols_leave(
    client: httpx.AsyncClient, call: Call, upstream: Upstream
) -> None:
    headers = {
        "authorization": "Bearer k",
        "anthropic-version": "2023-06-01",
        "openai-organization": "org",
        "openai-project": "p",
        "x-stainless-os": "Linux",
        "cookie": "a=b",
    }
    with call.entered():
        await client.post(f"{upstream.url}/v1/chat", json={}, headers=headers)
    arrived = {name.lower() for name in upstream.requests[0].headers}
    assert {"authorization", "anthropic-version", "content-type"} <= arrived
    assert arrived <= wire.REQUEST_HEADERS | {"host", "user-agent", "accept-encoding", "content-length"}


async def test_without_a_credential_none_leaves(
    client: httpx.AsyncClient, call: Call, upstream: Upstream
) -> None:
    call.may_authenticate = False
    with call.entered():
        await client.post(f"{upstream.url}/v1/chat", headers={"authorization": "Bearer k", "x-api-key": "k"})
    assert not wire.SECRET_HEADERS & {name.lower() for name in upstream.requests[0].headers}


async def test_a_rehearsal_sends_nothing(client: httpx.AsyncClient, call: Call, upstream: Upstream) -> None:
    call.rehearsal = True
    with call.entered(), pytest.raises(WireError):
        await client.post(f"{upstream.url}/v1/chat")
    assert upstream.requests == []


async def test_escapes_in_a_path_arrive_as_they_are(
    client: httpx.AsyncClient, call: Call, upstream: Upstream
) -> None:
    with call.entered():
        await client.post(f"{upstream.url}/v1/model/a%3A0%2Fb/converse")
    assert upstream.requests[0].raw_path == "/v1/model/a%3A0%2Fb/converse"


async def test_twenty_megabytes_arrive(client: httpx.AsyncClient, call: Call, upstream: Upstream) -> None:
    body = b"x" * 20_000_000
    with call.entered():
        await client.post(f"{upstream.url}/v1/chat", content=body)
    assert await upstream.requests[0].read() == body
    assert upstream.requests[0].headers["content-length"] == str(len(body))


async def test_an_answer_without_end_is_given_up(
    client: httpx.AsyncClient, call: Call, upstream: Upstream
) -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(headers={"content-type": "application/json"})
        await response.prepare(request)
        while True:
            await response.write(b" " * 1_000_000)
            sent += 1_000_000

    upstream.answer = endless
    with call.entered(), pytest.raises(WireError):
        await client.post(f"{upstream.url}/v1/chat")
    assert isinstance(call.failure, ProviderBadAnswer)
    assert sent < 2 * wire.MAX_ANSWER_BYTES


async def test_an_error_object_under_a_200_is_no_answer(
    client: httpx.AsyncClient, call: Call, upstream: Upstream
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"message": "secret"}})

    upstream.answer = answer
    with call.entered(), pytest.raises(WireError):
        await client.post(f"{upstream.url}/v1/chat")
    assert isinstance(call.failure, ProviderBadAnswer)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "999999"}, 3600.0),
        ({"retry-after": "-4"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
async def test_retry_after(
    header: dict[str, str],
    seconds: float | None,
    client: httpx.AsyncClient,
    call: Call,
    upstream: Upstream,
) -> None:
    async def limited(request: web.Request) -> web.StreamResponse:
        return web.Response(status=429, headers=header, text="x" * 1_000_000)

    upstream.answer = limited
    with call.entered(), pytest.raises(WireError):
        await client.post(f"{upstream.url}/v1/chat")
    assert isinstance(call.failure, ProviderRateLimited)
    assert call.failure.retry_after_s == seconds


@pytest.mark.parametrize("code", ["rate_limit_exceeded", "Not a word; secret", "x" * 65, 7, None])
async def test_of_the_providers_words_only_a_code_is_kept(
    code: object, client: httpx.AsyncClient, call: Call, upstream: Upstream
) -> None:
    async def limited(request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"message": "secret", "code": code}}, status=429)

    upstream.answer = limited
    with call.entered(), pytest.raises(WireError):
        await client.post(f"{upstream.url}/v1/chat")
    assert call.failure is not None
    assert ("rate_limit_exceeded" in call.failure.message) == (code == "rate_limit_exceeded")
    assert "secret" not in call.failure.message
    assert "xxx" not in call.failure.message


async def test_after_a_failure_nothing_more_leaves(
    client: httpx.AsyncClient, call: Call, upstream: Upstream
) -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    upstream.answer = broken
    with call.entered():
        for _ in range(3):
            with pytest.raises(WireError):
                await client.post(f"{upstream.url}/v1/chat")
    assert len(upstream.requests) == 1


async def test_the_first_failure_counts(call: Call) -> None:
    first = ProviderUnreachable("first", provider="acme")
    call.fail(first)
    call.fail(ProviderBadAnswer("second", provider="acme"))
    assert call.failure is first


async def test_a_stream_that_is_answered_whole_is_read_whole(
    client: httpx.AsyncClient, call: Call, upstream: Upstream
) -> None:
    call.streaming = True
    with call.entered():
        response = await client.post(f"{upstream.url}/v1/chat")
    assert response.json()["choices"] == []
    assert call.counted() is not None
