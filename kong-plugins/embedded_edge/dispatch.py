"""Where a routed request goes: a service's own address or a target of its upstream; retried as Kong does."""

import time
from collections.abc import Mapping

from embedded_edge import upstream_asgi, upstream_http
from embedded_edge.balancer import Balancer, NoPeerError, Peer
from embedded_edge.entities import Service
from embedded_edge.exchange import ASGIApp, Exchange
from embedded_edge.pool import Pool
from embedded_edge.proxy import upstream_headers, upstream_target
from embedded_edge.upstream import (
    Address,
    Downstream,
    UpstreamError,
    UpstreamRefusedError,
    UpstreamRequest,
    UpstreamTimeoutError,
    UpstreamUnknownError,
)
from embedded_edge.upstreams import Target

_MAY_REPEAT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})


class Dispatch:
    """Sends requests on. An address in `apps` is called in this process, every other one over HTTP."""

    def __init__(self, balancers: Mapping[str, Balancer], apps: Mapping[str, ASGIApp], pool: Pool) -> None:
        self._balancers = balancers
        self._apps = apps
        self._pool = pool
        self._addresses: dict[tuple[str, int], tuple[Address, bytes]] = {}

    async def send(self, x: Exchange, service: Service, down: Downstream) -> None:
        """Passes the answer on as it comes.

        Raises an UpstreamError, NoPeerError if nobody may be asked, ClientGoneError once the client has gone.
        """
        balancer = self._balancers.get(service.host)
        target = upstream_target(x)
        if balancer is None:
            address, host = self._address(service)
            await self._try(x, UpstreamRequest(service, address, target, upstream_headers(x, host)), down)
            return
        await self._balance(x, service, balancer, target, down)

    def _address(
        self, service: Service, balancer: Balancer | None = None, peer: Peer | None = None
    ) -> tuple[Address, bytes]:
        """Where the service or its target is, and the Host that it is called by."""
        key = (service.id, id(peer))
        known = self._addresses.get(key)
        if known is None:
            place: Service | Target = peer.target if peer else service
            name = (balancer and balancer.upstream.host_header) or place.host
            address = Address(
                place.host, place.port, service.tls, name.partition(":")[0], True, service.authorities
            )
            known = self._addresses[key] = (address, _host(service, name, place.port))
        return known

    async def _try(self, x: Exchange, request: UpstreamRequest, down: Downstream) -> None:
        """One address, as often as the service's `retries` allow."""
        for tries_left in range(request.service.retries, -1, -1):
            try:
                await self._once(x, request, down)
            except UpstreamError as error:
                if not tries_left or not _may_repeat(x, down, error):
                    raise
            else:
                return

    async def _balance(
        self, x: Exchange, service: Service, balancer: Balancer, target: bytes, down: Downstream
    ) -> None:
        """Another target each time, as often as the service's `retries` allow."""
        limits = balancer.upstream.passive
        failed: UpstreamError | None = None
        for tries_left in range(service.retries, -1, -1):
            try:
                peer = balancer.pick()
            except NoPeerError:
                if failed is not None:
                    raise failed from None
                raise
            peer.open_requests += 1
            try:
                address, host = self._address(service, balancer, peer)
                request = UpstreamRequest(service, address, target, upstream_headers(x, host))
                await self._once(x, request, down)
            except UpstreamError as error:
                if not tries_left or not _may_repeat(x, down, error):
                    _count_last(peer, balancer, error, x)
                    raise
                failed = error
                if isinstance(error, UpstreamTimeoutError):
                    peer.timed_out(limits)
                else:
                    peer.refused(limits)
            else:
                peer.status(x.status, limits)
                return
            finally:
                peer.open_requests -= 1

    async def _once(self, x: Exchange, request: UpstreamRequest, down: Downstream) -> None:
        down.began = time.monotonic()
        app = self._apps.get(request.address.authority) if self._apps else None
        if app is not None:
            await upstream_asgi.call(app, x, request, down)
        else:
            await upstream_http.call(self._pool, x, request, down)


def _host(service: Service, name: str, port: int) -> bytes:
    default_port = port == (443 if service.tls else 80)
    return name.encode() if default_port else f"{name}:{port}".encode()


def _may_repeat(x: Exchange, down: Downstream, error: UpstreamError) -> bool:
    """Whether asking again cannot make anything happen twice."""
    if down.started or isinstance(error, UpstreamUnknownError):
        return False
    sent = not isinstance(error, UpstreamRefusedError) and error.sent
    return not sent or x.method in _MAY_REPEAT


def _count_last(peer: Peer, balancer: Balancer, error: UpstreamError, x: Exchange) -> None:
    """Of the last try Kong sees only the status that it answered itself."""
    limits = balancer.upstream.passive
    if isinstance(error, UpstreamTimeoutError):
        peer.timed_out(limits)
    else:
        peer.status(x.status or 502, limits)
