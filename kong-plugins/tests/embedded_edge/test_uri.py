import pytest

from embedded_edge.uri import escape, normalise, upstream_path


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/", "/"),
        ("/v1/models", "/v1/models"),
        ("/a//b///c", "/a/b/c"),
        ("/a/./b/.", "/a/b/"),
        ("/a/../b", "/b"),
        ("/../../b", "/b"),
        ("/a/b/..", "/a/"),
        ("/a/%2e%2E/b", "/b"),
        ("/%7Ea/%61", "/~a/a"),
        ("/a%2fb%3f", "/a%2Fb%3F"),
        ("/a%20b", "/a b"),
        ("/a%", "/a%"),
        ("/a.b/c", "/a.b/c"),
    ],
)
def test_a_path_is_normalised_as_kong_does(path: str, wanted: str) -> None:
    assert normalise(path) == wanted


def test_what_may_not_stand_in_a_request_line_is_encoded_again() -> None:
    assert escape(normalise("/a%20b%0d%0aX%ff%2F")) == "/a%20b%0D%0AX%FF%2F"


@pytest.mark.parametrize(
    ("path", "prefix", "strip", "base", "wanted"),
    [
        ("/svc/a", "/svc", True, "", "/a"),
        ("/svc", "/svc", True, "", "/"),
        ("/svcx", "/svc", True, "", "/x"),
        ("/svc/a", "/svc", True, "/base", "/base/a"),
        ("/svc", "/svc", True, "/base", "/base"),
        ("/svc/", "/svc", True, "/base", "/base/"),
        ("/svc", "/svc", True, "/base/", "/base"),
        ("/svc/", "/svc/", True, "/base/", "/base/"),
        ("/svc/..", "/svc/", True, "/base/", "/base"),
        ("/svc/a", None, False, "", "/svc/a"),
        ("/svc/a", None, False, "/base", "/base/svc/a"),
        ("/svc/a", None, False, "/base/", "/base/svc/a"),
        ("/", None, False, "/base", "/base"),
    ],
)
def test_the_upstream_path(path: str, prefix: str | None, strip: bool, base: str, wanted: str) -> None:
    assert upstream_path(path, prefix, strip, base) == wanted
