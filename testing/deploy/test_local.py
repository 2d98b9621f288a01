"""`./deploy.sh local` as a person and as a program use it: real processes, real ports."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = str(ROOT / "deploy.sh")
#: No credential and no setting of the machine reaches the gateway.
CLEAN = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8"}
DEADLINE_S = 60


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    options = {"env": CLEAN, "capture_output": True, "text": True, "timeout": DEADLINE_S, **options}
    return subprocess.run([DEPLOY, *arguments], check=False, **options)


def get(url: str, token: str | None = None) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.status, json.loads(response.read())


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def until(holds: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z"
    except FileNotFoundError:
        return True


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "a state"
    yield folder
    run("local", "stop", "--state", str(folder))


@pytest.fixture
def detached(state: Path) -> Callable[..., dict[str, Any]]:
    def start(*arguments: str) -> dict[str, Any]:
        done = run("local", "--detach", "--port", "0", "--state", str(state), *arguments)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert len(lines) == 1, "standard output is one line"
        ready: dict[str, Any] = json.loads(lines[0])
        return ready

    return start


def test_detached_it_says_where_it_is_and_works(detached: Callable[..., dict[str, Any]], state: Path) -> None:
    ready = detached()
    assert {"url", "management_url", "token", "pid", "log"} <= set(ready)
    assert get(ready["url"] + "/health")[1] == {"status": "ok"}
    assert get(ready["management_url"] + "/ready")[1]["ready"] is True
    assert get(ready["url"] + "/v1/models", ready["token"])[1]["data"]
    log = Path(ready["log"]).read_text()
    assert ready["token"] not in log
    assert "simulated_providers" in log
    secrets = [*(state / "secrets").iterdir(), Path(ready["log"])]
    assert {oct(file.stat().st_mode & 0o777) for file in secrets} == {"0o600"}


def test_detached_it_holds_nothing_of_the_callers(
    detached: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    with (tmp_path / "held").open("w") as held:
        os.set_inheritable(held.fileno(), True)
        ready = detached()
        for pid in (ready["pid"], *children(ready["pid"])):
            files = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
            assert held.name not in files
            assert not [name for name in files if name.startswith("/dev/pts")]
        assert os.getsid(ready["pid"]) != os.getsid(0)


def test_stop_ends_every_process(detached: Callable[..., dict[str, Any]], state: Path) -> None:
    ready = detached()
    pids = [ready["pid"], *children(ready["pid"])]
    assert len(pids) == 2
    done = run("local", "stop", "--state", str(state))
    assert done.returncode == 0
    assert "stopped" in done.stdout
    assert all(gone(pid) for pid in pids)
    assert "no gateway was running" in run("stop", "--state", str(state)).stdout


def test_a_token_outlives_a_restart(detached: Callable[..., dict[str, Any]], state: Path) -> None:
    first = detached()
    run("local", "stop", "--state", str(state))
    assert get(detached()["url"] + "/v1/models", first["token"])[0] == 200


def test_another_token_is_made_on_the_command_line(
    detached: Callable[..., dict[str, Any]], state: Path
) -> None:
    ready = detached()
    consumers = str(state / "secrets" / "consumers.yaml")
    made = run("token", "--consumers", consumers, "--subject", "ann", "--floor", "phi", "--life", "5m")
    names = {row["owned_by"] for row in get(ready["url"] + "/v1/models", made.stdout.strip())[1]["data"]}
    assert names == {"ollama"}


def test_without_limits_is_said_aloud(detached: Callable[..., dict[str, Any]], state: Path) -> None:
    done = run("local", "--detach", "--port", "0", "--no-limits", "--state", str(state))
    assert "nobody is rate limited" in done.stderr
    ready = json.loads(done.stdout)
    assert ready["limits"] is False
    statuses = {get(ready["url"] + "/v1/models", ready["token"])[0] for _ in range(110)}
    assert statuses == {200}


def test_a_port_in_use_is_one_clear_line(state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for detach in ((), ("--detach",)):
            done = run("local", "--port", port, "--management-port", "0", "--state", str(state), *detach)
            assert done.returncode == 1
            assert done.stdout == ""
            assert f"127.0.0.1:{port}" in done.stderr
            assert len(done.stderr.splitlines()) == 1
    assert not list((state / "run").glob("*.json")) if state.exists() else True


def test_a_bad_configuration_stops_the_start(state: Path, tmp_path: Path) -> None:
    bad = tmp_path / "gateway.yaml"
    bad.write_text("version: 1\nproviders: {}\n")
    done = run("local", "--port", "0", "--state", str(state), env={**CLEAN, "PORTCULLIS_CONFIG": str(bad)})
    assert done.returncode == 1
    assert "deployments" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def foreground(state: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The process in the foreground, and what it said until it was ready."""
    process = subprocess.Popen(
        [DEPLOY, "local", "--port", "0", "--state", str(state)], env=CLEAN, stdout=subprocess.PIPE, bufsize=0
    )
    assert process.stdout is not None
    said = b""
    deadline = time.monotonic() + DEADLINE_S
    while b"Another token" not in said:
        assert select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))[0], said
        piece = process.stdout.read(65536)
        assert piece, said
        said += piece
    yield process, said.decode()
    process.kill()
    process.wait(10)
    process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_the_foreground_it_greets_and_ends_with_its_children(
    foreground: tuple[subprocess.Popen[bytes], str], number: signal.Signals
) -> None:
    process, said = foreground
    assert "ready" in said
    assert "SIMULATED" in said
    url = re.search(r"ready at (http://\S+)", said)
    token = re.search(r"TOKEN=(\S+)", said)
    assert url
    assert token
    assert get(url[1] + "/v1/models", token[1])[0] == 200
    pids = children(process.pid)
    os.kill(process.pid, number)
    assert process.wait(15) == 0
    until(lambda: all(gone(pid) for pid in pids))


def test_a_stream_that_runs_when_it_is_told_to_end_ends_whole(
    detached: Callable[..., dict[str, Any]],
) -> None:
    """The edge ends first: the backend would cut what it still answers through it."""
    ready = detached("--simulate")
    slow = urllib.request.Request(
        ready["simulators_url"] + "/faults/openai",
        data=json.dumps({"fault": "pace", "ms": 100}).encode(),
        method="PUT",
    )
    urllib.request.urlopen(slow, timeout=10).close()
    body = {"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    request = urllib.request.Request(
        ready["url"] + "/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {ready['token']}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        first = answer.readline()
        os.kill(ready["pid"], signal.SIGTERM)
        rest = answer.read()
    assert first.startswith(b"data: {")
    assert rest.endswith(b"data: [DONE]\n\n")
    until(lambda: gone(ready["pid"]))


def test_its_children_end_when_it_is_killed(detached: Callable[..., dict[str, Any]]) -> None:
    ready = detached()
    (simulators,) = children(ready["pid"])
    os.kill(ready["pid"], signal.SIGKILL)
    until(lambda: gone(simulators))


def test_real_providers_are_used_where_they_are_set_up(state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as ollama:
        address = f"http://127.0.0.1:{ollama.getsockname()[1]}"
        env = {**CLEAN, "OPENAI_API_KEY": "sk-planted", "OLLAMA_BASE_URL": address}
        done = run("local", "--detach", "--port", "0", "--state", str(state), env=env)
    ready = json.loads(done.stdout)
    assert set(ready["simulated"]) == {
        "anthropic",
        "groq",
        "openai_compatible",
        "vertex_ai",
        "bedrock",
        "vertex_endpoint",
    }
    providers = get(ready["url"] + "/providers", ready["token"])[1]["providers"]
    assert {row["name"] for row in providers if not row["simulated"]} == {"openai", "ollama"}
    assert "sk-planted" not in Path(ready["log"]).read_text()


def pss_mb(pids: list[int]) -> float:
    """Proportional set size of all processes: shared pages count once."""
    total = 0
    for pid in pids:
        found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)
        assert found
        total += int(found[1])
    return total / 1024


def ask(url: str, token: str, model: str, *, stream: bool) -> bytes:
    body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": "Say hello"}]}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url + "/v1/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=20) as response:
        answer: bytes = response.read()
    return answer


def test_it_is_small(detached: Callable[..., dict[str, Any]]) -> None:
    ready = detached()
    pids = [ready["pid"], *children(ready["pid"])]
    assert pss_mb(pids) < 350
    providers = get(ready["url"] + "/providers", ready["token"])[1]["providers"]
    for provider in providers:
        model = provider["name"] + "/" + provider["deployments"][0]["model"]
        for stream in (False, True):
            assert b"simulated" in ask(ready["url"], ready["token"], model, stream=stream)
    assert len(providers) == 8
    assert pss_mb(pids) < 450
