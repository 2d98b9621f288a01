"""Which target of an upstream takes a request, and what is known of the targets' health.

After kong/runloop/balancer and lua-resty-healthcheck: one set of counters for active and passive checks.
"""

import random
from dataclasses import dataclass, field
from math import gcd

from embedded_edge.upstreams import Limits, Target, Upstream


class NoPeerError(Exception):
    """No target may take the request: none is there, or none is healthy."""


@dataclass(slots=True)
class Peer:
    """A target and its health. `open_requests` is what least-connections goes by."""

    target: Target
    healthy: bool = True
    open_requests: int = 0
    _successes: int = 0
    _failures: dict[str, int] = field(default_factory=dict)

    def status(self, status: int, limits: Limits) -> None:
        """An answer of that status came from the target."""
        if status in limits.healthy_statuses:
            self.success(limits)
        elif status in limits.unhealthy_statuses or status == 0:  # 0: what came is not HTTP
            self._failure("http", limits.http_failures)

    def refused(self, limits: Limits) -> None:
        """No connection, or one that broke."""
        self._failure("tcp", limits.tcp_failures)

    def timed_out(self, limits: Limits) -> None:
        self._failure("timeout", limits.timeouts)

    def success(self, limits: Limits) -> None:
        if limits.successes == 0 or (self.healthy and not self._failures):
            return
        self._failures.clear()
        self._successes += 1
        if self._successes >= limits.successes:
            self.healthy = True
            self._successes = 0

    def _failure(self, kind: str, limit: int) -> None:
        if limit == 0 or (not self.healthy and not self._successes):
            return
        self._successes = 0
        self._failures[kind] = self._failures.get(kind, 0) + 1
        if self._failures[kind] >= limit:
            self.healthy = False
            self._failures.clear()


class Balancer:
    """The peers of one upstream. `pick` raises NoPeerError."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.peers = [Peer(target) for target in upstream.targets]
        self._wheel = _wheel(self.peers)
        self._at = -1

    def pick(self) -> Peer:
        if not self._enough_healthy():
            raise NoPeerError
        if self.upstream.algorithm == "least-connections":
            return self._least_loaded()
        for _ in self._wheel:
            self._at = (self._at + 1) % len(self._wheel)
            peer = self._wheel[self._at]
            if peer.healthy:
                return peer
        raise NoPeerError

    def _least_loaded(self) -> Peer:
        able = [peer for peer in self.peers if peer.healthy and peer.target.weight]
        if not able:
            raise NoPeerError
        return min(able, key=lambda peer: (peer.open_requests + 1) / peer.target.weight)

    def _enough_healthy(self) -> bool:
        if not self.upstream.threshold_percent:
            return True
        total = sum(peer.target.weight for peer in self.peers)
        healthy = sum(peer.target.weight for peer in self.peers if peer.healthy)
        return total > 0 and healthy * 100 / total >= self.upstream.threshold_percent


def _wheel(peers: list[Peer]) -> list[Peer]:
    """Every peer as often as its weight asks for, shuffled so that a heavy one is not asked in bursts."""
    divisor = gcd(*(peer.target.weight for peer in peers)) or 1
    wheel = [peer for peer in peers for _ in range(peer.target.weight // divisor)]
    random.shuffle(wheel)
    return wheel
