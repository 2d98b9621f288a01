"""What Kong 3.9.3 and kong-pdk said to each other, replayed: the same bytes in, the same bytes out.

Only numbers that differ from run to run may differ: instance and event ids, start times, a process id.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest

from .driving import KongSide, command, environment, packed

# The stock server's faults, which are recorded too: what it did there, and what is done here.
FAULTS = {
    "non-UTF-8 header value: the plugin server's msgpack decoder raises, it closes the socket, "
    "Kong fails open",
    "exception after a PDK call: no answer ever; Kong waits 60 s, then fails open",
    "exception before any PDK call (threads): handle_event never answers and keeps the event lock",
    "plugin server down with a cached instance id: Kong fails open",
}


class Replay:
    """Kong's side of one file's recordings, with the ids of this run in place of the recorded ones."""

    def __init__(self, kong: KongSide) -> None:
        self._kong = kong
        self._ids: dict[str, dict[int, int]] = {"InstanceId": {}, "EventId": {}}

    def ask(self, message: list[Any]) -> list[Any]:
        self._kong.socket.sendall(self.request_bytes(message))
        answer: list[Any] = self._kong.receive_frame()
        return answer

    def request_bytes(self, message: list[Any]) -> bytes:
        kind, number, method, args = message
        if method == "plugin.CloseInstance":
            args = [self._ids["InstanceId"][args[0]]]
        elif isinstance(args[0], dict):
            args = [{key: self._ids.get(key, {}).get(value, value) if key in self._ids else value
                     for key, value in args[0].items()}]  # fmt: skip
        return packed([kind, number, method, args])

    def learn(self, recorded: list[Any], answered: list[Any]) -> None:
        """Ids are first seen in an answer."""
        if isinstance(recorded[3], dict) and isinstance(answered[3], dict):
            for key, kind in (("Id", "InstanceId"), ("EventId", "EventId")):
                if key in recorded[3]:
                    self._ids[kind][recorded[3][key]] = answered[3][key]


def decoded(hexadecimal: str) -> list[Any]:
    message: list[Any] = msgpack.unpackb(
        bytes.fromhex(hexadecimal), strict_map_key=False, unicode_errors="surrogateescape"
    )
    return message


def comparable(answer: list[Any]) -> bytes:
    """The bytes of an answer, with what differs from run to run taken out."""
    return packed(levelled(answer))


def levelled(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: 0 if key in ("Id", "EventId", "StartTime") else levelled(each) for key, each in value.items()
        }
    if isinstance(value, list):
        return [levelled(each) for each in value]
    if isinstance(value, str):
        return re.sub(r"(pid=|instance #)\d+", r"\g<1>0", value)
    return value


def wires(corpus: Path) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    for path in sorted(corpus.glob("pluginserver-*.json")):
        for case in json.loads(path.read_text())["cases"]:
            if "wire" in case:
                yield path.stem, case["name"], [step for step in case["wire"] if "hex" in step]


def plugin_of(name: str, wire: list[dict[str, Any]], before: str) -> str:
    """Which plugin's server a case spoke to: the one before it goes on unless an instance is started."""
    for step in wire:
        if decoded(step["hex"])[2] == "plugin.StartInstance":
            return str(decoded(step["hex"])[3][0]["Name"])
    return before


@pytest.mark.parametrize(
    "file", ["access-event", "exception", "exit", "start-instance", "typed-steps"], ids=str
)
def test_every_recorded_byte(file: str, corpus: Path, plugins: Path, serve: Any) -> None:
    cases = [(name, wire) for stem, name, wire in wires(corpus) if stem == f"pluginserver-{file}"]
    assert cases
    server, plugin, replay, compared = None, "", None, 0
    for name, wire in cases:
        needed = plugin_of(name, wire, plugin)
        if needed != plugin:
            if server is not None:
                server.stop()
            server, plugin = serve(plugins / needed), needed
            replay = Replay(server.connect())
        if name in FAULTS:
            continue
        assert replay is not None
        for asked, recorded in zip(wire[::2], wire[1::2], strict=False):
            assert (asked["dir"], recorded["dir"]) == ("kong->plugin", "plugin->kong")
            expected = decoded(recorded["hex"])
            answered = replay.ask(decoded(asked["hex"]))
            replay.learn(expected, answered)
            # The recorded answer packs back to the recorded bytes, so comparing packed forms compares bytes.
            assert packed(expected) == bytes.fromhex(recorded["hex"])
            assert comparable(answered) == comparable(expected), name
            compared += 1
    assert compared


def test_the_query_command_prints_what_was_recorded(corpus: Path, plugins: Path) -> None:
    cases = json.loads((corpus / "pluginserver-info-query.json").read_text())["cases"]
    for case in cases:
        plugin = case["name"].rpartition("-")[2]
        ran = subprocess.run(
            command("-d", str(plugins / plugin), "--dump-all-plugins"),
            capture_output=True,
            text=True,
            env=environment(),
            timeout=60,
            check=False,
        )
        told, recorded = json.loads(ran.stdout), json.loads(case["stdout"])
        for one in told + recorded:
            one["Phases"].sort()
        assert (told, ran.stderr, ran.returncode) == (recorded, case["stderr"], case["rc"])


def test_every_recorded_fault_is_none_here(plugins: Path, serve: Any, corpus: Path) -> None:
    names = {name for _, name, _ in wires(corpus)}
    assert names >= FAULTS, "a fault that no recording has"
    with serve(plugins / "pyfail").connect() as kong:
        for mode in ("raise_before", "raise_after"):
            assert kong.event(kong.start("pyfail", mode=mode, arg="0")).status == 503
        ran = kong.event(
            kong.start("pyfail", mode="types", arg="0"), {"kong.request.get_headers": {"x-bin": ["\udcff"]}}
        )
        assert ran.end == "ret"
        assert json.loads(ran.calls[-1][1][1])["h"] == {"x-bin": ["\udcff"]}
        with pytest.raises(Exception, match="init boom"):
            kong.start("pyfail", mode="raise_init", arg="0")


def test_a_body_that_kong_could_not_pack_leaves_nothing(plugins: Path, serve: Any) -> None:
    """Kong closes the connection then, and says nothing of the event again."""
    server = serve(plugins / "pyfail")
    with server.connect() as kong:
        instance = kong.start("pyfail", mode="bodyinfo", arg="0")
        assert kong.begin(instance)["Data"]["Method"] == "kong.request.get_raw_body"
    with server.connect() as kong:
        assert kong.event(instance, {"kong.request.get_raw_body": b"12345"}).calls[-1][1] == ["X-Body", "5"]
