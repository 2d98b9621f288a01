"""Ask deployments through proxies, as a process of its own: its environment says whom it trusts.

`python -m testing.egress.asking` reads one JSON document from standard input, {"deployments": [{kind,
base_url, env, model, region}], "proxies": [[HTTPS_PROXY, NO_PROXY] or null, ...]}, and prints one: a list for
each proxy, with an error's code and message for each deployment, or "" when it answered.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from gateway.errors import ProviderError
from gateway.providers import Providers
from gateway.proxy import parse_proxy
from gateway.types import Deployment, Operation, Price, Provider, ProviderKind, Timeouts

ASK = {"messages": [{"role": "user", "content": "the secret prompt"}]}
ROOT = Path(__file__).resolve().parents[2]

Outcomes = list[dict[str, str]]


def ask(
    deployments: Sequence[dict[str, Any]],
    proxies: Sequence[tuple[str, str] | None],
    certificates: Path,
) -> tuple[list[Outcomes], str]:
    """The outcomes for each proxy, and what the process wrote beside them."""
    done = subprocess.run(
        [sys.executable, "-m", "testing.egress.asking"],
        input=json.dumps({"deployments": deployments, "proxies": proxies}),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "PATH": "",
            "SSL_CERT_FILE": str(certificates),
            # Nothing of these may be followed.
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "grpc_proxy": "http://127.0.0.1:9",
        },
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    outcomes: list[Outcomes] = json.loads(done.stdout)
    return outcomes, done.stderr


def _deployment(row: dict[str, Any]) -> Deployment:
    provider = Provider(row["kind"], ProviderKind(row["kind"]), row["base_url"], row["env"])
    return Deployment(
        id=row["kind"],
        provider=provider,
        model=row["model"],
        upstream_model=row["model"],
        operations=frozenset({Operation.CHAT}),
        region=row["region"],
        cleared_for=frozenset(),
        agreement=None,
        price=Price(*[Decimal(0)] * 4),
        # The first request waits for imports, on a machine that has other things to do.
        timeouts=Timeouts(60, 60, 60, 60),
    )


async def _asked(room: Providers, deployment: Deployment) -> dict[str, str]:
    try:
        assert (await room.complete(deployment, ASK)).usage
        assert [chunk async for chunk in await room.stream(deployment, ASK)]
    except ProviderError as error:
        return {"code": error.code, "message": error.message}
    return {"code": "", "message": ""}


async def _main() -> None:
    given = json.loads(sys.stdin.read())
    deployments = [_deployment(row) for row in given["deployments"]]
    outcomes = []
    for proxy in given["proxies"]:
        async with Providers(deployments, parse_proxy(*proxy) if proxy else None) as room:
            outcomes.append([await _asked(room, deployment) for deployment in deployments])
    print(json.dumps(outcomes))


if __name__ == "__main__":
    asyncio.run(_main())
