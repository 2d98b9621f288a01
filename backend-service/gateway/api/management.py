"""What only the operator sees: on a port of its own that the edge does not route."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.api.state import Checks


def management_routes(checks: Checks, registries: Sequence[CollectorRegistry]) -> list[BaseRoute]:
    """`/ready` says which part is down, `/metrics` is Prometheus' text of all ``registries``."""

    async def ready(_: Request) -> Response:
        parts = await _run(checks)
        well = all(problem is None for problem in parts.values())
        content = {"ready": well, "parts": {name: problem or "ok" for name, problem in parts.items()}}
        return JSONResponse(content, status_code=200 if well else 503)

    async def metrics(_: Request) -> Response:
        text = b"".join(generate_latest(registry) for registry in registries)
        return Response(text, headers={"content-type": CONTENT_TYPE_LATEST})

    return [Route("/ready", ready), Route("/metrics", metrics)]


async def _run(checks: Checks) -> Mapping[str, str | None]:
    problems = await asyncio.gather(*(check() for check in checks.values()))
    return dict(zip(checks, problems, strict=True))
