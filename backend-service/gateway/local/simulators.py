"""Stand-ins for the providers that this machine has no credentials for."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.configuration.credentials import missing
from gateway.local.state import write_private
from gateway.settings import REPOSITORY, Settings
from gateway.types import ProviderKind

START_DEADLINE_S = 20
STOP_DEADLINE_S = 3
#: What each simulator remembers of what it received; it counts as this gateway's memory.
RECORD_BYTES = 8_000_000
OLLAMA = ("127.0.0.1", 11434)


class SimulatorsError(RuntimeError):
    """The simulators did not start; the message says what they said."""


@dataclass(frozen=True, slots=True)
class Simulators:
    """A running process of simulators; ``file`` is what the gateway's settings point to."""

    process: asyncio.subprocess.Process
    control: str
    file: Path

    async def problem(self) -> str | None:
        """What is wrong with them; None when they run."""
        return None if self.process.returncode is None else "the simulators have ended; start again"


def kinds_to_simulate(settings: Settings) -> list[ProviderKind]:
    """The kinds of provider for which something is missing here."""
    return [kind for kind in ProviderKind if missing(kind, settings) is not None]


def ollama_address() -> str | None:
    """The address of an Ollama at its usual port; None when nothing listens there."""
    try:
        socket.create_connection(OLLAMA, timeout=0.2).close()
    except OSError:
        return None
    return f"http://{OLLAMA[0]}:{OLLAMA[1]}"


@contextlib.asynccontextmanager
async def running(kinds: list[ProviderKind], folder: Path) -> AsyncIterator[Simulators]:
    """The simulators as a child process for as long as the context lasts. Raises SimulatorsError."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "testing.simulators", "--state", str(folder)),
        *("--record-bytes", str(RECORD_BYTES)),
        cwd=REPOSITORY,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        addresses = await _addresses(process)
        chosen = {kind.value: addresses["providers"][kind.value] for kind in kinds}
        file = folder / "simulators.json"
        write_private(file, json.dumps({"control": addresses["control"], "providers": chosen}))
        yield Simulators(process, addresses["control"], file)
    finally:
        await _stop(process)


async def _addresses(process: asyncio.subprocess.Process) -> Mapping[str, Any]:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_DEADLINE_S):
            line = await process.stdout.readline()
    except TimeoutError:
        raise SimulatorsError(f"the simulators were not ready within {START_DEADLINE_S} s") from None
    if not line:
        raise SimulatorsError("the simulators did not start; their error stands above")
    addresses: Mapping[str, Any] = json.loads(line)
    return addresses


async def _stop(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_DEADLINE_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
