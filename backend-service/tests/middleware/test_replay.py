"""An id is new once, in one process and over many."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis.asyncio

from gateway.errors import Unavailable
from gateway.middleware.replay import REMEMBER_S, MemoryReplay, RedisReplay


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_an_id_is_new_once() -> None:
    guard = MemoryReplay()
    assert [await guard.first_use("a"), await guard.first_use("b"), await guard.first_use("a")] == [
        True,
        True,
        False,
    ]


async def test_an_id_is_forgotten_when_no_tag_with_it_can_be_valid() -> None:
    clock = Clock()
    guard = MemoryReplay(limit=2, clock=clock)
    await guard.first_use("a")
    clock.now += REMEMBER_S
    assert not await guard.first_use("a")
    clock.now += 1
    assert await guard.first_use("a")


async def test_a_full_memory_refuses_rather_than_forgets() -> None:
    guard = MemoryReplay(limit=1, clock=Clock())
    await guard.first_use("a")
    with pytest.raises(Unavailable):
        await guard.first_use("b")
    assert not await guard.first_use("a")


@pytest.fixture(scope="module")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("no redis-server on this machine")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    folder: Path = tmp_path_factory.mktemp("redis")
    process = subprocess.Popen(
        [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    yield port
    process.terminate()
    process.wait(10)


@pytest.fixture
async def client(redis_port: int) -> AsyncIterator[redis.asyncio.Redis]:
    connection = redis.asyncio.from_url(f"redis://127.0.0.1:{redis_port}")
    async with asyncio.timeout(10):
        while True:
            try:
                await connection.ping()
                break
            except redis.exceptions.ConnectionError:
                await asyncio.sleep(0.02)
    yield connection
    await connection.aclose()


async def test_redis_remembers_for_all_processes(client: redis.asyncio.Redis) -> None:
    one, other = RedisReplay(client), RedisReplay(client)
    uses = await asyncio.gather(*(guard.first_use("shared") for guard in (one, other) * 20))
    assert sum(uses) == 1
    assert 0 < await client.ttl("portcullis:jti:shared") <= REMEMBER_S


async def test_without_redis_the_request_is_refused() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        connection = redis.asyncio.from_url(f"redis://127.0.0.1:{port}")
        with pytest.raises(Unavailable):
            await RedisReplay(connection).first_use("a")
        await connection.aclose()


async def test_a_redis_that_hangs_is_given_up_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connection = redis.asyncio.from_url(f"redis://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(Unavailable):
            await RedisReplay(connection, deadline_s=0.05).first_use("a")
        await connection.aclose()
