"""The edge as an ASGI application: route, chain, upstream, answer."""

import time
from collections.abc import Mapping

from prometheus_client import CollectorRegistry

from embedded_edge.answers import UNEXPECTED, gateway_error, kong_error
from embedded_edge.balancer import Balancer, NoPeerError
from embedded_edge.chain import Chain
from embedded_edge.config import EdgeConfig
from embedded_edge.dispatch import Dispatch
from embedded_edge.downstream import ToClient, answer_client
from embedded_edge.exchange import (
    REFUSAL,
    ASGIApp,
    BodyTooLargeError,
    BrokenBodyError,
    ClientGoneError,
    CutError,
    Exchange,
    Receive,
    Scope,
    Send,
)
from embedded_edge.health import HealthChecks
from embedded_edge.pool import Pool
from embedded_edge.refusals import needs_https, refused, upstream_failed
from embedded_edge.reporting import report, report_upstream
from embedded_edge.router import Router
from embedded_edge.upstream import UpstreamError


class Edge:
    """Serves what `config` says. An address (`host:port`) that is in `upstreams` is called in process.

    Under `embedded_edge.server` header case, order and reason phrases are Kong's; under another ASGI server
    only the statuses, fields and bodies are.
    """

    def __init__(self, config: EdgeConfig, upstreams: Mapping[str, ASGIApp] | None = None) -> None:
        self._router = Router([(route, Chain.of(plugins)) for route, plugins in config.routes])
        self._without_route = Chain.of(config.global_plugins)
        self._plugins = {plugin for _, plugins in config.routes for plugin in plugins} | set(
            config.global_plugins
        )
        self._pool = Pool()
        balancers = {upstream.name: Balancer(upstream) for upstream in config.upstreams}
        self._dispatch = Dispatch(balancers, dict(upstreams or {}), self._pool)
        self._health = HealthChecks(
            balancers.values(), (upstreams or {}).keys(), self._pool, config.authorities
        )
        self._registry = config.registry

    @property
    def registry(self) -> CollectorRegistry:
        """Kong's metrics, for whoever exposes them."""
        return self._registry

    async def startup(self) -> None:
        """Begins the active health checks; nothing else is opened before it is needed."""
        self._health.start()

    async def shutdown(self) -> None:
        await self._health.stop()
        await self._pool.close()
        for plugin in self._plugins:
            await plugin.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._serve(Exchange(scope, receive, send))
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            raise NotImplementedError(f"the edge does not speak {scope['type']}")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.startup()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.shutdown()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _serve(self, x: Exchange) -> None:
        chain = self._without_route
        try:
            chain = await self._decide(x)
            if x.answer is None:
                await self._proxy(x, chain)
            if x.answer is not None:
                await answer_client(x, chain)
        except ClientGoneError:
            x.status = 499
        finally:
            for log in chain.log:
                log(x)

    async def _decide(self, x: Exchange) -> Chain:
        """Runs the chain of the request's route. `x.answer` is set unless the request is to be sent on."""
        refusal = x.scope.get(REFUSAL)
        if refusal is not None:
            x.answer = refused(x, *refusal)
            return self._without_route
        match = self._router.match(x)
        if match is None:
            x.answer = kong_error(x, 404, "no Route matched with those values")
            return self._without_route
        x.match = match
        assert isinstance(match.chain, Chain)
        chain = match.chain
        if x.scheme == "http" and "http" not in match.route.protocols:
            x.answer = needs_https(x)
            return self._without_route
        try:
            for access in chain.access:
                waiting = access(x)
                if waiting is not None:
                    await waiting
                if x.answer is not None:
                    break
            else:
                await _complete_request(x)
        except ClientGoneError:
            raise
        except BrokenBodyError:
            x.answer = gateway_error(x, 400, "Bad request")
        except TimeoutError:
            x.answer = gateway_error(x, 408, "Request timeout")
        except Exception as error:
            report("the chain", error)
            x.answer = kong_error(x, 500, UNEXPECTED)
        return chain

    async def _proxy(self, x: Exchange, chain: Chain) -> None:
        """Sends the request on. Sets `x.answer` if the upstream failed before its answer began."""
        assert x.match is not None
        service = x.match.route.service
        if service is None:
            x.answer = kong_error(x, 503, "no Service found with those values")
            return
        began = time.monotonic()
        x.own_ms = int((began - x.started) * 1000)
        down = ToClient(x, chain, began)
        try:
            await self._dispatch.send(x, service, down)
        except NoPeerError:
            x.answer = kong_error(x, 503, "failure to get a peer from the ring-balancer")
        except UpstreamError as error:
            report_upstream(service.name, error)
            if down.started:
                if not down.complete:
                    raise CutError from None
                return
            x.upstream_ms = int((time.monotonic() - down.began) * 1000)
            x.own_ms = int((down.began - x.started) * 1000)
            x.answer = upstream_failed(x, error)


async def _complete_request(x: Exchange) -> None:
    """Kong buffers the request before it connects: a slow sender holds no upstream."""
    if x.body is None:
        try:
            await x.read_body()
        except BodyTooLargeError:
            x.answer = gateway_error(x, 413, "Payload too large")
