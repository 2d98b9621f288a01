"""What the recordings do not hold: refusals, and what makes Kong answer 500."""

import json
from typing import Any

import pytest

from embedded_edge.arguments import decode, encode
from embedded_edge.schema import ConfigError
from embedded_edge.templates import Template
from testing.edge import Backend, document, edge_serving, get, send


def transformer(**config: Any) -> dict[str, Any]:
    return document({"name": "request-transformer", "config": config})


ENVIRONMENT = {
    "headers": {"host": "edge.test", "x-two": ["a", "b"]},
    "query_params": {"q": "1", "flag": True},
    "uri_captures": {1: "first", "name": "first"},
    "shared": {},
}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a$(headers.host)b", "aedge.testb"),
        ("$(headers['host'])/$(query_params.q)", "edge.test/1"),
        ("$(uri_captures[1])$(uri_captures.name)", "firstfirst"),
        ("$(headers.nope or 'none')", "none"),
        ("$(headers.nope)", ""),
        ("$(query_params.flag)", "true"),
        ("$(headers.host and 'yes' or 'no')", "yes"),
        ("$(not headers.nope and ('a' .. \"b\"))", "ab"),
        ("$(headers['x-two'])", "a"),
        ("$ (x) $", "$ (x) $"),
        ("$(open", "$(open"),
    ],
)
def test_a_template_reads_values_and_joins_them(text: str, shown: str) -> None:
    assert Template("here", text).render(ENVIRONMENT) == shown


@pytest.mark.parametrize(
    "text",
    ["$(os.execute('x'))", "$(headers.a())", "$(1 + 1)", "$(headers..)", "$(headers[)", "$()", "$('a' 'b')"],
)
def test_any_other_lua_is_refused_by_name(text: str) -> None:
    with pytest.raises(ConfigError, match=r"here: template .* is not known"):
        Template("here", text)


@pytest.mark.parametrize("text", ["$(headers.nope.more)", "$('a' .. headers.nope)"])
def test_what_lua_cannot_do_raises(text: str) -> None:
    with pytest.raises(TypeError):
        Template("here", text).render(ENVIRONMENT)


@pytest.mark.parametrize("query", ["a=1&b=2", "a&b=", "a=1&a=2&a", "a%20b=%C3%A9", "x=~!*'()-._", "q=%25zz"])
def test_a_query_survives_being_taken_apart(query: str) -> None:
    assert encode(decode(query.encode()), by_name=False) == query.encode()


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"add": {"headers": ["bad name:x"]}}, "bad name"),
        ({"add": {"header": ["a:b"]}}, "header"),
        ({"rename": {"body": ["old"]}}, "old"),
        ({"add": {"headers": ["X-A:$(ngx.var.x)"]}}, "ngx"),
        ({"http_method": 5}, "http_method"),
        ({"remove": {"headers": "X-A"}}, "X-A"),
    ],
)
async def test_what_is_not_known_is_refused_by_name(config: Any, named: str, backend: Backend) -> None:
    with pytest.raises(ConfigError, match=named):
        async with edge_serving(transformer(**config), backend):
            pass


async def test_a_value_that_would_end_the_header_is_a_500(backend: Backend) -> None:
    given = transformer(add={"headers": ["X-A:$(query_params.q)"]})
    async with edge_serving(given, backend) as port:
        answer = await send(port, get("/?q=a%0d%0aX-Gateway-Tag:%20forged"))
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert backend.scopes == []


async def test_a_multipart_body_is_not_let_through_untransformed(backend: Backend) -> None:
    given = transformer(remove={"body": ["secret"]})
    async with edge_serving(given, backend) as port:
        kind = "Content-Type: multipart/form-data; boundary=x"
        answer = await send(port, get("/", kind, method="POST", body=b"--x--"))
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert backend.scopes == []


async def test_a_body_that_is_too_deep_is_left_alone_or_refused(backend: Backend) -> None:
    given = transformer(add={"body": ["a:b"]})
    deep = b"[" * 100_000 + b"]" * 100_000
    async with edge_serving(given, backend) as port:
        answer = await send(port, get("/", "Content-Type: application/json", method="POST", body=deep))
    assert answer[9:12] in (b"200", b"500")
    assert backend.bodies in ([], [deep])


async def test_a_new_body_arrives_with_its_own_length(backend: Backend) -> None:
    given = transformer(add={"body": ["name:é"]})
    async with edge_serving(given, backend) as port:
        kind = "Content-Type: application/json"
        await send(port, get("/", kind, method="POST", body=b'{"a": [1.5, null, "\xc3\xbc"]}'))
    assert json.loads(backend.bodies[0]) == {"a": [1.5, None, "ü"], "name": "é"}
    assert backend.header("content-length") == [str(len(backend.bodies[0]))]
