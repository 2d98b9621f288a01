"""What only the operator sees: on a port of its own that the edge does not route, open to the very end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.api.state import Checks
from gateway.lifecycle import Lifecycle
from gateway.observability import Metrics


def management_routes(
    checks: Checks, lifecycle: Lifecycle, metrics: Metrics, registries: Sequence[CollectorRegistry]
) -> list[BaseRoute]:
    """`/live` answers while the loop turns, `/started` once warmed, `/ready` while requests may come.

    `/ready` says which part is down; `/metrics` is Prometheus' text of all ``registries``.
    """

    async def parts() -> Mapping[str, str]:
        """What is wrong with each part, or "ok". A process that ends has no use for its parts any more."""
        problems = {"process": "draining"} if lifecycle.draining else await _run(checks)
        metrics.lifecycle(ready=not any(problems.values()), draining=lifecycle.draining)
        return {name: problem or "ok" for name, problem in problems.items()}

    async def live(_: Request) -> Response:
        return JSONResponse({"live": True})

    async def started(_: Request) -> Response:
        return JSONResponse({"started": lifecycle.started}, status_code=200 if lifecycle.started else 503)

    async def ready(_: Request) -> Response:
        found = await parts()
        well = set(found.values()) <= {"ok"}
        return JSONResponse({"ready": well, "parts": found}, status_code=200 if well else 503)

    async def show_metrics(_: Request) -> Response:
        await parts()
        text = b"".join(generate_latest(registry) for registry in registries)
        return Response(text, headers={"content-type": CONTENT_TYPE_LATEST})

    return [
        Route("/live", live),
        Route("/started", started),
        Route("/ready", ready),
        Route("/metrics", show_metrics),
    ]


async def _run(checks: Checks) -> Mapping[str, str | None]:
    problems = await asyncio.gather(*(check() for check in checks.values()))
    return dict(zip(checks, problems, strict=True))
