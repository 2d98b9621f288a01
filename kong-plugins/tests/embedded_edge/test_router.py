from typing import Any

import pytest

from embedded_edge.entities import read_route
from embedded_edge.exchange import Exchange
from embedded_edge.router import Router
from embedded_edge.schema import ConfigError


def exchange(target: str, method: str = "GET", *headers: tuple[bytes, bytes]) -> Exchange:
    async def unused(*_: Any) -> Any:
        raise AssertionError

    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "http_version": "1.1",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", b"edge.test"), *headers] if not headers else list(headers),
    }
    return Exchange(scope, unused, unused)


def router(**routes: dict[str, Any]) -> Router:
    return Router([(read_route({"name": name, **fields}, None), name) for name, fields in routes.items()])


def chosen(given: Router, *args: Any) -> object:
    found = given.match(exchange(*args))
    return found.chain if found else None


HEALTH_AND_API = {
    "api": {"paths": ["/"], "strip_path": False},
    "health": {"paths": ["~/health$"], "methods": ["GET", "HEAD"], "strip_path": False},
}


@pytest.mark.parametrize(
    ("target", "method", "wanted"),
    [
        ("/health", "GET", "health"),
        ("/health", "HEAD", "health"),
        ("/health?x=1", "GET", "health"),
        ("/health", "POST", "api"),
        ("/health", "OPTIONS", "api"),
        ("/health/", "GET", "api"),
        ("/healthx", "GET", "api"),
        ("/health%0A", "GET", "api"),
        ("/Health", "GET", "api"),
        ("/x/health", "GET", "api"),
        ("/v1/models", "GET", "api"),
        # What the path is once resolved decides: the open route never serves another path.
        ("/health/../v1/models", "GET", "api"),
        ("/v1/../health", "GET", "health"),
    ],
)
def test_only_the_exact_path_takes_the_open_route(target: str, method: str, wanted: str) -> None:
    assert chosen(router(**HEALTH_AND_API), target, method) == wanted


def test_longer_paths_and_more_conditions_come_first() -> None:
    given = router(
        short={"paths": ["/a"]}, long={"paths": ["/a/b"]}, post={"paths": ["/a"], "methods": ["POST"]}
    )
    assert chosen(given, "/a/b/c") == "long"
    assert chosen(given, "/a/c") == "short"
    assert chosen(given, "/a/b", "POST") == "post"
    assert chosen(given, "/x") is None


def test_hosts_match_by_case_port_and_wildcard() -> None:
    given = router(exact={"hosts": ["a.test"]}, port={"hosts": ["a.test:81"]}, wild={"hosts": ["*.b.test"]})
    assert chosen(given, "/", "GET", (b"host", b"a.test")) == "exact"
    assert chosen(given, "/", "GET", (b"host", b"x.b.test:99")) == "wild"
    assert chosen(given, "/", "GET", (b"host", b"A.test")) is None
    assert chosen(given, "/", "GET", (b"host", b".b.test")) == "wild"
    assert chosen(given, "/", "GET", (b"host", b"b.test")) is None


def test_a_route_by_header_is_not_remembered_for_other_requests() -> None:
    given = router(gold={"paths": ["/"], "headers": {"X-Tier": ["gold"]}}, rest={"paths": ["/"]})
    assert chosen(given, "/", "GET", (b"x-tier", b"GOLD")) == "gold"
    assert chosen(given, "/", "GET", (b"x-tier", b"iron")) == "rest"


def test_a_path_that_is_no_expression_is_refused() -> None:
    with pytest.raises(ConfigError, match="is not an expression"):
        router(bad={"paths": ["~/a("]})
