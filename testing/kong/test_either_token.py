"""Tokens of Kong's own consumers and of identity providers: either is enough, neither is a 401."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from testing.identity_provider import Fault, IdentityProvider, SigningKey, identity_provider, private_key
from testing.kong.chain import (
    ON_A_REAL_KONG,
    PLUGINS,
    Answer,
    Chain,
    believing,
    chain,
    credential,
    local_token,
)

OURS = ("X-Consumer-ID", "X-Consumer-Username", "X-Consumer-Custom-ID", "X-Credential-Identifier")


def is_unauthorized(answer: Answer, challenge: str) -> bool:
    return (answer.status, json.loads(answer.body), answer.headers["WWW-Authenticate"]) == (
        401,
        {"message": "Unauthorized"},
        challenge,
    )


BAD = 'Bearer error="invalid_token"'


async def came_from(asked: Chain, token: str, tenant: str, subject: str) -> None:
    answer = await asked.ask(token)
    assert answer.status == 200, answer.body
    tag = asked.last_tag()
    assert (tag.tenant, tag.subject) == (tenant, subject)
    headers = asked.backend.received[-1].headers
    assert headers["X-Consumer-Username"] == tenant
    assert headers["X-Consumer-Custom-ID"] == f"{tenant}-1"
    assert "X-Anonymous-Consumer" not in headers


async def test_either_token_is_enough(tmp_path: Path, idp: IdentityProvider) -> None:
    async with chain(tmp_path, believing((idp, "clinic"))) as asked:
        await came_from(asked, local_token("acme"), "acme", "bob")
        assert idp.asked == []
        await came_from(asked, idp.token(), "clinic", "ann")
        assert asked.backend.received[-1].headers["X-Credential-Identifier"] == idp.issuer
        await came_from(asked, local_token("clinic", sub=None), "clinic", "clinic")
        assert asked.backend.received[-1].headers["X-Credential-Identifier"] == "clinic"


async def test_both_say_the_same_of_their_consumer(tmp_path: Path, idp: IdentityProvider) -> None:
    async with chain(tmp_path, believing((idp, "acme"))) as asked:
        await asked.ask(local_token("acme"))
        await asked.ask(idp.token())
        [own, other] = [request.headers for request in asked.backend.received]
        assert {name: own[name] for name in OURS[:3]} == {name: other[name] for name in OURS[:3]}


async def test_neither_is_a_401(tmp_path: Path, idp: IdentityProvider) -> None:
    async with chain(tmp_path, believing((idp, "clinic"))) as asked:
        answer = await asked.ask()
        assert is_unauthorized(answer, "Bearer")
        assert answer.headers["X-Request-Id"]
        for header in ("", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b"):
            assert is_unauthorized(await asked.ask(Authorization=header), "Bearer")
        assert asked.backend.received == []


async def test_a_forged_token_is_a_401(tmp_path: Path, idp: IdentityProvider) -> None:
    stranger = SigningKey(idp.keys[0].kid, "ES256", private_key("ES256"))
    head, payload, signature = idp.token().split(".")
    wrong = {
        "another key": idp.token(stranger),
        "an unknown key": idp.token(SigningKey("new", "ES256", stranger.private)),
        "another audience": idp.token(aud="another"),
        "no audience": idp.token(aud=None),
        "expired": idp.token(exp=int(time.time()) - 100),
        "another issuer": idp.token(iss="https://elsewhere.test"),
        "no signature": f"{head}.{payload}.",
        "cut": f"{head}.{payload}.{signature[:-8]}",
        "no token": "nonsense",
        "a tenant's key as issuer": local_token("acme", {"key": idp.issuer, "secret": "x" * 40}),
        "a forged local one": local_token("acme", {**credential("acme"), "secret": "y" * 40}),
        "an expired local one": local_token("acme", exp=int(time.time()) - 10),
        "nobody's": local_token("acme", {"key": "anonymous", "secret": "z" * 40}),
    }
    async with chain(tmp_path, believing((idp, "clinic"))) as asked:
        answers = {name: await asked.ask(token) for name, token in wrong.items()}
        assert [name for name, answer in answers.items() if not is_unauthorized(answer, BAD)] == []
        assert asked.backend.received == []
        await came_from(asked, idp.token(), "clinic", "ann")


async def test_nobody_can_say_who_they_are(tmp_path: Path, idp: IdentityProvider) -> None:
    said = {
        "X-Consumer-Username": "acme",
        "X_Consumer_Username": "acme",
        "X-Anonymous-Consumer": "true",
        "X-Credential-Identifier": "acme",
    }
    async with chain(tmp_path, believing((idp, "clinic"))) as asked:
        assert (await asked.ask(**said)).status == 401
        assert (await asked.ask(idp.token(), **said)).status == 200
        headers = asked.backend.received[-1].headers
        assert headers.getall("X-Consumer-Username") == ["clinic"]  # type: ignore[attr-defined]
        assert "X-Anonymous-Consumer" not in headers
        assert asked.last_tag().tenant == "clinic"


async def test_claims_of_the_provider_reach_the_tag(tmp_path: Path, idp: IdentityProvider) -> None:
    claims: dict[str, Any] = {
        "tier": "gold",
        "project": "p",
        "scope": "inference openid",
        "class_floor": "phi",
        "residency": ["eu"],
    }
    async with chain(tmp_path, believing((idp, "clinic"))) as asked:
        assert (await asked.ask(idp.token(**claims))).status == 200
        tag = asked.last_tag()
        assert (tag.tier, tag.project, tag.scopes) == ("gold", "p", ("inference", "openid"))
        assert (tag.compliance.name, tag.compliance.residency) == ("phi", frozenset({"eu"}))


async def test_each_issuer_has_its_consumer(tmp_path: Path, idp: IdentityProvider) -> None:
    with identity_provider("RS256") as second:
        async with chain(tmp_path, believing((idp, "clinic"), (second, "acme"))) as asked:
            await came_from(asked, idp.token(), "clinic", "ann")
            await came_from(asked, second.token(), "acme", "ann")
            assert is_unauthorized(await asked.ask(idp.token(iss=second.issuer)), BAD)


async def test_keys_are_rotated(tmp_path: Path, idp: IdentityProvider) -> None:
    async with chain(tmp_path, believing((idp, "clinic"))) as asked:
        old = idp.token()
        await came_from(asked, old, "clinic", "ann")
        idp.rotate("EdDSA")
        await came_from(asked, idp.token(), "clinic", "ann")
        await came_from(asked, old, "clinic", "ann")


async def test_known_keys_serve_while_the_provider_is_down(tmp_path: Path, idp: IdentityProvider) -> None:
    async with chain(tmp_path, believing((idp, "clinic"))) as asked:
        await came_from(asked, idp.token(), "clinic", "ann")
        idp.fault = "refuse"
        await came_from(asked, idp.token(sub="eve"), "clinic", "eve")
        assert is_unauthorized(await asked.ask(idp.token(idp.rotate())), BAD)


@pytest.mark.parametrize(
    "fault", ["refuse", "status", "garbage", "huge", "stall", "other-issuer", "redirect"]
)
async def test_without_any_keys_a_token_cannot_be_told(
    tmp_path: Path, idp: IdentityProvider, fault: Fault
) -> None:
    idp.fault = fault
    async with chain(tmp_path, believing((idp, "clinic"))) as asked:
        answer = await asked.ask(idp.token())
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        await came_from(asked, local_token("acme"), "acme", "bob")
        assert is_unauthorized(await asked.ask(), "Bearer")
        assert len(asked.backend.received) == 1


async def test_a_provider_that_stalls_holds_up_nobody_else(tmp_path: Path, idp: IdentityProvider) -> None:
    idp.fault = "stall"
    async with chain(tmp_path, believing((idp, "clinic"))) as asked:
        waiting = asyncio.create_task(asked.ask(idp.token()))
        while not idp.asked:
            await asyncio.sleep(0.005)
        begun = time.monotonic()
        for _ in range(3):
            await came_from(asked, local_token("acme"), "acme", "bob")
        assert time.monotonic() - begun < 0.7
        assert not waiting.done()
        assert (await waiting).status == 503


async def test_a_large_body_is_refused_before_it_is_read(tmp_path: Path, idp: IdentityProvider) -> None:
    """Who is calling comes first: the plugin does not ask for the body."""
    async with chain(tmp_path, believing((idp, "clinic"))) as asked:
        assert is_unauthorized(await asked.ask(body={"text": "x" * 900_000}), "Bearer")
        answer = await asked.ask(idp.token(), body={"text": "x" * 900_000})
        assert answer.status == 200
        assert asked.last_tag().subject == "ann"


BROKEN = """
Version, Priority = "0.1.0", 1400
Schema = ({"issuers": {"type": "array"}},)


class Plugin:
    reads_body = False

    def __init__(self, config): pass

    def access(self, kong):
        {access}
"""


@pytest.mark.skipif(ON_A_REAL_KONG, reason="the plugin servers of a given Kong run the plugin as it is")
@pytest.mark.parametrize(
    ("access", "status"),
    [
        ("raise RuntimeError('a plugin that fails')", 503),
        ("kong.no.such.call()", 503),
        ("pass  # it lets everybody through", 401),
        ("kong.service.request.set_header('X-Consumer-Username', 'acme')", 401),
    ],
)
async def test_a_plugin_that_fails_lets_nobody_through(
    access: str, status: int, tmp_path: Path, idp: IdentityProvider
) -> None:
    folder = tmp_path / "plugins"
    shutil.copytree(PLUGINS / "compliance-tag", folder / "compliance-tag")
    (folder / "oidc-jwt").mkdir()
    (folder / "oidc-jwt" / "oidc-jwt.py").write_text(BROKEN.replace("{access}", access))
    async with chain(tmp_path, believing((idp, "clinic")), folder) as asked:
        for token in (None, idp.token(), "forged"):
            assert (await asked.ask(token)).status == status
        assert asked.backend.received == []
