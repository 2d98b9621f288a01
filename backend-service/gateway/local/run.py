"""One process with the edge, the backend and the management port, and the simulators beside it."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import structlog

from embedded_edge.app import Edge
from embedded_edge.config import EdgeConfig, load_config
from embedded_edge.server import EdgeProtocol
from gateway.kong_config import KONG_YAML, read_consumers, read_issuers, read_yaml, render
from gateway.local import simulators
from gateway.local.state import State, write_private
from gateway.main import create_application, read_configuration
from gateway.providers.litellm_load import load
from gateway.serve import Drain, Listener, address, bind, serve
from gateway.settings import REPOSITORY, Settings
from gateway.tokens import TokenRequest, make_token
from gateway.types import ProviderKind

HOST = "127.0.0.1"
SCOPES = ("inference", "admin")


@dataclass(frozen=True, slots=True)
class LocalOptions:
    """What the command line asks. Ports of 0 let the system choose; ``simulate`` asks no real provider."""

    port: int
    management_port: int
    limits: bool = True
    simulate: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """What a person needs once the gateway runs."""

    url: str
    management_url: str
    backend_url: str
    token: str
    pid: int
    log: str | None
    simulated: tuple[str, ...]
    simulators_url: str | None
    limits: bool
    seconds: float


async def run_local(
    options: LocalOptions, settings: Settings, state: State, on_ready: Callable[[Ready], None]
) -> None:
    """Serve until SIGTERM or SIGINT. Raises PortInUse, SimulatorsError, ConfigurationError and its like."""
    begun = time.perf_counter()
    edge_socket, management_socket, backend_socket = (
        bind(HOST, port) for port in (options.port, options.management_port, 0)
    )
    port = edge_socket.getsockname()[1]
    # Held until the process ends: that it is locked says that this gateway runs.
    announcement: list[IO[str]] = []
    async with AsyncExitStack() as stack:
        loading = asyncio.create_task(asyncio.to_thread(load))
        stack.callback(loading.cancel)
        settings = replace(settings, tag_keys_file=state.tag_keys)
        settings = (
            replace(settings, credentials={}, addresses={}) if options.simulate else _with_ollama(settings)
        )
        state.runtime(port).mkdir(mode=0o700, parents=True, exist_ok=True)
        kinds = simulators.kinds_to_simulate(settings)
        stand_ins = None
        if kinds:
            stand_ins = await stack.enter_async_context(simulators.running(kinds, state.runtime(port)))
            settings = replace(settings, simulators_file=stand_ins.file)
        configuration = read_configuration(settings)
        state.prepare(configuration.tenants)
        backend = address(backend_socket)
        edge_config = _edge_config(options, settings, state, backend)
        application = create_application(
            settings,
            configuration,
            extra_checks={"simulators": stand_ins.problem} if stand_ins else None,
            extra_registries=(edge_config.registry,),
        )
        edge = Edge(edge_config, {backend.removeprefix("http://"): application.backend})
        await loading

        def ready() -> None:
            tenant = next(iter(configuration.tenants))
            request = TokenRequest(tenant, subject="local", scopes=SCOPES)
            shown = Ready(
                url=address(edge_socket),
                management_url=address(management_socket),
                backend_url=backend,
                token=make_token(request, read_consumers(state.consumers)),
                pid=os.getpid(),
                log=None,
                simulated=tuple(kind.value for kind in kinds),
                simulators_url=stand_ins.control if stand_ins else None,
                limits=options.limits,
                seconds=time.perf_counter() - begun,
            )
            announcement.append(_announce(state.run(port), shown))
            _log(shown, kinds)
            on_ready(shown)

        # The edge first: what runs in it runs in the backend too.
        listeners = (
            Listener(edge, edge_socket, lifespan=True, protocol=EdgeProtocol),
            Listener(application.backend, backend_socket, lifespan=True),
            Listener(application.management, management_socket),
        )
        drain = Drain(settings.drain_delay_s)
        await serve(listeners, ready, lifecycle=application.gateway.lifecycle, drain=drain)


def _edge_config(options: LocalOptions, settings: Settings, state: State, backend_url: str) -> EdgeConfig:
    issuers = settings.issuers_file or (state.issuers if state.issuers.exists() else None)
    document = render(
        read_yaml(REPOSITORY / KONG_YAML),
        consumers=read_consumers(state.consumers),
        service_url=backend_url,
        tag_keys_file=str(state.tag_keys),
        limits=options.limits,
        issuers=read_issuers(issuers) if issuers else None,
        redis_url=settings.redis_url,
    )
    return load_config(document, [REPOSITORY / "kong-plugins" / "plugins"])


def _with_ollama(settings: Settings) -> Settings:
    """An Ollama at its usual port is used where the environment names no other."""
    if "OLLAMA_BASE_URL" in settings.addresses or not (found := simulators.ollama_address()):
        return settings
    return replace(settings, addresses={**settings.addresses, "OLLAMA_BASE_URL": found})


def _announce(file: Path, ready: Ready) -> IO[str]:
    """Says where this gateway runs, and holds the file locked for as long as it does."""
    write_private(file, json.dumps({"pid": ready.pid, "url": ready.url}))
    handle = file.open()
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def _log(ready: Ready, kinds: list[ProviderKind]) -> None:
    log = structlog.get_logger("gateway.local")
    log.info("ready", url=ready.url, management_url=ready.management_url, seconds=round(ready.seconds, 2))
    if kinds:
        log.warning(
            "simulated_providers",
            providers=[kind.value for kind in kinds],
            reason="no credentials in the environment; answers of these are made up",
        )
    if not ready.limits:
        log.warning("no_limits", reason="started with --no-limits: rate limits are off")


def as_json(ready: Ready, log: Path | None) -> Mapping[str, Any]:
    """The line that `--detach` prints."""
    return {
        "url": ready.url,
        "management_url": ready.management_url,
        "backend_url": ready.backend_url,
        "simulators_url": ready.simulators_url,
        "token": ready.token,
        "pid": ready.pid,
        "log": str(log) if log else None,
        "simulated": list(ready.simulated),
        "limits": ready.limits,
    }
