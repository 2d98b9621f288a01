"""The store's connections: how many, and what all of them share."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import redis.asyncio

from gateway.middleware.replay import RedisReplay
from gateway.store import CONNECTIONS, open_store
from testing.certificates import Authority
from testing.conformance.store import redis_running


def contexts(store: redis.asyncio.Redis) -> list[ssl.SSLContext]:
    made = (store.connection_pool.make_connection() for _ in range(3))
    return [connection.ssl_context.get() for connection in made]  # type: ignore[attr-defined]


def test_the_authorities_are_read_once_for_all_connections(tmp_path: Path) -> None:
    store = open_store("rediss://localhost:6379/0", Authority(tmp_path).file)
    assert len(set(map(id, contexts(store)))) == 1


def test_a_certificate_is_checked_by_the_authority_that_is_named_and_no_other(tmp_path: Path) -> None:
    """Whatever the address asks for."""
    address = "rediss://localhost:6379/0?ssl_cert_reqs=none&ssl_check_hostname=false"
    [context, *_] = contexts(open_store(address, Authority(tmp_path).file))
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert len(context.get_ca_certs()) == 1


async def test_a_burst_waits_for_connections_instead_of_opening_more() -> None:
    async with redis_running() as port:
        store = open_store(f"redis://127.0.0.1:{port}/0", None)
        guard = RedisReplay(store, deadline_s=30)
        assert all(await asyncio.gather(*(guard.first_use(str(number)) for number in range(500))))
        clients = (await store.info("clients"))["connected_clients"]
        await store.aclose()
    # The one that waits for the start is gone by now, or not.
    assert 1 < clients <= CONNECTIONS + 1
