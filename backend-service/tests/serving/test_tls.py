"""The backend's certificate: what it shows, and how a new pair takes the old one's place."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import os
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
import uvloop

from gateway.tls import ServerTls, TlsError
from testing.certificates import Authority

NAME = "backend.test"
DAY_S = 86400


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def authority(folder: Path) -> Authority:
    return Authority(folder)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(100):
            writer.write(data)
        writer.close()
        await writer.wait_closed()


@contextlib.asynccontextmanager
async def serving(tls: ServerTls) -> AsyncIterator[int]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=tls.context)
    async with server:
        yield server.sockets[0].getsockname()[1]


@contextlib.asynccontextmanager
async def connected(
    port: int, client: ssl.SSLContext
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname=NAME)
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()


async def shown(port: int, client: ssl.SSLContext) -> int:
    """The serial number of the certificate."""
    async with connected(port, client) as (_, writer):
        return int(writer.get_extra_info("peercert")["serialNumber"], 16)


async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"ping")
    return await reader.read(100) == b"ping"


async def test_a_new_pair_is_shown_and_connections_stay(authority: Authority, folder: Path) -> None:
    ends: list[float] = []
    tls = ServerTls(*authority.pair(folder, NAME), ends.append)
    async with serving(tls) as port, connected(port, authority.client()) as open_before:
        first = await shown(port, authority.client())
        tls.reload()
        assert await shown(port, authority.client()) == first
        authority.pair(folder, NAME, life=datetime.timedelta(days=3))
        tls.reload()
        assert await shown(port, authority.client()) != first
        assert await answers(*open_before)
    assert [round((end - time.time()) / DAY_S) for end in ends] == [1, 3]


async def test_a_link_that_is_swapped_counts_as_a_change(authority: Authority, folder: Path) -> None:
    """As Kubernetes changes a mounted Secret: `..data` leads to another folder, both files at once."""
    for name in ("one", "two"):
        (folder / name).mkdir()
        authority.pair(folder / name, NAME)
    (folder / "..data").symlink_to("one")
    for file in ("tls.crt", "tls.key"):
        (folder / file).symlink_to(f"..data/{file}")
    tls = ServerTls(folder / "tls.crt", folder / "tls.key")
    async with serving(tls) as port:
        first = await shown(port, authority.client())
        (folder / "..new").symlink_to("two")
        (folder / "..new").replace(folder / "..data")
        tls.reload()
        assert await shown(port, authority.client()) != first


def half(folder: Path, authority: Authority) -> None:
    """A certificate whose key is still the old one."""
    key = (folder / "tls.key").read_bytes()
    authority.pair(folder, NAME)
    (folder / "tls.key").write_bytes(key)


def gone(folder: Path, _: Authority) -> None:
    (folder / "tls.crt").unlink()


def nonsense(folder: Path, _: Authority) -> None:
    (folder / "tls.crt").write_text("nonsense")


@pytest.mark.parametrize("spoil", [half, gone, nonsense])
async def test_a_pair_that_is_not_good_leaves_the_old_one(
    spoil: object, authority: Authority, folder: Path
) -> None:
    assert callable(spoil)
    ends: list[float] = []
    tls = ServerTls(*authority.pair(folder, NAME), ends.append)
    async with serving(tls) as port:
        first = await shown(port, authority.client())
        spoil(folder, authority)
        with structlog.testing.capture_logs() as logged:
            tls.reload()
            tls.reload()
        assert [(line["event"], line["log_level"]) for line in logged] == [
            ("certificate_not_reloaded", "error")
        ]
        assert "PRIVATE" not in str(logged)
        assert await shown(port, authority.client()) == first
        assert len(ends) == 1
        authority.pair(folder, NAME)
        tls.reload()
        assert await shown(port, authority.client()) != first


async def test_it_looks_by_itself(authority: Authority, folder: Path) -> None:
    tls = ServerTls(*authority.pair(folder, NAME))
    watching = asyncio.create_task(tls.watch(every_s=0.01))
    async with serving(tls) as port, asyncio.timeout(10):
        first = await shown(port, authority.client())
        authority.pair(folder, NAME)
        while await shown(port, authority.client()) == first:
            await asyncio.sleep(0.01)
    watching.cancel()


def test_it_does_so_on_the_loop_that_the_backend_runs_on(authority: Authority, folder: Path) -> None:
    uvloop.run(test_a_new_pair_is_shown_and_connections_stay(authority, folder))


async def test_tls_before_1_2_is_refused(authority: Authority, folder: Path) -> None:
    tls = ServerTls(*authority.pair(folder, NAME))
    async with serving(tls) as port:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            client = authority.client()
            client.minimum_version = client.maximum_version = version
            await shown(port, client)
        old = authority.client()
        old.set_ciphers("DEFAULT:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await shown(port, old)


async def test_a_name_is_not_needed(authority: Authority, folder: Path) -> None:
    """A client that names nobody gets the new pair too."""
    tls = ServerTls(*authority.pair(folder, "127.0.0.1"))
    client = authority.client()
    async with serving(tls) as port, asyncio.timeout(10):
        authority.pair(folder, "127.0.0.1", life=datetime.timedelta(days=3))
        tls.reload()
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client)
        ends = ssl.cert_time_to_seconds(writer.get_extra_info("peercert")["notAfter"])
        assert round((ends - time.time()) / DAY_S) == 3
        writer.close()


def test_what_is_no_pair_stops_the_start(authority: Authority, folder: Path) -> None:
    certificate, key = authority.pair(folder, NAME)
    with pytest.raises(TlsError, match="No such file"):
        ServerTls(folder / "none", key)
    with pytest.raises(TlsError, match=str(key)):
        ServerTls(key, certificate)
    os.truncate(key, 10)
    with pytest.raises(TlsError, match=str(certificate)):
        ServerTls(certificate, key)
