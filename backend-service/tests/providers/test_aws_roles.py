"""A role instead of keys: assumed once for all who wait, renewed ahead, and its failures are typed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway.errors import ProviderBadAnswer, ProviderError, ProviderMisconfigured, ProviderUnreachable
from gateway.providers import Providers
from gateway.providers.aws_roles import AwsRoles, assumes, sts_url
from gateway.providers.connecting import new_session
from gateway.types import Deployment, JsonObject, Operation, Provider, ProviderKind
from testing.simulators.aws_roles import ROLE, WEB_IDENTITY

Simulators = Any
MakeDeployment = Callable[..., Deployment]
ASK: JsonObject = {"messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
def role(simulators: Simulators, tmp_path: Path) -> dict[str, str]:
    """The credentials of an account that is a role at the simulator's STS."""
    file = tmp_path / "token"
    file.write_text(f"{WEB_IDENTITY}-s3cret\n", encoding="utf-8")
    return {
        "AWS_ROLE_ARN": ROLE,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(file),
        "AWS_ENDPOINT_URL_STS": simulators.provider(ProviderKind.BEDROCK).base_url,
    }


@pytest.fixture
def other_token(tmp_path: Path) -> str:
    file = tmp_path / "other"
    file.write_text("other", encoding="utf-8")
    return str(file)


async def test_it_is_assumed_once_for_everything(
    role: dict[str, str], simulators: Simulators, deployment: MakeDeployment
) -> None:
    chat = deployment(ProviderKind.BEDROCK, credentials=role)
    embeddings = deployment(ProviderKind.BEDROCK, Operation.EMBEDDINGS, credentials=role)
    async with Providers([chat, embeddings]) as room:
        await room.warm()
        await asyncio.gather(*(room.complete(chat, ASK) for _ in range(5)))
        assert [chunk async for chunk in await room.stream(chat, ASK)]
        assert (await room.embed(embeddings, {"input": "Hi"})).usage
    asked = await simulators.exchanges(ProviderKind.BEDROCK)
    assumed = [exchange for exchange in asked if exchange["target"] == "/"]
    assert len(assumed) == 1
    assert b"RoleSessionName=portcullis" in assumed[0]["body"]
    assert len(asked) == 8
    for exchange in asked:
        # The cluster's token goes to STS, and nowhere else.
        assert (b"s3cret" in exchange["raw"] + exchange["body"]) == (exchange["target"] == "/")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"AWS_ROLE_ARN": "arn:aws:iam::1:role/other"}, ProviderMisconfigured),
        ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere/token"}, ProviderMisconfigured),
        ({"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9"}, ProviderUnreachable),
    ],
)
async def test_no_keys_is_a_typed_error(
    change: dict[str, str], expected: type[ProviderError], role: dict[str, str], deployment: MakeDeployment
) -> None:
    row = deployment(ProviderKind.BEDROCK, credentials=role | change)
    async with Providers([row]) as room:
        with pytest.raises(expected) as caught:
            await room.complete(row, ASK)
    assert caught.value.provider == row.provider.name
    assert "s3cret" not in str(caught.value)


async def test_a_token_that_is_refused(
    role: dict[str, str], deployment: MakeDeployment, other_token: str
) -> None:
    row = deployment(ProviderKind.BEDROCK, credentials=role | {"AWS_WEB_IDENTITY_TOKEN_FILE": other_token})
    async with Providers([row]) as room:
        with pytest.raises(ProviderMisconfigured, match="HTTP 400"):
            await room.complete(row, ASK)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"AWS_ROLE_ARN": "r", "AWS_WEB_IDENTITY_TOKEN_FILE": "f"}, True),
        ({"AWS_ROLE_ARN": "r"}, False),
        ({"AWS_ROLE_ARN": "r", "AWS_WEB_IDENTITY_TOKEN_FILE": "f", "AWS_ACCESS_KEY_ID": "k"}, False),
        ({"AWS_ROLE_ARN": "r", "AWS_WEB_IDENTITY_TOKEN_FILE": "f", "AWS_BEARER_TOKEN_BEDROCK": "k"}, False),
        ({}, False),
    ],
)
def test_keys_of_its_own_come_first(given: dict[str, str], expected: bool) -> None:
    assert assumes(Provider("aws", ProviderKind.BEDROCK, None, given)) is expected


class Sts:
    """A token service whose keys live as long as it is told, and which counts them."""

    def __init__(self) -> None:
        self.given = 0
        self.life_s = 3600.0
        self.status = 200
        self.url = ""
        self.body: str | None = None

    async def answer(self, _: web.Request) -> web.Response:
        self.given += 1
        if self.body is not None:
            return web.Response(text=self.body)
        end = datetime.now(UTC) + timedelta(seconds=self.life_s)
        fields = {
            "AccessKeyId": f"ASIA{self.given}",
            "SecretAccessKey": "secret",
            "SessionToken": "session",
            "Expiration": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        }
        body = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
        return web.Response(status=self.status, text=f"<Credentials>{body}</Credentials>")


@pytest.fixture
async def sts() -> AsyncIterator[Sts]:
    service = Sts()
    application = web.Application()
    application.router.add_post("/", service.answer)
    runner = web.AppRunner(application, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    service.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield service
    await runner.cleanup()


async def test_keys_are_renewed_ahead_and_the_old_ones_serve_meanwhile(
    sts: Sts, role: dict[str, str], deployment: MakeDeployment
) -> None:
    row = deployment(ProviderKind.BEDROCK, credentials=role | {"AWS_ENDPOINT_URL_STS": sts.url})
    async with new_session() as session:
        roles = AwsRoles(session)
        sts.life_s = 300
        assert (await roles.keys(row)).key_id == "ASIA1"
        sts.life_s = 3600
        assert (await roles.keys(row)).key_id == "ASIA1"
        async with asyncio.timeout(10):
            while (await roles.keys(row)).key_id == "ASIA1":
                await asyncio.sleep(0.01)
        assert (await roles.keys(row)).key_id == "ASIA2"
        assert sts.given == 2
        await roles.aclose()


async def test_keys_that_have_ended_are_not_used(
    sts: Sts, role: dict[str, str], deployment: MakeDeployment
) -> None:
    row = deployment(ProviderKind.BEDROCK, credentials=role | {"AWS_ENDPOINT_URL_STS": sts.url})
    async with new_session() as session:
        roles = AwsRoles(session)
        sts.life_s = 10
        await roles.keys(row)
        sts.status = 500
        with pytest.raises(ProviderUnreachable):
            await roles.keys(row)


@pytest.mark.parametrize("body", ["", "<Credentials></Credentials>", "not XML", None])
async def test_an_answer_without_keys_is_none(
    body: str | None, sts: Sts, role: dict[str, str], deployment: MakeDeployment
) -> None:
    row = deployment(ProviderKind.BEDROCK, credentials=role | {"AWS_ENDPOINT_URL_STS": sts.url})
    sts.body = "x" * 1_000_000 if body is None else body
    async with new_session() as session:
        with pytest.raises(ProviderBadAnswer):
            await AwsRoles(session).keys(row)


def test_where_roles_are_assumed(deployment: MakeDeployment) -> None:
    row = deployment(ProviderKind.BEDROCK, credentials={})
    assert sts_url(row) == "https://sts.us-east-1.amazonaws.com"
