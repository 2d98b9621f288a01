"""Failing calls leave nothing behind, and all libraries together stay small."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from gateway.types import Deployment, ProviderKind

Simulators = Any
MakeDeployment = Callable[..., Deployment]

PROGRAM = """
import asyncio, contextlib, gc, json, sys, threading
from decimal import Decimal
from pathlib import Path
from gateway.errors import ProviderError
from gateway.providers import Providers
from gateway.types import Deployment, Operation, Price, Provider, ProviderKind

ASK = {"messages": [{"role": "user", "content": "x" * 20_000}]}

def megabytes():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024

def row(given):
    provider = Provider(given["kind"], ProviderKind(given["kind"]), given["base_url"], given["env"], True)
    return Deployment(given["kind"], provider, "m", given["model"], frozenset({Operation.CHAT}),
                      given["region"], frozenset(), None, Price(*[Decimal(0)] * 4))

async def ask(room, deployment):
    with contextlib.suppress(ProviderError):
        await room.complete(deployment, ASK)
    with contextlib.suppress(ProviderError):
        async for _ in await room.stream(deployment, ASK):
            pass

async def main():
    deployments = [row(given) for given in json.loads(sys.stdin.read())]
    figures = {}
    async with Providers(deployments) as room:
        await room.warm()
        # As a server should: else the next full collection waits for a quarter of a million objects.
        gc.collect()
        gc.freeze()
        gc.collect()
        for deployment in deployments:
            await ask(room, deployment)
        figures["all"] = megabytes()
        for number in range(int(sys.argv[1])):
            if number == 40:
                gc.collect()
                figures["before"], figures["tasks"] = megabytes(), len(asyncio.all_tasks())
                figures["threads"] = threading.active_count()
            for deployment in deployments:
                await ask(room, deployment)
        gc.collect()
        figures["after"], figures["tasks_after"] = megabytes(), len(asyncio.all_tasks())
        figures["threads_after"] = threading.active_count()
    print(json.dumps(figures))

asyncio.run(main())
"""


@pytest.mark.long
async def test_some_hundred_failing_calls_leave_nothing(
    simulators: Simulators, deployment: MakeDeployment
) -> None:
    rows = [deployment(kind) for kind in ProviderKind]
    given = [
        {
            "kind": row.provider.kind,
            "base_url": row.provider.base_url,
            "env": dict(row.provider.credentials),
            "model": row.upstream_model,
            "region": row.region,
        }
        for row in rows
    ]
    # The first two of each kind answer, for the figure with everything loaded.
    for kind in ProviderKind:
        await simulators.fault(kind, fault="cut", after=3, skip=2)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", PROGRAM, "60"],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        env={"PYTHONPATH": os.pathsep.join(sys.path), "PATH": ""},
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    # 320 calls with 20 KB each lie between these two; before them, pools and caches fill up.
    assert figures["after"] - figures["before"] < 4, figures
    assert figures["tasks_after"] <= figures["tasks"] + 2, figures
    assert figures["threads_after"] <= figures["threads"] + 2, figures
    assert figures["all"] < 300, figures
