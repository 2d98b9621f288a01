from embedded_edge.headers import Headers


def test_set_replaces_the_first_where_it_stands_in_its_case_and_drops_the_others() -> None:
    headers = Headers.of([(b"A", b"1"), (b"x-TAG", b"spoofed"), (b"B", b"2"), (b"X-Tag", b"again")])
    headers.set(b"X-Tag", b"real")
    assert headers.pairs() == [(b"A", b"1"), (b"x-TAG", b"real"), (b"B", b"2")]


def test_set_appends_what_is_not_there() -> None:
    headers = Headers.of([(b"A", b"1")])
    headers.set(b"X-Tag", b"real")
    assert headers.pairs() == [(b"A", b"1"), (b"X-Tag", b"real")]


def test_remove_drops_every_spelling() -> None:
    headers = Headers.of([(b"X-Tag", b"1"), (b"A", b"2"), (b"x-tag", b"3")])
    headers.remove(b"x-tag")
    assert headers.pairs() == [(b"A", b"2")]


def test_get_gives_the_first_and_values_all() -> None:
    headers = Headers.of([(b"Cookie", b"a=1"), (b"cookie", b"b=2")])
    assert headers.get(b"cookie") == b"a=1"
    assert headers.values(b"cookie") == [b"a=1", b"b=2"]
    assert headers.get(b"absent") is None
