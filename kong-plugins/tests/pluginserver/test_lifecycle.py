"""Starting, the query command, ending: with Kong, and beside another server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgpack
import pytest

from .driving import DEADLINE_S, SOCKET, answers, children, command, environment, until

PLUGIN = "class Plugin:\n    def __init__(self, config): pass\n    def access(self, kong): pass\n"


def run(*flags: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command(*flags), capture_output=True, env=environment(), timeout=DEADLINE_S, check=False
    )


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("raise ValueError('no keys')", "does not import: ValueError: no keys"),
        ("import nosuchmodule_x", "does not import: ModuleNotFoundError"),
        ("class Plugin(:", "does not import: SyntaxError"),
        ("raise SystemExit(0)", "does not import: SystemExit"),
        ("x = 1", "no class Plugin"),
        ("class Plugin: pass", "no phase"),
        (PLUGIN + "Schema = ({1, 2},)", "description"),
    ],
)
@pytest.mark.parametrize("query", [["--dump-all-plugins"], ["--dump-plugin-info", "p"]])
def test_a_plugin_that_cannot_be_served_fails_the_query(
    text: str, why: str, query: list[str], write_plugin: Any
) -> None:
    ran = run("-d", str(write_plugin(text)), *query)
    assert (ran.returncode, ran.stdout) == (1, b"")
    assert "p.py" in ran.stderr.decode() or "description" in why
    assert why in ran.stderr.decode()


@pytest.mark.parametrize("text", ["raise ValueError('no keys')", "x = 1"])
def test_a_plugin_that_cannot_be_served_fails_the_start(text: str, write_plugin: Any, prefix: Path) -> None:
    ran = run("-d", str(write_plugin(text)), "-p", str(prefix))
    assert ran.returncode == 1
    assert b"p.py" in ran.stderr
    assert not (prefix / SOCKET).exists()


def test_one_plugin_a_server(write_plugin: Any) -> None:
    folder = write_plugin(PLUGIN)
    write_plugin(PLUGIN, name="second")
    ran = run("-d", str(folder), "--dump-all-plugins")
    assert (ran.returncode, ran.stdout) == (1, b"")
    assert b"expected one plugin, found p.py, second.py" in ran.stderr
    for path in folder.iterdir():
        path.unlink()
    assert b"found none" in run("-d", str(folder), "--dump-all-plugins").stderr
    assert b"not a folder" in run("-d", str(folder / "x"), "--dump-all-plugins").stderr


def test_what_a_plugin_prints_stays_out_of_what_kong_reads(write_plugin: Any) -> None:
    ran = run("-d", str(write_plugin("print('hello')\n" + PLUGIN)), "--dump-all-plugins")
    assert (ran.returncode, json.loads(ran.stdout)[0]["Name"]) == (0, "p")


def test_both_spellings_of_version_and_priority(write_plugin: Any) -> None:
    for text in ("version = '1.2'\npriority = 7\n", "Version = '1.2'\nPriority = 7\n"):
        told = json.loads(run("-d", str(write_plugin(PLUGIN + text)), "--dump-all-plugins").stdout)
        assert (told[0]["Version"], told[0]["Priority"]) == ("1.2", 7)


def test_the_stock_commands_flags(write_plugin: Any, plugins: Path) -> None:
    folder = str(write_plugin(PLUGIN))
    assert msgpack.unpackb(run("-plugins-directory", folder, "-dump-plugin-info", "p").stdout)["Name"] == "p"
    assert run("-d", folder, "--dump-plugin-info", "other").returncode == 1
    assert b"0.1.0" in run("-version").stdout
    assert run("-d", folder, "-m", "-g").returncode == 2
    assert run().returncode == 2
    stock = Path(sys.executable).with_name("kong-python-pluginserver")
    theirs = subprocess.run([stock, "--help"], capture_output=True, text=True, timeout=60, check=True).stdout
    ours = run("--help").stdout.decode()
    flags = {word.strip("[],") for word in theirs.split() if word.strip("[]").startswith("-")}
    assert flags
    assert {flag for flag in flags if flag not in ours} == set()


def test_no_folder_for_the_socket(write_plugin: Any, tmp_path: Path) -> None:
    ran = run("-d", str(write_plugin(PLUGIN)), "-p", str(tmp_path / "nowhere"))
    assert ran.returncode == 1
    assert b"not a folder" in ran.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_and_removes_the_socket(number: int, serve: Any, plugins: Path) -> None:
    server = serve(plugins / "moody", "-m")
    workers = server.workers()
    assert workers
    server.process.send_signal(number)
    assert server.process.wait(DEADLINE_S) == 0
    until(lambda: not any(alive(pid) for pid in workers), "the workers are gone")
    assert not server.path.exists()


def test_workers_do_not_outlive_a_killed_supervisor(serve: Any, plugins: Path) -> None:
    server = serve(plugins / "moody", "--workers", "2")
    workers = until(lambda: both(server.workers()), "both workers run")
    server.process.kill()
    until(lambda: not any(alive(pid) for pid in workers), "the workers are gone")


def both(workers: list[int]) -> list[int] | None:
    return workers if len(workers) == 2 else None


def test_the_server_ends_with_kong(prefix: Path, plugins: Path) -> None:
    """Also when that was killed and could say nothing."""
    server_command = command("-d", str(plugins / "moody"), "-p", str(prefix))
    start = f"import subprocess; subprocess.Popen({server_command!r}).wait()"
    kong = subprocess.Popen([sys.executable, "-c", start], env=environment())
    try:
        until(lambda: answers(prefix / SOCKET), "the server answers")
        server = children(kong.pid)[0]
        family = [server, *children(server)]
    finally:
        kong.kill()
        kong.wait(DEADLINE_S)
    until(lambda: not any(alive(pid) for pid in family), "the server is gone")
    assert not (prefix / SOCKET).exists()


def test_a_stale_socket_is_replaced(prefix: Path, serve: Any, plugins: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stale:
        stale.bind(os.fspath(prefix / SOCKET))
    server = serve(plugins / "moody")
    assert server.connect().start("moody") >= 0


def test_a_server_that_answers_keeps_its_socket(prefix: Path, serve: Any, plugins: Path) -> None:
    first = serve(plugins / "moody")
    second = run("-d", str(plugins / "moody"), "-p", str(prefix))
    assert second.returncode == 1
    assert b"another server answers there" in second.stderr
    # As Kong does: an instance is started where a server does not know it (any more).
    kong = first.connect()
    assert kong.event(kong.start("moody")).end == "ret"


def test_the_next_server_takes_over_as_soon_as_the_first_is_gone(
    prefix: Path, serve: Any, plugins: Path
) -> None:
    """`kong reload` starts the new one while the old one still serves."""
    first = serve(plugins / "moody")
    with (prefix / "second.log").open("w") as log:
        second = subprocess.Popen(
            command("-d", str(plugins / "moody"), "-p", str(prefix)), stderr=log, env=environment()
        )
    try:
        until(lambda: "waiting for its end" in (prefix / "second.log").read_text(), "the second waits")
        assert first.stop() == 0
        until(lambda: answers(prefix / SOCKET), "the second answers")
        assert second.poll() is None
    finally:
        second.kill()
        second.wait(DEADLINE_S)


def test_a_file_in_the_sockets_place_is_left_alone(prefix: Path, plugins: Path) -> None:
    (prefix / SOCKET).write_text("precious")
    ran = run("-d", str(plugins / "moody"), "-p", str(prefix))
    assert ran.returncode == 1
    assert b"is no socket" in ran.stderr
    assert (prefix / SOCKET).read_text() == "precious"


def test_the_socket_of_another_is_not_removed_at_the_end(prefix: Path, serve: Any, plugins: Path) -> None:
    server = serve(plugins / "moody")
    server.path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(os.fspath(server.path))
        assert server.stop() == 0
        assert server.path.exists()


def test_each_process_of_kong_keeps_to_one_worker(serve: Any, plugins: Path) -> None:
    """An event's steps come on any connection of the process that began it."""
    server = serve(plugins / "moody", "--workers", "2", "--no-lua-style")
    until(lambda: both(server.workers()), "both workers run")
    sides = [server.connect() for _ in range(8)]
    instance = sides[0].start("moody")
    event = sides[1].begin(instance)["EventId"]
    assert sides[2].step(event, {"x-mode": ["fine"]})["Data"]["Method"] == "kong.service.request.set_headers"
    assert len({side.ask("GetStatus", None)["Pid"] for side in sides}) == 1
    ask = (
        "import sys; sys.path.insert(0, sys.argv[1]); from tests.pluginserver.driving import KongSide; "
        "from pathlib import Path; print(KongSide(Path(sys.argv[2])).ask('GetStatus', None)['Pid'])"
    )
    pids = {
        int(
            subprocess.run(
                [sys.executable, "-W", "ignore", "-c", ask, str(Path(__file__).parents[2]), str(server.path)],
                capture_output=True,
                timeout=DEADLINE_S,
                check=True,
            ).stdout
        )
        for _ in range(2)
    }
    assert pids == set(server.workers())


def test_it_does_nothing_while_there_is_nothing_to_do(serve: Any, plugins: Path) -> None:
    server = serve(plugins / "moody")
    server.connect().start("moody")
    pids = [server.process.pid, *server.workers()]

    def cpu_seconds() -> float:
        ticks = 0
        for pid in pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    before, began = cpu_seconds(), time.monotonic()
    time.sleep(2)
    assert cpu_seconds() - before < 0.05 * (time.monotonic() - began)
