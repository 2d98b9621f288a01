"""Our own plugins in this process: what they see, and that whatever goes wrong is a 503."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from testing.edge import Backend, bearer, document, edge_serving, get, send

HEAD = """
Version = "1"
Priority = 905
Schema = ({"word": {"type": "string", "default": "none"}},)
class Plugin:
    def __init__(self, config):
        self.config = config
    def access(self, kong):
"""


def plugin(folder: Path, *lines: str) -> dict[str, Any]:
    """A plugin `ours` with that body of `access`, on the route."""
    (folder / "ours").mkdir()
    (folder / "ours" / "ours.py").write_text(HEAD + "".join(f"        {line}\n" for line in lines))
    return {"name": "ours"}


async def test_a_plugin_sees_the_request_and_sets_headers(tmp_path: Path, backend: Backend) -> None:
    ours = plugin(
        tmp_path,
        "headers = kong.request.get_headers(1000)",
        "body = kong.request.get_raw_body(10)",
        "token = kong.ctx.shared.get('authenticated_jwt_token')",
        "name = headers['x-consumer-username'][0]",
        'seen = f\'{self.config["word"]} {headers["x-two"]} {body!r} {token[:2]} {name}\'',
        "kong.service.request.set_headers({'X-Seen': seen, 'X-Two': 'one'})",
    )
    ours["config"] = {"word": "w"}
    async with edge_serving(document({"name": "jwt"}, ours), backend, tmp_path) as port:
        await send(port, get("/", bearer(), "X-Two: a", "X-Two: b", method="POST", body=b"hi"))
    assert backend.header("x-seen") == ["w ['a', 'b'] b'hi' ey acme"]
    assert backend.header("x-two") == ["one"]


async def test_bytes_that_are_not_utf8_do_not_go_round_a_plugin(tmp_path: Path, backend: Backend) -> None:
    ours = plugin(tmp_path, "kong.service.request.set_header('X-Echo', kong.request.get_header('x-raw'))")
    async with edge_serving(document(ours), backend, tmp_path) as port:
        await send(port, get("/", "X-Raw: \xff\xfe"))
    assert backend.header("x-echo") == ["\xff\xfe"]


async def test_exit_ends_the_chain(tmp_path: Path, backend: Backend) -> None:
    ours = plugin(tmp_path, "kong.response.exit(403, {'message': 'no'}, {'X-Why': 'because'})")
    async with edge_serving(document(ours), backend, tmp_path) as port:
        answer = await send(port, get())
    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"\r\nX-Why: because\r\n" in answer
    assert answer.endswith(b'\r\n\r\n{"message":"no"}')
    assert backend.scopes == []


@pytest.mark.parametrize(
    "line",
    [
        "raise ValueError('the prompt')",
        "kong.request.no_such_call()",
        "kong.service.request.set_header('X-A', 'a\\r\\nX-Gateway-Tag: forged')",
        "kong.request.get_raw_body(1)",
        "raise RecursionError",
    ],
)
async def test_whatever_a_plugin_raises_is_a_503_for_that_request_only(
    line: str, tmp_path: Path, backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    ours = plugin(tmp_path, "if kong.request.get_method() == 'POST':", f"    {line}")
    async with edge_serving(document(ours), backend, tmp_path) as port:
        refused = await send(port, get("/", method="POST", body=b"hello"))
        assert (await send(port, get())).startswith(b"HTTP/1.1 200 ")
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert len(backend.scopes) == 1
    assert "ours.py" in caplog.text
    assert "the prompt" not in caplog.text


async def test_a_call_after_exit_does_not_undo_it(tmp_path: Path, backend: Backend) -> None:
    ours = plugin(tmp_path, "kong.response.exit(403, 'no')", "kong.service.request.set_header('X-A', '1')")
    async with edge_serving(document(ours), backend, tmp_path) as port:
        assert (await send(port, get())).startswith(b"HTTP/1.1 403 ")


async def test_a_large_body_holds_up_no_other_request(tmp_path: Path, backend: Backend) -> None:
    # The plugin blocks on the large body until a small request has gone through the same plugin.
    ours = plugin(
        tmp_path,
        "import threading",
        "gate = self.__dict__.setdefault('gate', threading.Event())",
        "if len(kong.request.get_raw_body()) > 100000:",
        "    assert gate.wait(10)",
        "else:",
        "    gate.set()",
    )
    async with edge_serving(document(ours), backend, tmp_path) as port:
        large = asyncio.create_task(send(port, get("/large", method="POST", body=b"x" * 300_000)))
        await asyncio.sleep(0)
        small = await send(port, get("/small"))
        assert small.startswith(b"HTTP/1.1 200 ")
        assert (await large).startswith(b"HTTP/1.1 200 ")
