"""The composition: settings and configuration become one running application."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import redis.asyncio
import structlog
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from prometheus_client import CollectorRegistry
from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from compliance.revision import RULES_REVISION
from compliance.tag import TagKeys
from gateway.api import add_error_handlers, management_routes, router
from gateway.api.schemas import component_schemas
from gateway.api.state import Gateway
from gateway.configuration import Configuration, load_configuration
from gateway.lifecycle import Lifecycle
from gateway.middleware import Bodies, Envelope, MemoryReplay, RedisReplay, ReplayGuard, TagCheck
from gateway.observability import Metrics, Traces
from gateway.observability.loop_lag import sampling
from gateway.pipeline import Asks, Pipeline
from gateway.providers import Providers
from gateway.providers.litellm_prices import price_of
from gateway.settings import Settings
from gateway.store import open_store


class ProvidersRoom(Asks, AbstractAsyncContextManager[object], Protocol):
    """Step 9 as the composition sees it: opened and closed with the application, warmed behind readiness."""

    async def warm(self) -> None: ...


VERSION = "0.1.0"
STORE_DEADLINE_S = 1.0


@dataclass(frozen=True, slots=True)
class Application:
    """The backend's application, and the operator's on a port of its own.

    The backend's lifespan opens and closes what both use; the operator's application has none.
    """

    backend: FastAPI
    management: Starlette
    gateway: Gateway


def read_configuration(settings: Settings) -> Configuration:
    """`gateway.yaml`, with LiteLLM's pinned prices where a row names none. Raises ConfigurationError."""
    return load_configuration(settings, price_of)


def create_application(
    settings: Settings,
    configuration: Configuration,
    *,
    extra_checks: dict[str, Callable[[], Awaitable[str | None]]] | None = None,
    extra_registries: tuple[CollectorRegistry, ...] = (),
    providers: ProvidersRoom | None = None,
) -> Application:
    """Build everything; nothing is opened before the lifespan starts. Raises TagKeysError."""
    providers = providers or Providers(
        [d for d in configuration.deployments if d.provider.unavailable is None], settings.proxy
    )
    keys = TagKeys.from_file(settings.tag_keys_file)
    metrics = Metrics()
    metrics.describe(configuration.deployments, version=VERSION, rules_revision=RULES_REVISION)
    traces = Traces(settings.traces, VERSION)
    store = open_store(settings.redis_url, settings.redis_ca_file) if settings.redis_url else None
    lifecycle = Lifecycle()
    gateway = Gateway(
        settings=settings,
        configuration=configuration,
        pipeline=Pipeline(configuration.deployments, providers, metrics),
        metrics=metrics,
        checks={"shared_store": _store_check(store), **(extra_checks or {})},
        lifecycle=lifecycle,
    )
    replay: ReplayGuard = RedisReplay(store) if store else MemoryReplay()
    backend = _backend(gateway, providers, store, traces)
    bodies = Bodies(settings.max_body_bytes, settings.max_bodies_bytes)
    backend.add_middleware(TagCheck, keys=keys, replay=replay, bodies=bodies)
    backend.add_middleware(Envelope, metrics=metrics, traces=traces, lifecycle=lifecycle)
    routes = management_routes(gateway.checks, lifecycle, metrics, (metrics.registry, *extra_registries))
    return Application(backend, _management(routes, backend), gateway)


def _backend(
    gateway: Gateway, providers: ProvidersRoom, store: redis.asyncio.Redis | None, traces: Traces
) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with traces, sampling(gateway.metrics.event_loop_lag), providers:
            warming = asyncio.create_task(_warm(providers, gateway.lifecycle))
            try:
                yield
            finally:
                warming.cancel()
                await asyncio.wait({warming})
                if store is not None:
                    await store.aclose()

    app = FastAPI(
        title="Portcullis",
        version=VERSION,
        summary="An AI gateway that knows what may leave the building.",
        lifespan=lifespan,
        redoc_url=None,
        # A redirect would name the backend's own address, which no caller should see.
        redirect_slashes=False,
        # FastAPI's own would send exceptions with their messages as soon as the environment asks for it.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.include_router(router)
    app.state.gateway = gateway
    add_error_handlers(app)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _management(routes: list[BaseRoute], backend: FastAPI) -> Starlette:
    """The operator's routes, and the backend's documentation, which needs no tag here."""
    documented = [
        route for route in backend.routes if getattr(route, "path", "") in {"/docs", "/openapi.json"}
    ]
    return Starlette(routes=[*routes, *documented])


async def _warm(providers: ProvidersRoom, lifecycle: Lifecycle) -> None:
    """Behind readiness: a first call would otherwise pay for each provider's lazy imports."""
    try:
        await providers.warm()
    except Exception as error:  # a provider that cannot be warmed will say why when it is asked
        structlog.get_logger("gateway.main").warning("warming_failed", error=type(error).__name__)
    # What has been imported stays for good: without it in every collection, requests cost up to a third less.
    gc.collect()
    gc.freeze()
    lifecycle.start()


def _store_check(store: redis.asyncio.Redis | None) -> Callable[[], Awaitable[str | None]]:
    async def in_process() -> str | None:
        return None

    async def shared() -> str | None:
        assert store is not None
        try:
            async with asyncio.timeout(STORE_DEADLINE_S):
                await store.set("portcullis:probe", b"1", ex=10)
                return None if await store.get("portcullis:probe") == b"1" else "it forgets what is written"
        except (RedisError, OSError, TimeoutError) as error:
            return f"Redis does not answer ({type(error).__name__})"

    return shared if store else in_process


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        components = schema.setdefault("components", {})
        components["schemas"] = component_schemas() | components.get("schemas", {})
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
        schema["security"] = [{"token": []}]
        app.openapi_schema = schema
    return app.openapi_schema
