"""A gateway under load, watched each second: what panels and alerts are tried on.

The edge is a real Kong where KONG_COMMAND starts one (see `testing/stack.py`), else the embedded edge.
"""

from __future__ import annotations

import json
import os
import shlex
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml

from gateway.kong_config import KONG_YAML, read_consumers, read_yaml, render
from testing.certificates import Authority
from testing.e2e.caller import Caller
from testing.e2e.prepared import POOL_SIZE, REPOSITORY, Prepared, prepare
from testing.e2e.under_test import POOL, Gateway
from testing.processes import answers, free_ports, until
from testing.prometheus.servers import Prometheus, prometheus
from testing.prometheus.tools import shortened
from testing.simulators.launch import Simulators
from testing.simulators.launch import running as simulators_running
from testing.stack import KongCommand, backend, embedded_edge

NAME = "portcullis-backend.test"
"""Of the backend's certificate."""
#: A minute of the rules is a second here; a range holds five scrapes at least.
FACTOR, LEAST_S = 60, 5
EXPENSIVE = "llama-3.3-70b-versatile"
_DAY = timedelta(days=1)


@dataclass
class Live:
    """The running parts. `stop_backend` and `stop_kong` end what they say; nothing starts it again."""

    caller: Caller
    backend_url: str
    authority: Authority
    tag_keys: Path
    simulators: Simulators
    prometheus: Prometheus
    stop_backend: Callable[[], None]
    stop_second: Callable[[], None]
    stop_kong: Callable[[], None] | None
    backend_pid: int


def kong_command() -> KongCommand | None:
    """What the environment says starts a real Kong in the foreground."""
    words = shlex.split(os.environ.get("KONG_COMMAND", ""))
    return KongCommand(words) if words else None


@contextmanager
def live(folder: Path, *, second_backend: bool = False) -> Iterator[Live]:
    """A backend with TLS behind the edge, and Prometheus. A second backend cannot become ready."""
    with ExitStack() as stack:
        prepared = prepare(folder / "state")
        _more_rows(prepared.gateway_yaml)
        simulators = stack.enter_context(simulators_running(folder / "simulators", "--pace", "5"))
        addresses = folder / "simulators.json"
        addresses.write_text(json.dumps(simulators.addresses), "utf-8")
        authority = Authority(folder)
        certificate, key = authority.pair(folder, NAME, "127.0.0.1", life=2 * _DAY)
        ports = free_ports(7)
        first, second = stack.enter_context(ExitStack()), stack.enter_context(ExitStack())
        process = first.enter_context(
            backend(
                prepared,
                addresses,
                folder / "backend.log",
                *ports[0:2],
                PORTCULLIS_TLS_CERT_FILE=str(certificate),
                PORTCULLIS_TLS_KEY_FILE=str(key),
            )
        )
        if second_backend:
            nobody = f"redis://127.0.0.1:{free_ports(1)[0]}/0"
            log = folder / "second.log"
            second.enter_context(backend(prepared, addresses, log, *ports[2:4], REDIS_URL=nobody))
        config = _kong_yaml(prepared, folder, ports[0], authority)
        edge = stack.enter_context(ExitStack())
        backends = ports[1:4:2] if second_backend else ports[1:2]
        jobs = {"portcullis": [f"127.0.0.1:{port}" for port in backends]}
        kong = kong_command()
        if kong is None:
            edge.enter_context(embedded_edge(config, folder / "edge.log", ports[4]))
        else:
            jobs["kong"] = [f"127.0.0.1:{ports[6]}"]
            edge.enter_context(
                kong.running(
                    config,
                    folder / "kong",
                    *ports[4:6],
                    KONG_STATUS_LISTEN=f"127.0.0.1:{ports[6]}",
                    KONG_LUA_SSL_TRUSTED_CERTIFICATE=str(authority.file),
                )
            )
        gateway = Gateway(f"http://127.0.0.1:{ports[4]}", consumers=prepared.consumers)
        token = {"Authorization": f"Bearer {gateway.make_token('demo')}"}
        until(lambda: answers(f"{gateway.url}/v1/models", token), "the edge")
        watched = stack.enter_context(prometheus(folder / "prometheus", jobs, shortened(FACTOR, LEAST_S)))
        client = stack.enter_context(httpx.Client(timeout=30, trust_env=False))
        yield Live(
            caller=Caller(gateway, f"{POOL}{0:03}", client),
            backend_url=f"https://127.0.0.1:{ports[0]}",
            authority=authority,
            tag_keys=prepared.tag_keys,
            simulators=simulators,
            prometheus=watched,
            stop_backend=first.close,
            stop_second=second.close,
            stop_kong=edge.close if kong else None,
            backend_pid=process.pid,
        )


def _more_rows(file: Path) -> None:
    """Agreements that end and that has ended, and a model that costs what one notices."""
    document = yaml.safe_load(file.read_text("utf-8"))
    today = datetime.now(UTC).date()
    rows = {row["id"]: row for row in document["deployments"]}
    rows["openai-gpt-4o"]["agreement"] = {"ref": "ends", "expires": today + 10 * _DAY}
    rows["bedrock-claude-sonnet"]["agreement"] = {"ref": "ended", "expires": today - 2 * _DAY}
    rows["groq-llama-70b"]["price"] = {"input": 10000, "output": 10000}
    file.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")


def _kong_yaml(prepared: Prepared, folder: Path, port: int, authority: Authority) -> Path:
    document = render(
        read_yaml(REPOSITORY / KONG_YAML),
        consumers=read_consumers(prepared.consumers),
        service_url=f"https://127.0.0.1:{port}",
        tag_keys_file=str(prepared.tag_keys),
        limits=False,
        service_ca=authority.file.read_text("utf-8"),
    )
    [upstream] = document["upstreams"]
    # Kong never takes an address for a name.
    upstream["host_header"] = NAME
    for state in ("healthy", "unhealthy"):
        upstream["healthchecks"]["active"][state]["interval"] = 1
    file = folder / "kong.yaml"
    file.write_text(yaml.safe_dump(document), "utf-8")
    return file


Ask = Callable[[Caller], Any]

#: What callers do all day.
ORDINARY: tuple[Ask, ...] = (
    lambda caller: caller.chat("gpt-4o-mini"),
    lambda caller: caller.chat("gpt-4o"),
    lambda caller: caller.stream("claude-sonnet-4-6"),
    lambda caller: caller.stream("gpt-4o-mini"),
    lambda caller: caller.stream("auto", "My social security number is 078-05-1120."),
    lambda caller: caller.chat("auto", "Mail to jane.doe@example.com please"),
    lambda caller: caller.request(
        "POST", "/v1/embeddings", json={"model": "text-embedding-3-small", "input": "Hello"}
    ),
    lambda caller: caller.get("/v1/models"),
    lambda caller: caller.chat("no-such-model"),
    lambda caller: caller.client.get(f"{caller.gateway.url}/v1/models"),
)


@contextmanager
def asking(live: Live, asks: tuple[Ask, ...], pause_s: float = 0.05) -> Iterator[None]:
    """These requests, over and over and one after the other, until the block ends."""
    ended = threading.Event()

    def work() -> None:
        number = 0
        while not ended.is_set():
            tenant = f"{POOL}{number % POOL_SIZE:03}"
            for ask in asks:
                with suppress(httpx.TransportError):
                    ask(Caller(live.caller.gateway, tenant, live.caller.client))
                if ended.wait(pause_s):
                    return
            number += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
