"""Secrets are changed without a moment in which a good request is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

import jwt

from testing.kong.chain import Chain, chain, credential, local_token, write_tag_keys


async def test_two_kids_of_the_tag_s_secret_are_good_at_once(tmp_path: Path) -> None:
    """The order of a rotation: the new secret everywhere, then it signs, then the old one goes."""
    keys_file = tmp_path / "tag-keys.json"
    write_tag_keys(keys_file, "k1", "k1")
    async with chain(tmp_path) as asked:
        await _signed_with(asked, "k1")
        first = asked.backend.received[-1]
        write_tag_keys(keys_file, "k1", "k1", "k2")
        await _signed_with(asked, "k1")
        write_tag_keys(keys_file, "k2", "k1", "k2")
        assert first.tag(keys_file).tenant == "acme"
        await _signed_with(asked, "k2")
        write_tag_keys(keys_file, "k2", "k2")
        await _signed_with(asked, "k2")


async def _signed_with(asked: Chain, kid: str) -> None:
    """Requests go through all the time, and within seconds with that secret."""
    async with asyncio.timeout(10):
        while True:
            assert (await asked.ask(local_token("acme"))).status == 200
            request = asked.backend.received[-1]
            if jwt.get_unverified_header(request.headers["X-Gateway-Tag"])["kid"] == kid:
                assert request.tag(asked.keys_file).tenant == "acme"
                return
            await asyncio.sleep(0.05)


async def test_two_credentials_of_a_consumer_are_good_at_once(tmp_path: Path) -> None:
    """Each stands under its own `iss`; both are the same tenant."""
    second = credential("acme", "acme-2027")
    async with chain(tmp_path, acme=second) as asked:
        for row in (None, second):
            assert (await asked.ask(local_token("acme", row))).status == 200
            assert asked.last_tag().tenant == "acme"
        crossed = {**second, "secret": credential("acme")["secret"]}
        assert (await asked.ask(local_token("acme", crossed))).status == 401
    async with chain(tmp_path) as asked:
        assert (await asked.ask(local_token("acme", second))).status == 401
        assert (await asked.ask(local_token("acme"))).status == 200
