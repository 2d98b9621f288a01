from embedded_edge.plugins.rate_limiting import Window
from testing.edge import Backend, bearer, document, edge_serving, get, send


def test_a_window_ends_on_the_clock() -> None:
    window = Window("minute", 2)
    assert window.used("a", 119) == 0
    window.count("a")
    assert window.used("a", 119) == 1
    assert window.used("b", 119) == 0
    assert window.used("a", 120) == 0
    assert window.reset(60) == 60
    assert window.reset(119) == 1


def test_months_and_years_begin_with_the_calendars() -> None:
    march_first_2027 = 1_803_859_200
    assert Window("month", 1).start(march_first_2027 + 86_400 * 5) == march_first_2027
    assert Window("year", 1).start(march_first_2027) == 1_798_761_600


def test_the_callers_of_a_window_are_bounded() -> None:
    window = Window("day", 1)
    for number in range(100_002):
        window.used(str(number), 0)
        window.count(str(number))
    assert window.used("0", 0) == 0
    assert window.used("100001", 0) == 1


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
