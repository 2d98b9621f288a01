import asyncio

import pytest

from embedded_edge.plugins.counting import LocalCounters, Window
from testing.conformance.store import command, redis_running
from testing.conformance.upstreams import listening
from testing.edge import NOW, Backend, bearer, document, edge_serving, get, send


def test_a_window_ends_on_the_clock() -> None:
    window = Window("minute", 2)
    counters = LocalCounters([window])
    assert counters.used("a", 119) == [0]
    counters.count("a")
    assert counters.used("a", 119) == [1]
    assert counters.used("b", 119) == [0]
    assert counters.used("a", 120) == [0]
    assert window.reset(60) == 60
    assert window.reset(119) == 1


def test_months_and_years_begin_with_the_calendars() -> None:
    march_first_2027 = 1_803_859_200
    assert Window("month", 1).start(march_first_2027 + 86_400 * 5) == march_first_2027
    assert Window("year", 1).start(march_first_2027) == 1_798_761_600


def test_the_callers_of_a_window_are_bounded() -> None:
    counters = LocalCounters([Window("day", 1)])
    for number in range(100_002):
        counters.used(str(number), 0)
        counters.count(str(number))
    assert counters.used("0", 0) == [0]
    assert counters.used("100001", 0) == [1]


LIMIT = {"name": "rate-limiting", "config": {"minute": 100, "hour": 1000, "day": 10000}}


async def test_the_101st_request_of_a_minute_is_refused_and_reaches_nobody(backend: Backend) -> None:
    async with edge_serving(document({"name": "jwt"}, LIMIT), backend) as port:
        answers = [await send(port, get("/", bearer())) for _ in range(101)]
    assert {answer.split(b" ")[1] for answer in answers[:100]} == {b"200"}
    last = answers[100]
    assert last.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    assert b"\r\nRetry-After: 60\r\n" in last
    assert b"\r\nX-RateLimit-Remaining-Minute: 0\r\n" in last
    assert b"\r\nX-RateLimit-Remaining-Hour: 900\r\n" in last
    assert b'"message":"API rate limit exceeded"' in last
    assert len(backend.scopes) == 100


async def test_who_is_refused_a_token_uses_up_nothing(backend: Backend) -> None:
    limit = {"name": "rate-limiting", "config": {"minute": 1}}
    async with edge_serving(document({"name": "jwt"}, limit), backend) as port:
        for _ in range(3):
            assert (await send(port, get())).startswith(b"HTTP/1.1 401 ")
        assert (await send(port, get("/", bearer()))).startswith(b"HTTP/1.1 200 ")


def counted_in(port: int, **config: object) -> dict[str, object]:
    redis = {"host": "127.0.0.1", "port": port, "timeout": 500}
    return {"name": "rate-limiting", "config": {"policy": "redis", "redis": redis, **config}}


async def test_counts_in_redis_stand_under_kongs_keys_and_end_with_their_window(backend: Backend) -> None:
    given = document()
    async with redis_running() as redis:
        given["services"][0]["plugins"] = [counted_in(redis, minute=5, month=9, limit_by="ip")]
        async with edge_serving(given, backend) as port:
            for _ in range(2):
                await send(port, get())
        # The service's id is the one that Kong derives from its name.
        place = "00000000-0000-0000-0000-000000000000:b268827a-8f7f-551f-8769-e6bceb2f3ec6:127.0.0.1"
        minute = f"ratelimit:{place}:{int(NOW) // 60 * 60000}:minute"
        month = f"ratelimit:{place}:1798761600000:month"
        assert await command(redis, "KEYS", "*") == b"*2"
        assert await command(redis, "GET", minute) == b"$1"
        assert await command(redis, "INCRBY", minute, "0") == b":2"
        assert await command(redis, "INCRBY", month, "0") == b":2"
        assert 50 <= int((await command(redis, "TTL", minute))[1:]) <= 60
        assert 2_591_000 <= int((await command(redis, "TTL", month))[1:]) <= 2_592_000


async def test_two_edges_with_one_redis_count_together(backend: Backend) -> None:
    async with redis_running() as redis:
        given = document(counted_in(redis, minute=3, limit_by="ip"))
        async with edge_serving(given, backend) as one, edge_serving(given, backend) as other:
            answers = [await send(port, get()) for port in (one, other, one, other)]
    assert [answer[9:12] for answer in answers] == [b"200", b"200", b"200", b"429"]
    assert b"X-RateLimit-Remaining-Minute: 1\r\n" in answers[1]


async def test_requests_at_once_are_counted_once_each(backend: Backend) -> None:
    async with redis_running() as redis:
        given = document(counted_in(redis, minute=10, limit_by="ip"))
        async with edge_serving(given, backend) as port:
            answers = await asyncio.gather(*(send(port, get()) for _ in range(30)))
    assert sum(answer.startswith(b"HTTP/1.1 200 ") for answer in answers) == 10


@pytest.mark.parametrize(("tolerant", "status"), [(True, b"200"), (False, b"500")])
async def test_a_redis_that_never_answers_holds_up_no_request_past_its_deadline(
    tolerant: bool, status: bytes, backend: Backend
) -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            pass

    async with listening(silent) as redis:
        given = document(counted_in(redis, minute=5, limit_by="ip", fault_tolerant=tolerant))
        async with edge_serving(given, backend) as port, asyncio.timeout(3):
            answer = await send(port, get())
    assert answer[9:12] == status
    assert len(backend.scopes) == tolerant


async def test_a_redis_that_comes_back_counts_again(backend: Backend) -> None:
    async with redis_running() as redis:
        given = document(counted_in(redis, minute=1, limit_by="ip"))
        async with edge_serving(given, backend) as port:
            await command(redis, "CLIENT", "KILL", "TYPE", "normal")
            statuses = [(await send(port, get()))[9:12] for _ in range(2)]
            await command(redis, "CLIENT", "KILL", "TYPE", "normal")
            statuses.append((await send(port, get()))[9:12])
    assert statuses == [b"200", b"429", b"429"]


async def test_a_wrong_password_is_no_access(backend: Backend) -> None:
    async with redis_running(0, "--requirepass", "right") as redis:
        config = {"host": "127.0.0.1", "port": redis, "password": "wrong"}
        limit = {"policy": "redis", "minute": 1, "limit_by": "ip", "fault_tolerant": False, "redis": config}
        async with edge_serving(document({"name": "rate-limiting", "config": limit}), backend) as port:
            assert (await send(port, get())).startswith(b"HTTP/1.1 500 ")
        config["password"] = "right"
        async with edge_serving(document({"name": "rate-limiting", "config": limit}), backend) as port:
            assert (await send(port, get())).startswith(b"HTTP/1.1 200 ")
