"""The process: quick to start, small, and gone when it should be."""

from __future__ import annotations

import asyncio
import json
import select
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from testing.simulators.launch import ROOT, Simulators, running
from testing.simulators.tests.calls import PROVIDERS, chat, send
from testing.simulators.tests.grpc_calls import Caller
from testing.simulators.tests.tokens import google_token

COMMAND = [sys.executable, "-m", "testing.simulators"]
MOST_MEMORY = 60_000
"""Kilobytes. Of RSS, which does not depend on who else shares the libraries; PSS is never more."""


def _memory(simulators: Simulators) -> int:
    text = Path(f"/proc/{simulators.process.pid}/smaps_rollup").read_text()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("Rss:")))


def test_ready_soon(tmp_path: Path) -> None:
    began = time.monotonic()
    with running(tmp_path):
        assert time.monotonic() - began < 1.5


async def test_memory_at_ready_and_after_every_protocol(tmp_path: Path) -> None:
    with running(tmp_path) as simulators:
        assert _memory(simulators) < MOST_MEMORY
        await asyncio.to_thread(_use_all, simulators)
        caller = Caller(simulators, await asyncio.to_thread(google_token, simulators))
        await caller.raw()
        await caller.stream()
        await caller.predict({"content": "x"})
        await caller.close()
        assert _memory(simulators) < MOST_MEMORY


def _use_all(simulators: Simulators) -> None:
    for name in PROVIDERS:
        for _ in range(3):
            for stream in (False, True):
                assert send(chat(simulators, name, stream=stream)).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_within_a_second_also_in_the_middle_of_answers(
    tmp_path: Path, number: signal.Signals
) -> None:
    with running(tmp_path) as simulators, httpx.Client() as client:
        for name in PROVIDERS:
            simulators.fault(name, "stall")
            client.send(chat(simulators, name, stream=True), stream=True)
        began = time.monotonic()
        simulators.process.send_signal(number)
        assert simulators.process.wait(5) == 0
        assert time.monotonic() - began < 1


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    script = f"import subprocess, sys, time; subprocess.Popen({COMMAND!r}); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        control = json.loads(parent.stdout.readline())["control"]
        assert httpx.get(f"{control}/requests").status_code == 200
        parent.kill()
        # The simulators hold the other end of the pipe: it closes when they are gone.
        assert select.select([parent.stdout], [], [], 5)[0]
        assert parent.stdout.read() == b""
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{control}/requests")


def test_each_start_draws_its_own_credentials(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        key = first.env("openai")["OPENAI_API_KEY"]
    with running(tmp_path) as second:
        assert second.env("openai")["OPENAI_API_KEY"] != key
        path = Path(second.env("vertex_ai")["GOOGLE_APPLICATION_CREDENTIALS"])
        assert path.parent == tmp_path
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [each.name for each in tmp_path.iterdir()] == [path.name]
        assert send(chat(second, "vertex_ai")).status_code == 200


def test_the_line_has_every_provider_and_no_prose(tmp_path: Path) -> None:
    with running(tmp_path) as simulators:
        providers = simulators.addresses["providers"]
        assert list(providers) == [*PROVIDERS, "vertex_endpoint"]
        assert set(simulators.addresses) == {"control", "providers"}
        assert providers["ollama"]["env"] == {}
        assert providers["groq"]["base_url"].endswith("/openai/v1")
        assert not providers["vertex_endpoint"]["base_url"].startswith("http")


def test_a_state_folder_of_its_own_goes_with_it() -> None:
    with subprocess.Popen(COMMAND, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        providers = json.loads(process.stdout.readline())["providers"]
        path = Path(providers["vertex_ai"]["env"]["GOOGLE_APPLICATION_CREDENTIALS"])
        assert path.exists()
        process.terminate()
        assert process.wait(5) == 0
    assert not path.parent.exists()


def test_a_control_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with running(tmp_path) as simulators:
        port = simulators.addresses["control"].rpartition(":")[2]
        done = subprocess.run(
            [*COMMAND, "--control-port", port], cwd=ROOT, capture_output=True, timeout=10, check=False
        )
    assert done.returncode == 1
    assert done.stderr.decode() == f"simulators: control port {port}: Address already in use\n"
    assert done.stdout == b""


def test_pace_is_for_every_stream(tmp_path: Path) -> None:
    with running(tmp_path, "--pace", "20") as simulators:
        for name in PROVIDERS:
            began = time.monotonic()
            send(chat(simulators, name, stream=True))
            assert time.monotonic() - began > 0.15


def test_a_smaller_memory(tmp_path: Path) -> None:
    with running(tmp_path, "--record-bytes", "20000") as simulators:
        for _ in range(20):
            send(chat(simulators, "openai", prompt="x" * 1_000))
        kept = simulators.recordings("openai")
        assert 0 < len(kept["exchanges"]) < 10
        assert kept["dropped"] == 20 - len(kept["exchanges"])
        assert simulators.control("GET", "/requests")["openai"]["total"] == 20


def test_help_names_options_routes_and_faults() -> None:
    done = subprocess.run([*COMMAND, "--help"], cwd=ROOT, capture_output=True, timeout=10, check=True)
    text = done.stdout.decode()
    for word in ("--state", "--pace", "PUT /faults/NAME", "no-terminator", "x-simulator-fault"):
        assert word in text
    assert str(ROOT) not in text
    assert max(map(len, text.splitlines())) <= 120
