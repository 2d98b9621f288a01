"""Faults as requests: each goes wrong in one way, over and over (see `live.asking`)."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from compliance.classes import PUBLIC
from compliance.tag import HEADER, Tag, TagKeys, sign
from testing.e2e.caller import CHAT, Caller
from testing.prometheus.live import EXPENSIVE, Ask, Live

_BODY = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}).encode()
_TAG = Tag(
    tenant="demo",
    subject="slow",
    tier=None,
    project=None,
    models=None,
    scopes=("inference",),
    compliance=PUBLIC,
    rules=(),
    rules_revision="test",
    method="POST",
    target=CHAT,
    body_sha256=hashlib.sha256(_BODY).hexdigest(),
)
SSN = "My social security number is 078-05-1120."


def without_tag(live: Live) -> Ask:
    """Round the edge: tag failures."""
    return lambda _: _straight(live, _BODY, {})


def slow_body(live: Live) -> Ask:
    """A body that takes its time, which is no provider's: the gateway's own time is high."""
    keys = TagKeys.from_file(live.tag_keys)

    def pieces() -> Iterator[bytes]:
        yield _BODY[:10]
        time.sleep(0.3)
        yield _BODY[10:]

    return lambda _: _straight(live, pieces(), {HEADER: sign(_TAG, keys, time.time())})


def _straight(live: Live, body: Any, headers: dict[str, str]) -> httpx.Response:
    sent = {"Content-Type": "application/json", "Content-Length": str(len(_BODY)), **headers}
    with httpx.Client(verify=live.authority.client(), timeout=10, trust_env=False) as client:
        return client.post(f"{live.backend_url}{CHAT}", content=body, headers=sent)


def regulated_to_who_may_not(caller: Caller) -> Any:
    """A class that the model's deployment is not cleared for."""
    return caller.chat("gpt-4o", SSN)


def expensive(caller: Caller) -> Any:
    """Some dollars at once."""
    return Caller(caller.gateway, "demo", caller.client).chat(EXPENSIVE, "word " * 500)


#: The simulator, the fault, and a request that meets it.
AT_PROVIDERS: tuple[tuple[str, dict[str, Any], Ask], ...] = (
    # Our credential is wrong there: a failure of ours.
    ("openai", {"fault": "status", "status": 401}, lambda caller: caller.chat("gpt-4o-mini")),
    ("anthropic", {"fault": "refuse"}, lambda caller: caller.chat("claude-sonnet-4-6")),
    ("vertex_ai", {"fault": "status", "status": 429}, lambda caller: caller.chat("gemini-3.5-flash-lite")),
)


@contextmanager
def at_providers(live: Live) -> Iterator[tuple[Ask, ...]]:
    """The simulators' faults, until the block ends; the requests that meet them."""
    for name, fault, _ in AT_PROVIDERS:
        live.simulators.control("PUT", f"/faults/{name}", fault)
    try:
        yield tuple(ask for _, _, ask in AT_PROVIDERS)
    finally:
        live.simulators.control("DELETE", "/faults")


@contextmanager
def stutter(pid: int) -> Iterator[None]:
    """A process that stands still most of the time, until the block ends."""
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            os.kill(pid, signal.SIGSTOP)
            ended.wait(0.3)
            os.kill(pid, signal.SIGCONT)
            ended.wait(0.3)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
