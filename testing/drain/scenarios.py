"""What is done to a fleet under load, and what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from testing.drain.fleet import Fleet, Member, terminate
from testing.drain.load import CLIENTS, Load, loading

SETTLE_S = 120
"""For something that has to happen soon, on a busy machine."""


@dataclass
class Ended:
    """How one process ended: its status, in what time, and what it did meanwhile.

    `asked_for_s` is how long after the signal it was still sent requests.
    """

    status: int | None
    seconds: float
    streams_open: int
    answered_meanwhile: int
    asked_for_s: float


@dataclass
class Report:
    """What a run came to. `answered` is by the backends' own logs."""

    clients: int
    requests: int
    streams: int
    problems: dict[str, int]
    answered: int
    longest_json_s: float
    longest_stream_s: float
    ended: list[Ended] = field(default_factory=list)


async def one_of_two(fleet: Fleet, clients: int = CLIENTS) -> Report:
    """SIGTERM to one backend while all clients are at work; they go on for a while after it has ended."""
    async with loading(fleet.gateway, clients) as load:
        await warm(load, clients)
        ended = await _end(fleet.members[0], load)
        await asyncio.sleep(2)
    return report(fleet, load, clients, ended)


async def rolling(fleet: Fleet, clients: int = CLIENTS) -> Report:
    """Every backend is replaced, one after the other; each new one has to be at work before the next ends."""
    ended: list[Ended] = []
    async with loading(fleet.gateway, clients) as load:
        await warm(load, clients)
        for member in fleet.members:
            ended.append(await _end(member, load))
            fleet.renew_certificate()
            before = member.answered
            await asyncio.to_thread(fleet.replace, member)
            await soon(lambda: member.answered > before, "the new one is asked")  # noqa: B023 - awaited here
    return report(fleet, load, clients, *ended)


async def _end(member: Member, load: Load) -> Ended:
    answered, streams = member.answered, load.streaming
    begun, begun_at = terminate(member.process), time.time()
    await soon(lambda: member.process.poll() is not None, "the process ends")
    seconds = round(time.monotonic() - begun, 2)
    asked_for_s = round(max(0, member.last_asked - begun_at), 2)
    return Ended(member.process.poll(), seconds, streams, member.answered - answered, asked_for_s)


async def warm(load: Load, clients: int) -> None:
    """Until every client has been at work."""
    await soon(lambda: load.clients == clients, "every client has had a stream")


async def soon(look: Callable[[], bool], what: str) -> None:
    """Until it is so."""
    deadline = time.monotonic() + SETTLE_S
    while not look():
        assert time.monotonic() < deadline, f"not within {SETTLE_S} s: {what}"
        await asyncio.sleep(0.1)


def report(fleet: Fleet, load: Load, clients: int, *ended: Ended) -> Report:
    """What the load came to."""
    json, streams = load.seconds(stream=False), load.seconds(stream=True)
    return Report(
        clients=clients,
        requests=len(json),
        streams=len(streams),
        problems=dict(load.problems),
        answered=sum(member.answered for member in fleet.members),
        longest_json_s=round(max(json), 2),
        longest_stream_s=round(max(streams), 2),
        ended=list(ended),
    )
