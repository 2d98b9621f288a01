"""rate-limiting: fixed windows on the clock, counted here or in Redis."""

import itertools
import logging
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, ClassVar

from embedded_edge.answers import kong_error
from embedded_edge.exchange import Exchange
from embedded_edge.headers import Headers
from embedded_edge.plugins.base import EdgePlugin, World
from embedded_edge.plugins.counting import PERIODS, Counters, LocalCounters, RedisCounters, Window, number
from embedded_edge.redis_client import Redis, RedisAddress, RedisError
from embedded_edge.schema import ConfigError, Option, read_options
from embedded_edge.uri import normalise

_log = logging.getLogger("embedded_edge")


def _positive(value: float) -> str | None:
    return None if value > 0 else f"must be greater than 0, not {value!r}"


_REDIS = {
    "host": Option(str),
    "port": Option(int, 6379),
    "timeout": Option(int, 2000, check=_positive),
    "username": Option(str),
    "password": Option(str, secret=True),
    "database": Option(int, 0),
    "ssl": Option(bool, False),
    "ssl_verify": Option(bool, False),
    "server_name": Option(str),
}


class RateLimiting(EdgePlugin):
    name = "rate-limiting"
    priority = 910
    options: ClassVar = {
        **{period: Option(float, check=_positive) for period in PERIODS},
        "limit_by": Option(
            str, "consumer", one_of=("consumer", "credential", "ip", "service", "header", "path")
        ),
        "header_name": Option(str),
        "path": Option(str),
        "policy": Option(str, "local", one_of=("local", "redis")),
        "fault_tolerant": Option(bool, True),
        "hide_client_headers": Option(bool, False),
        "error_code": Option(int, 429, check=_positive),
        "error_message": Option(str, "API rate limit exceeded"),
        "sync_rate": Option(float, -1, one_of=(-1,)),
        "redis": Option(dict, {}),
        # The older spelling of what is in `redis`.
        **{f"redis_{name}": Option(option.kind, secret=option.secret) for name, option in _REDIS.items()},
    }

    def __init__(self, config: Mapping[str, Any], world: World) -> None:
        super().__init__(config, world)
        self._windows = [Window(period, config[period]) for period in PERIODS if config[period] is not None]
        _check(config, self._windows)
        self._limit_by: str = config["limit_by"]
        self._header = (config["header_name"] or "").lower().encode("latin-1")
        self._path: str | None = config["path"]
        self._hide: bool = config["hide_client_headers"]
        self._error: tuple[int, str] = (config["error_code"], config["error_message"])
        self._fault_tolerant: bool = config["fault_tolerant"]
        self._clock = world.clock
        self._redis = Redis(_address(config)) if config["policy"] == "redis" else None
        self._counters: Counters = LocalCounters(self._windows)
        if self._redis is not None:
            self._counters = RedisCounters(self._windows, self._redis, world.route_id, world.service_id)

    def access(self, x: Exchange) -> Awaitable[None] | None:
        now = int(self._clock())
        caller = self._caller(x)
        used = self._counters.used(caller, now)
        if isinstance(used, list):
            self._decide(x, caller, used, now)
            return None
        return self._wait(x, caller, used, now)

    async def close(self) -> None:
        if self._redis is not None:
            await self._redis.close()

    async def _wait(self, x: Exchange, caller: str, counting: Awaitable[list[int]], now: int) -> None:
        try:
            used = await counting
        except RedisError as error:
            if not self._fault_tolerant:
                raise
            _log.error("rate-limiting: %s; the request is let through", error)
            return
        self._decide(x, caller, used, now)

    def _decide(self, x: Exchange, caller: str, used: list[int], now: int) -> None:
        remaining = [window.limit - count for window, count in zip(self._windows, used, strict=True)]
        stopped = [window for window, left in zip(self._windows, remaining, strict=True) if left <= 0]
        if not self._hide:
            _say(x.response_headers, self._windows, remaining, stopped, now)
        if stopped:
            x.answer = kong_error(x, *self._error)
            return
        self._counters.count(caller)

    def _caller(self, x: Exchange) -> str:
        found: str | None = None
        if self._limit_by == "consumer":
            found = x.consumer.id if x.consumer else None
        elif self._limit_by == "credential":
            found = x.credential.id if x.credential else None
        elif self._limit_by == "service":
            found = x.match.route.service.id if x.match and x.match.route.service else None
        elif self._limit_by == "header":
            value = x.headers.variable(self._header)
            found = value.decode("latin-1") if value is not None else None
        elif self._limit_by == "path":
            path = normalise(x.raw_path.decode("latin-1"))
            found = path if path == self._path else None
        return x.client_ip if found is None else found


def _say(
    headers: Headers, windows: list[Window], remaining: Sequence[float], stopped: list[Window], now: int
) -> None:
    """The header fields, in the order of Kong's Lua table (which depends on how many there are)."""
    shown = []
    for window, left in zip(windows, remaining, strict=True):
        after = left - 1 if not stopped or window is stopped[-1] else left
        shown.append((max(0, after), -window.seconds, window))
    tightest_left, _, tightest = min(shown, key=lambda row: row[:2])
    reset = number(tightest.reset(now))
    limits = [window.limit_field for window in windows]
    lefts = [(window.remaining_name, number(left)) for left, _, window in shown]
    draft = [(b"RateLimit-Limit", tightest.limit_field[1]), (b"RateLimit-Remaining", number(tightest_left))]
    retry = [(b"Retry-After", reset)] if stopped else []
    until = [(b"RateLimit-Reset", reset)]
    rows = (
        [*lefts, *draft, *limits, *retry, *until]
        if len(windows) == 1
        else [*lefts, *retry, *draft, *until, *limits]
    )
    for name, value in rows:
        headers.add(name, value)


def _check(config: Mapping[str, Any], windows: list[Window]) -> None:
    if not windows:
        raise ConfigError(f"rate-limiting: one of {list(PERIODS)} is required")
    for shorter, longer in itertools.pairwise(windows):
        if longer.limit < shorter.limit:
            raise ConfigError(
                f"rate-limiting: the limit for {longer.period} ({longer.limit}) cannot be lower than "
                f"the limit for {shorter.period} ({shorter.limit})"
            )
    for value, needed in (("header", "header_name"), ("path", "path")):
        if config["limit_by"] == value and not config[needed]:
            raise ConfigError(f"rate-limiting: limit_by {value!r} needs the option {needed!r}")


def _address(config: Mapping[str, Any]) -> RedisAddress:
    old = {name: config[f"redis_{name}"] for name in _REDIS if config[f"redis_{name}"] is not None}
    given = read_options("rate-limiting: redis", {**old, **config["redis"]}, _REDIS)
    if not given["host"]:
        raise ConfigError("rate-limiting: policy 'redis' needs the option 'redis.host'")
    return RedisAddress(
        host=given["host"],
        port=given["port"],
        timeout_s=given["timeout"] / 1000,
        username=given["username"],
        password=given["password"],
        database=given["database"],
        tls=given["ssl"],
        verify=given["ssl_verify"],
        server_name=given["server_name"],
    )
