"""rate-limiting, policy `local`: fixed windows on the clock, counted in this process."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from embedded_edge.answers import kong_error
from embedded_edge.exchange import Exchange
from embedded_edge.headers import Headers
from embedded_edge.plugins.base import EdgePlugin, World
from embedded_edge.schema import ConfigError, Option

# Seconds, as kong/plugins/rate-limiting/expiration.lua has them; months and years begin with the calendar's.
_PERIODS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "month": 2592000, "year": 31536000}

# Callers remembered in one window; the one that came longest ago is forgotten first.
_MAX_CALLERS = 100_000


class Window:
    """Counts of one period: they start again when the clock enters the next one."""

    __slots__ = ("_counts", "_start", "limit", "limit_field", "period", "remaining_name", "seconds")

    def __init__(self, period: str, limit: int) -> None:
        self.period = period
        self.seconds = _PERIODS[period]
        self.limit = limit
        self.limit_field = (f"X-RateLimit-Limit-{period.title()}".encode(), _number(limit))
        self.remaining_name = f"X-RateLimit-Remaining-{period.title()}".encode()
        self._start = 0
        self._counts: dict[str, int] = {}

    def used(self, caller: str, now: int) -> int:
        start = self.start(now)
        if start != self._start:
            self._start = start
            self._counts = {}
        return self._counts.get(caller, 0)

    def count(self, caller: str) -> None:
        """One more in the window that `used` has just looked at."""
        counts = self._counts
        counts[caller] = counts.pop(caller, 0) + 1
        if len(counts) > _MAX_CALLERS:
            del counts[next(iter(counts))]

    def start(self, now: int) -> int:
        if self.seconds <= 86400:
            return now - now % self.seconds
        date = datetime.fromtimestamp(now, UTC)
        first = date.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return int((first if self.period == "month" else first.replace(month=1)).timestamp())

    def reset(self, now: int) -> int:
        """Seconds until the window ends, at least one."""
        return max(1, self.seconds - (now - self.start(now)))


def _positive(value: float) -> str | None:
    return None if value > 0 else f"must be greater than 0, not {value!r}"


class RateLimiting(EdgePlugin):
    name = "rate-limiting"
    priority = 910
    options: ClassVar = {
        **{period: Option(float, check=_positive) for period in _PERIODS},
        "limit_by": Option(
            str, "consumer", one_of=("consumer", "credential", "ip", "service", "header", "path")
        ),
        "header_name": Option(str),
        "path": Option(str),
        "policy": Option(str, "local", one_of=("local",)),
        "fault_tolerant": Option(bool, True),
        "hide_client_headers": Option(bool, False),
        "error_code": Option(int, 429, check=_positive),
        "error_message": Option(str, "API rate limit exceeded"),
        "sync_rate": Option(float, -1, one_of=(-1,)),
    }

    def __init__(self, config: Mapping[str, Any], world: World) -> None:
        super().__init__(config, world)
        self._windows = [Window(period, config[period]) for period in _PERIODS if config[period] is not None]
        if not self._windows:
            raise ConfigError(f"rate-limiting: one of {list(_PERIODS)} is required")
        self._limit_by: str = config["limit_by"]
        self._header = (config["header_name"] or "").lower().encode("latin-1")
        self._path: str | None = config["path"]
        self._hide: bool = config["hide_client_headers"]
        self._error: tuple[int, str] = (config["error_code"], config["error_message"])
        self._clock = world.clock

    def access(self, x: Exchange) -> None:
        now = int(self._clock())
        caller = self._caller(x)
        remaining = [window.limit - window.used(caller, now) for window in self._windows]
        stopped = [window for window, left in zip(self._windows, remaining, strict=True) if left <= 0]
        if not self._hide:
            _say(x.response_headers, self._windows, remaining, stopped, now)
        if stopped:
            x.answer = kong_error(x, *self._error)
            return
        for window in self._windows:
            window.count(caller)

    def _caller(self, x: Exchange) -> str:
        found: str | None = None
        if self._limit_by == "consumer":
            found = x.consumer.id if x.consumer else None
        elif self._limit_by == "credential":
            found = x.credential.id if x.credential else None
        elif self._limit_by == "service":
            found = x.match.route.service.id if x.match and x.match.route.service else None
        elif self._limit_by == "header":
            value = x.headers.get(self._header)
            found = value.decode("latin-1") if value is not None else None
        elif self._limit_by == "path":
            path = x.raw_path.decode("latin-1")
            found = path if path == self._path else None
        return found or x.client_ip


def _say(
    headers: Headers, windows: list[Window], remaining: Sequence[float], stopped: list[Window], now: int
) -> None:
    """The header fields, in the order of Kong's Lua table (which depends on how many there are)."""
    shown = []
    for window, left in zip(windows, remaining, strict=True):
        after = left - 1 if not stopped or window is stopped[-1] else left
        shown.append((max(0, after), -window.seconds, window))
    tightest_left, _, tightest = min(shown, key=lambda row: row[:2])
    reset = _number(tightest.reset(now))
    limits = [window.limit_field for window in windows]
    lefts = [(window.remaining_name, _number(left)) for left, _, window in shown]
    draft = [(b"RateLimit-Limit", tightest.limit_field[1]), (b"RateLimit-Remaining", _number(tightest_left))]
    retry = [(b"Retry-After", reset)] if stopped else []
    until = [(b"RateLimit-Reset", reset)]
    rows = (
        [*lefts, *draft, *limits, *retry, *until]
        if len(windows) == 1
        else [*lefts, *retry, *draft, *until, *limits]
    )
    for name, value in rows:
        headers.add(name, value)


def _number(value: float) -> bytes:
    return f"{value:.14g}".encode()
