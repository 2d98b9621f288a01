"""The parts that need no process: the board, texts for the log, bounds, and who imports what."""

from __future__ import annotations

import ast
import socket
from concurrent.futures import Future
from pathlib import Path

import pytest

from pluginserver.board import MIDWAY, OWED, Board
from pluginserver.faults import describe, describe_running, own_text
from pluginserver.handover import channel, receive_socket, register
from pluginserver.instances import Instances
from pluginserver.limits import MAX_INSTANCES, MAX_LOG_CHARACTERS
from pluginserver.listening import SocketTaken, listen
from pluginserver.waiting import result_of
from pluginserver.wire import BadFrame, call, event_result, new_unpacker, pack, read_request, result

PACKAGE = Path(__file__).resolve().parents[2] / "pluginserver"


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def test_a_message_is_shown_only_if_the_code_holds_it() -> None:
    content = "jane@example.com"
    assert "jane" not in describe(raised(ValueError(f"no such user: {content}")))
    assert "jane" not in describe(raised(KeyError(content.upper())))
    assert "jane" not in describe(raised(ValueError(content.encode(), 1)))

    def fail() -> None:
        raise ValueError("no keys")

    with pytest.raises(ValueError, match="no keys") as caught:
        fail()
    assert describe(caught.value).endswith("ValueError: no keys")


def test_a_deep_traceback_keeps_its_innermost_places() -> None:
    def deep(levels: int) -> None:
        if levels == 0:
            innermost()
        deep(levels - 1)

    def innermost() -> None:
        raise ValueError("here")

    with pytest.raises(ValueError, match="here") as caught:
        deep(200)
    text = describe(caught.value)
    assert len(text) < MAX_LOG_CHARACTERS + 200
    assert "in innermost" in text
    assert "  ...\n" in text


def test_where_running_code_is() -> None:
    import sys

    text = describe_running(sys._getframe(), "still running")
    assert "in test_where_running_code_is" in text
    assert text.endswith("still running")
    assert describe_running(None, "gone").endswith("gone")


def test_a_text_of_its_own() -> None:
    assert own_text(ValueError("init boom")) == "init boom"
    assert own_text(ValueError()) == "ValueError"


def test_the_board_says_what_is_owed() -> None:
    board = Board()
    slots = [board.slot(index) for index in range(4)]
    assert list(board.debts()) == []
    slots[1].owed(7, 1 << 52, 12.5)
    slots[2].midway()
    slots[3].owed(8, 9, 1.0)
    slots[3].idle()
    debts = list(board.debts())
    assert [(debt.slot, debt.state) for debt in debts] == [(1, OWED), (2, MIDWAY)]
    assert (debts[0].request_id, debts[0].event_id, debts[0].arrived) == (7, 1 << 52, 12.5)
    board.beat(3.25)
    assert board.last_beat() == 3.25


def test_sockets_pass_with_their_place() -> None:
    ours, theirs = channel()
    one, other = socket.socketpair()
    with ours, theirs, one, other:
        register(ours, 5, one)
        received = receive_socket(theirs)
        assert received is not None
        slot, copy = received
        with copy:
            copy.send(b"x")
            assert (slot, other.recv(1)) == (5, b"x")
        ours.close()
        assert receive_socket(theirs) is None


def test_instances_forget_the_one_unused_for_longest() -> None:
    instances = Instances()
    first = instances.add("p", {}, object())
    second = instances.add("p", {}, object())
    for _ in range(MAX_INSTANCES - 1):
        assert instances.get(first.id) is first
        instances.add("p", {}, object())
    assert len(instances) == MAX_INSTANCES
    assert instances.get(first.id) is first
    assert instances.get(second.id) is None


@pytest.mark.parametrize("frame", [None, 1, [], {}, [0, 1, "x"], [0, True, "x", []], [0, 1, "x", {}], [3]])
def test_what_is_no_request(frame: object) -> None:
    with pytest.raises(BadFrame):
        read_request(frame)


def test_an_answer_is_what_packing_it_whole_gives() -> None:
    data = call("kong.request.get_headers", 1000)
    whole = {"Data": {"Method": "kong.request.get_headers", "Args": [1000]}, "EventId": 1 << 50}
    assert event_result(70_000, 1 << 50, data) == result(70_000, whole)


def test_nested_arrays_beyond_the_bound_are_refused() -> None:
    unpacker = new_unpacker()
    unpacker.feed(b"\xdd\x00\x01\x00\x00" * 3)
    with pytest.raises(ValueError, match="max_array_len"):
        unpacker.unpack()


def test_text_of_any_bytes() -> None:
    text = b"\xff\xfe caf\xe9".decode("utf-8", "surrogateescape")
    assert pack(text) == b"\xa7\xff\xfe caf\xe9"


def test_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    with pytest.raises(SocketTaken, match="too long"):
        listen(tmp_path / ("x" * 120), 1)


def test_outside_of_the_server_work_in_a_pool_is_waited_for() -> None:
    done: Future[int] = Future()
    done.set_result(42)
    assert result_of(done) == 42
    failed: Future[int] = Future()
    failed.set_exception(ValueError("x"))
    with pytest.raises(ValueError, match="x"):
        result_of(failed)
    with pytest.raises(TimeoutError):
        result_of(Future(), timeout=0.01)


def test_it_imports_nothing_of_the_rest() -> None:
    others = {"embedded_edge", "gateway", "compliance", "testing", "plugins"}
    sources = sorted(PACKAGE.glob("*.py"))
    assert sources
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not others & {name.partition(".")[0] for name in names}, path
