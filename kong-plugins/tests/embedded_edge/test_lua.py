"""The functions of configs/kong/kong.yaml as the edge runs them; a real Kong was seen to do the same."""

import json
from typing import Any

import pytest

from embedded_edge.lua import KNOWN, fingerprint
from testing.edge import Backend, bearer, document, edge_serving, get, send, shipped


def texts(plugin: str) -> list[str]:
    given = shipped()
    everywhere = [*given["plugins"], *given["services"][0]["routes"][1]["plugins"]]
    return [text for entry in everywhere if entry["name"] == plugin for text in entry["config"]["access"]]


def test_every_lua_text_of_the_file_is_known_and_none_else() -> None:
    assert {fingerprint(text) for text in (*texts("pre-function"), *texts("post-function"))} == set(KNOWN)


def chain(*plugins: dict[str, Any]) -> dict[str, Any]:
    return document({"name": "pre-function", "config": {"access": texts("pre-function")}}, *plugins)


GATE = {"name": "post-function", "config": {"access": texts("post-function")}}

SPOOFED = [
    "X-Gateway-Tag",
    "x-gateway-tag",
    "x_gateway_tag",
    "X_Gateway-Tag",
    "X-GATEWAY-ANYTHING",
    "X-Gateway-Subject",
    "X-Compliance-Class",
    "X_COMPLIANCE_CLASS",
    "X-Consumer-Username",
    "X-Consumer-New",
    "x_consumer_id",
    "X-Credential-Identifier",
    "X-Anonymous-Consumer",
    "x_anonymous_consumer",
    "x-user-tier",
    "X_User_Tier",
]


@pytest.mark.parametrize("name", SPOOFED)
async def test_a_header_that_only_the_gateway_may_set_is_cleared(name: str, backend: Backend) -> None:
    async with edge_serving(chain(), backend) as port:
        await send(port, get("/", f"{name}: spoofed", "X-Keep: 1", f"{name}: again"))
    assert not [pair for pair in backend.scopes[-1]["headers"] if pair[1] in (b"spoofed", b"again")]
    assert backend.header("x-keep") == ["1"]


async def test_names_that_only_resemble_ours_pass(backend: Backend) -> None:
    async with edge_serving(chain(), backend) as port:
        await send(port, get("/", "X-Gatewayed: 1", "My-X-Gateway-Tag: 2", "X-Data-Class: phi"))
    assert backend.header("x-gatewayed") == ["1"]
    assert backend.header("my-x-gateway-tag") == ["2"]
    assert backend.header("x-data-class") == ["phi"]


@pytest.mark.parametrize(
    ("sent", "signed"),
    [
        ("/v1/a%2Fb/c?x=%20&y", "/v1/a%2Fb/c?x=%20&y"),
        ("//v1///x", "/v1/x"),
        ("/v1/./a/../x/", "/v1/x/"),
        ("/v1/%78%2d%C3%A9", "/v1/x-%C3%A9"),
        ("/v1/\xc3\xa9 ".rstrip(), "/v1/%C3%A9"),
        ("/v1/x?", "/v1/x"),
        ("/v1/x??a", "/v1/x??a"),
        ('/v1/[x]\\|^`{}<>"', "/v1/[x]%5C%7C%5E%60%7B%7D%3C%3E%22"),
        ("/", "/"),
    ],
)
async def test_the_target_is_what_the_backend_is_asked(sent: str, signed: str, backend: Backend) -> None:
    async with edge_serving(chain(), backend) as port:
        await send(port, get(sent, "X-Gateway-Target: GET /admin", method="DELETE"))
    assert backend.header("x-gateway-target") == [f"DELETE {signed}"]
    scope = backend.scopes[-1]
    mark = b"?" if scope["query_string"] else b""
    assert (scope["raw_path"] + mark + scope["query_string"]).decode() == signed


@pytest.mark.parametrize("value", ["a", "good_ID-1", "a" * 64])
async def test_a_good_request_id_is_kept(value: str, backend: Backend) -> None:
    async with edge_serving(chain(), backend) as port:
        await send(port, get("/", f"X-Request-Id: {value}"))
    assert backend.header("x-request-id") == [value]


@pytest.mark.parametrize(
    "sent",
    [
        ["X-Request-Id: with space"],
        ["X-Request-Id: " + "a" * 65],
        ["X-Request-Id: <script>"],
        ["X-Request-Id: a\xff"],
        ["X-Request-Id:"],
        ["X-Request-Id: a", "x-request-id: b"],
        ["X_Request_Id: a"],
    ],
)
async def test_a_bad_request_id_is_dropped(sent: list[str], backend: Backend) -> None:
    async with edge_serving(chain(), backend) as port:
        await send(port, get("/", *sent))
    assert backend.header("x-request-id") == []
    assert backend.header("x_request_id") == []


async def test_as_many_headers_as_kong_reads_are_refused(backend: Backend) -> None:
    async with edge_serving(chain(), backend) as port:
        answer = await send(port, get("/", *["a:"] * 1000, "X-Gateway-Tag: spoofed"))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Too many headers" in answer
    assert backend.scopes == []


async def test_the_gate_refuses_without_a_credential(backend: Backend) -> None:
    async with edge_serving(chain(GATE), backend) as port:
        head, _, body = (await send(port, get())).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 401 ")
    assert json.loads(body)["error"]["type"] == "authentication_error"
    assert backend.scopes == []


async def test_the_gate_refuses_without_a_tag_even_if_the_client_sends_one(backend: Backend) -> None:
    async with edge_serving(chain({"name": "jwt"}, GATE), backend) as port:
        head, _, body = (await send(port, get("/", bearer(), "X-Gateway-Tag: forged"))).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 1" in head
    assert json.loads(body)["error"]["code"] == "untagged"
    assert backend.scopes == []
