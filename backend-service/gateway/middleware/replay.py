"""A tag of a POST opens the gateway once."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

import redis.asyncio
from redis.exceptions import RedisError

from compliance.tag import LIFETIME_S, SKEW_S
from gateway.errors import Unavailable

#: How long a `jti` must be remembered: as long as any clock here may take its tag for valid.
REMEMBER_S = LIFETIME_S + 2 * SKEW_S


class ReplayGuard(Protocol):
    """Remembers the ids of tags that were used."""

    async def first_use(self, jti: str) -> bool:
        """Whether ``jti`` is new; from now on it is not. Raises Unavailable when that cannot be known."""


class MemoryReplay:
    """For one process. Holds at most ``limit`` ids; over that it refuses rather than forget."""

    def __init__(self, limit: int = 1_000_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._seen: set[str] = set()
        self._by_age: deque[tuple[float, str]] = deque()

    async def first_use(self, jti: str) -> bool:
        now = self._clock()
        while self._by_age and self._by_age[0][0] < now - REMEMBER_S:
            self._seen.discard(self._by_age.popleft()[1])
        if jti in self._seen:
            return False
        if len(self._seen) >= self._limit:
            raise Unavailable("Too many requests within the life of a tag; try again.", retry_after_s=1)
        self._seen.add(jti)
        self._by_age.append((now, jti))
        return True


class RedisReplay:
    """Over all processes that share a Redis. When Redis does not answer in time, the request is refused."""

    def __init__(self, client: redis.asyncio.Redis, deadline_s: float = 0.25) -> None:
        self._client = client
        self._deadline_s = deadline_s

    async def first_use(self, jti: str) -> bool:
        try:
            async with asyncio.timeout(self._deadline_s):
                return bool(await self._client.set(f"portcullis:jti:{jti}", b"", nx=True, ex=REMEMBER_S))
        except (RedisError, OSError, TimeoutError) as error:
            raise Unavailable(
                "The shared store does not answer, so this request cannot be checked; try again.",
                retry_after_s=1,
            ) from error
