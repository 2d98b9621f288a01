"""`curl`, as the README shows it."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from testing.e2e.caller import Caller
from testing.e2e.kinds import Kind

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")

PROMPT = [{"role": "user", "content": "Say hello"}]


def curl(caller: Caller, path: str, body: dict[str, object] | None = None, *options: str) -> str:
    """What curl prints. The token comes by standard input, so that it is not in the list of processes."""
    data = () if body is None else ("--json", json.dumps(body))
    command = ("curl", "--noproxy", "*", "-sS", "--max-time", "30", "-K", "-", *options, *data)
    done = subprocess.run(
        [*command, f"{caller.gateway.url}{path}"],
        input=f'header = "Authorization: Bearer {caller.token()}"\n',
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_json(caller: Caller, kind: Kind) -> None:
    answer = json.loads(curl(caller, "/v1/chat/completions", {"model": kind.model, "messages": PROMPT}))
    assert answer["choices"][0]["message"]["content"]


def test_stream(caller: Caller, kind: Kind) -> None:
    body = {"model": kind.model, "messages": PROMPT, "stream": True}
    printed = curl(caller, "/v1/chat/completions", body, "-N")
    events = printed.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    first = json.loads(events[0].removeprefix("data: "))
    assert first["choices"][0]["delta"]["role"] == "assistant"


def test_embeddings(caller: Caller) -> None:
    answer = json.loads(curl(caller, "/v1/embeddings", {"model": "nomic-embed-text", "input": "hello"}))
    (row,) = answer["data"]
    assert all(isinstance(number, float) for number in row["embedding"])


def test_a_form_is_not_json(caller: Caller) -> None:
    """What `curl -d` sends when the header is forgotten: the answer says what is missing."""
    body = json.dumps({"model": "gpt-4o", "messages": PROMPT})
    answer = json.loads(curl(caller, "/v1/chat/completions", None, "-d", body))
    assert "Content-Type: application/json" in answer["error"]["message"]


def test_health_needs_no_token(caller: Caller) -> None:
    command = ["curl", "--noproxy", "*", "-sS", "--max-time", "30", f"{caller.gateway.url}/health"]
    done = subprocess.run(command, capture_output=True, timeout=40, check=True)
    assert json.loads(done.stdout) == {"status": "ok"}
