"""How an upstream can fail, in one tree.

UpstreamError
├── UpstreamRefusedError   no connection: 502
├── UpstreamBrokenError    no answer, or one that broke off: 502, or a cut connection once it has begun
├── UpstreamTimeoutError   no connection, or no byte, in time: 504
└── UpstreamUnknownError   its name does not resolve: 503
"""

from dataclasses import dataclass
from typing import Protocol

from embedded_edge.entities import Service
from embedded_edge.headers import Pair


@dataclass(frozen=True, slots=True)
class Address:
    """Where a request goes: of a service itself, or of a target of the upstream that it names."""

    host: str
    port: int
    tls: bool = False
    server_name: str = ""  # what the certificate has to name
    verify: bool = True
    authorities: str = ""  # PEM of the only ones that are believed; empty for the system's

    @property
    def authority(self) -> str:
        """`host:port`, as an in-process upstream is looked up."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """What is asked of a service; the body is the exchange's."""

    service: Service
    address: Address
    target: bytes
    headers: list[Pair]


class Downstream(Protocol):
    """The way back to the client. `began` is when the upstream was asked (monotonic s)."""

    began: float
    started: bool
    complete: bool

    async def start(self, status: int, reason: bytes | None, headers: list[Pair]) -> None: ...

    async def start_raw(self) -> None:
        """For an upstream that does not speak HTTP. UpstreamBrokenError where the client cannot get it."""

    async def body(self, data: bytes, more: bool) -> None: ...


class UpstreamError(Exception):
    """The upstream gave no whole answer."""

    sent = False  # whether the request, or part of it, may have reached the upstream


class UpstreamRefusedError(UpstreamError):
    pass


class UpstreamBrokenError(UpstreamError):
    """What came is not an answer, or not all of one."""


class UpstreamTimeoutError(UpstreamError):
    pass


class UpstreamUnknownError(UpstreamError):
    pass
