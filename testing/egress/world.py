"""The simulators under names that exist nowhere, with TLS: what the internet is to a gateway."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from testing.egress.connect_proxy import ConnectProxy, listening
from testing.egress.tls_front import authority, fronted
from testing.simulators.launch import Simulators

DOMAIN = "provider.test"
TOKENS = f"tokens.{DOMAIN}"
ROLES = f"sts.{DOMAIN}"
MODELS = {
    "openai": ("gpt-4o-mini", "us"),
    "anthropic": ("claude-sonnet-4-5", "us"),
    "groq": ("llama-3.3-70b-versatile", "us"),
    "ollama": ("llama3.2", "own"),
    "openai_compatible": ("qwen3", "own"),
    "vertex_ai": ("gemini-2.5-flash", "europe-west1"),
    "bedrock": ("anthropic.claude-sonnet-4-5-20250929-v1:0", "us-east-1"),
    "vertex_endpoint": ("4242", "europe-west1"),
}


@dataclass
class World:
    """`ports` are the TLS listeners by host; `certificates` is who signed for them."""

    certificates: Path
    loop: asyncio.AbstractEventLoop
    stack: AsyncExitStack
    simulators: Simulators
    ports: dict[str, int] = field(default_factory=dict)

    def proxy(self, refusals: Mapping[str, int] | None = None, *, known: bool = True) -> ConnectProxy:
        """A proxy that knows every name at port 443, or none of them."""
        routes = {f"{host}:443": port for host, port in self.ports.items()} if known else {}
        made = ConnectProxy(routes, refusals or {})
        self.run(self.stack.enter_async_context(listening(made)))
        return made

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)


def deployment(simulators: Simulators, kind: str, folder: Path, port: int | None = None) -> dict[str, Any]:
    """A row for `testing.egress.asking`: the simulator under its name.

    Google's accounts get their tokens from a name too, unless a port is given.
    """
    model, region = MODELS[kind]
    host = host_of(kind) + (f":{port}" if port else "")
    path = urlsplit(simulators.base_url(kind)).path if kind != "vertex_endpoint" else ""
    env = simulators.env(kind)
    if (file := env.get("GOOGLE_APPLICATION_CREDENTIALS")) and port is None:
        env["GOOGLE_APPLICATION_CREDENTIALS"] = str(_account(Path(file), folder))
    return {
        "kind": kind,
        "base_url": host if kind == "vertex_endpoint" else f"https://{host}{path}",
        "env": env,
        "model": model,
        "region": region,
    }


def host_of(kind: str) -> str:
    return f"{kind.replace('_', '-')}.{DOMAIN}"


def _account(file: Path, folder: Path) -> Path:
    account = json.loads(file.read_text(encoding="utf-8")) | {"token_uri": f"https://{TOKENS}/token"}
    made = folder / "account.json"
    made.write_text(json.dumps(account), encoding="utf-8")
    return made


@contextmanager
def world(simulators: Simulators, folder: Path) -> Iterator[World]:
    """Listeners for all kinds and for Google's tokens, in a loop of their own, until the block ends."""
    behind = {host_of(kind): simulators.base_url(kind) for kind in MODELS}
    behind[TOKENS] = simulators.base_url("vertex_ai")
    behind[ROLES] = simulators.base_url("bedrock")
    trusted = authority(folder, sorted(behind))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    made = World(trusted.certificates, loop, AsyncExitStack(), simulators)
    try:
        for host, address in behind.items():
            port = urlsplit(address if "//" in address else f"//{address}").port
            assert port is not None
            made.ports[host] = made.run(made.stack.enter_async_context(fronted(port, trusted.context)))
        yield made
    finally:
        made.run(made.stack.aclose())
        made.run(_end_tasks())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end_tasks() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
