"""Active health checks: every target is asked in its interval, and its counters say what came."""

import asyncio
import contextlib
import logging
from collections.abc import Collection

from embedded_edge.balancer import Balancer, Peer
from embedded_edge.headers import Pair
from embedded_edge.pool import Pool
from embedded_edge.upstream import Address, UpstreamError, UpstreamTimeoutError
from embedded_edge.upstreams import ActiveChecks

_log = logging.getLogger("embedded_edge")

# How often a target is looked at whose present health has no interval.
_IDLE_S = 1.0


class HealthChecks:
    """Runs the checks of all balancers from `start` to `stop`. What runs in this process is not asked.

    `authorities` (PEM) is whose certificates are believed, as Kong has `lua_ssl_trusted_certificate` for it.
    """

    def __init__(
        self, balancers: Collection[Balancer], in_process: Collection[str], pool: Pool, authorities: str = ""
    ) -> None:
        self._watched = [
            (balancer, peer)
            for balancer in balancers
            for peer in balancer.peers
            if peer.target.authority not in in_process and _wanted(balancer.upstream.active)
        ]
        self._pool = pool
        self._authorities = authorities
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._watch(balancer, peer), name=f"health of {peer.target.authority}")
            for balancer, peer in self._watched
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def _watch(self, balancer: Balancer, peer: Peer) -> None:
        checks = balancer.upstream.active
        while True:
            interval = checks.healthy_interval_s if peer.healthy else checks.unhealthy_interval_s
            if interval:
                was = peer.healthy
                await self._check(balancer, peer)
                if peer.healthy != was:
                    state = "healthy" if peer.healthy else "unhealthy"
                    _log.warning(
                        "upstream %s: %s is %s", balancer.upstream.name, peer.target.authority, state
                    )
            await asyncio.sleep(interval or _IDLE_S)

    async def _check(self, balancer: Balancer, peer: Peer) -> None:
        checks = balancer.upstream.active
        try:
            async with asyncio.timeout(checks.timeout_s):
                status = await self._ask(balancer, peer)
        except (TimeoutError, UpstreamTimeoutError):
            peer.timed_out(checks.limits)
        except UpstreamError:
            peer.refused(checks.limits)
        else:
            if status is None:
                peer.success(checks.limits)
            else:
                peer.status(status, checks.limits)

    async def _ask(self, balancer: Balancer, peer: Peer) -> int | None:
        """The status of the answer; None where only a connection was wanted."""
        checks, target = balancer.upstream.active, peer.target
        host = balancer.upstream.host_header or target.host
        name = (checks.server_name or host).partition(":")[0]
        tls = checks.kind == "https"
        trust = (checks.verify_certificate, self._authorities)
        address = Address(target.host, target.port, tls, name, *trust)
        connection = await self._pool.connect(address, checks.timeout_s)
        with contextlib.closing(connection):
            if checks.kind == "tcp":
                return None
            path = checks.path.encode()
            await connection.send("GET", path, _headers(checks, host), b"", checks.timeout_s)
            await connection.head(checks.timeout_s)
            return connection.status


def _wanted(checks: ActiveChecks) -> bool:
    return checks.healthy_interval_s > 0 or checks.unhealthy_interval_s > 0


def _headers(checks: ActiveChecks, host: str) -> list[Pair]:
    own = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in checks.headers]
    return [(b"Connection", b"close"), *own, (b"Host", host.encode())]
