"""The windows of rate-limiting and where their counts are: in this process, or in a Redis with Kong's."""

from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from embedded_edge.redis_client import Redis

# Seconds, as kong/plugins/rate-limiting/expiration.lua has them; months and years begin with the calendar's.
PERIODS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "month": 2592000, "year": 31536000}

# Callers remembered in one window; the one that came longest ago is forgotten first.
_MAX_CALLERS = 100_000

_NOWHERE = "00000000-0000-0000-0000-000000000000"

# Counts at once in every window, and says how many came before. A new count gets its time to live.
_COUNT = """
local used = {}
for index, key in ipairs(KEYS) do
  local count = redis.call("incr", key)
  if count == 1 then
    redis.call("expire", key, ARGV[index])
  end
  used[index] = count - 1
end
return used
"""


class Window:
    """One period and its limit."""

    __slots__ = ("limit", "limit_field", "period", "remaining_name", "seconds")

    def __init__(self, period: str, limit: float) -> None:
        self.period = period
        self.seconds = PERIODS[period]
        self.limit = limit
        self.limit_field = (f"X-RateLimit-Limit-{period.title()}".encode(), number(limit))
        self.remaining_name = f"X-RateLimit-Remaining-{period.title()}".encode()

    def start(self, now: int) -> int:
        """When the window that holds `now` began (epoch s)."""
        if self.seconds <= 86400:
            return now - now % self.seconds
        date = datetime.fromtimestamp(now, UTC)
        first = date.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return int((first if self.period == "month" else first.replace(month=1)).timestamp())

    def reset(self, now: int) -> int:
        """Seconds until the window ends, at least one."""
        return max(1, self.seconds - (now - self.start(now)))


def number(value: float) -> bytes:
    """As Lua writes it."""
    return f"{value:.14g}".encode()


class Counters(Protocol):
    """How many requests of a caller each window has seen."""

    def used(self, caller: str, now: int) -> list[int] | Awaitable[list[int]]: ...

    def count(self, caller: str) -> None:
        """One more in the windows that `used` has just looked at, unless that has counted already."""


class LocalCounters:
    """In this process."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self._windows = windows
        self._starts = [0] * len(windows)
        self._counts: list[dict[str, int]] = [{} for _ in windows]

    def used(self, caller: str, now: int) -> list[int]:
        for index, window in enumerate(self._windows):
            start = window.start(now)
            if start != self._starts[index]:
                self._starts[index] = start
                self._counts[index] = {}
        return [counts.get(caller, 0) for counts in self._counts]

    def count(self, caller: str) -> None:
        for counts in self._counts:
            counts[caller] = counts.pop(caller, 0) + 1
            if len(counts) > _MAX_CALLERS:
                del counts[next(iter(counts))]


class RedisCounters:
    """In Redis, under Kong's keys: an edge and a Kong with the same store count together.

    As Kong's, a request that is refused counts too.
    """

    def __init__(
        self, windows: Sequence[Window], redis: Redis, route_id: str | None, service_id: str | None
    ) -> None:
        self._windows = windows
        self._redis = redis
        self._prefix = f"ratelimit:{route_id or _NOWHERE}:{service_id or _NOWHERE}"

    async def used(self, caller: str, now: int) -> list[int]:
        """RedisError if the store cannot be asked."""
        keys = [
            f"{self._prefix}:{caller}:{window.start(now) * 1000}:{window.period}" for window in self._windows
        ]
        lifetimes = [window.seconds for window in self._windows]
        counts: list[int] = await self._redis.call(
            "EVAL", _COUNT, len(keys), *(key.encode("latin-1") for key in keys), *lifetimes
        )
        return counts

    def count(self, caller: str) -> None:
        """`used` has counted."""
