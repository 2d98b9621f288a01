"""One simulator: a provider's service with its recorder, its faults and its listener."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from testing.simulators.faults import HEADER, Fault, FaultBox, parse_header
from testing.simulators.http_server import Answer, Listener
from testing.simulators.messages import Headers, Refusal, Request, Response
from testing.simulators.recorder import Exchange, Recorder
from testing.simulators.reply import Steer, steer
from testing.simulators.script import script


class Service(Protocol):
    """How a provider answers. Pure: no waiting, nothing kept between requests but issued tokens."""

    def respond(self, request: Request, how: Steer) -> Response:
        """The answer; raises Refusal for what the provider refuses."""

    def error(self, refusal: Refusal, request: Request) -> Response:
        """A refusal in the provider's own words."""


class Simulator(Protocol):
    """What the control endpoint and the start know of a simulator."""

    name: str
    port: int
    recorder: Recorder
    faults: FaultBox

    async def start(self) -> None:
        """Accept connections on `port`."""

    async def stop(self) -> None:
        """Close everything at once."""

    async def put_faults(self, faults: Sequence[Fault]) -> None:
        """Replace the faults that wait; also refuses or accepts connections from now on."""


class HttpSimulator:
    """A provider behind HTTP. `pace` is the pause in seconds between two pieces of every stream."""

    def __init__(self, name: str, service: Service, pace: float, record_limit: int) -> None:
        self.name = name
        self._service = service
        self._pace = pace
        self.recorder = Recorder(record_limit)
        self.faults = FaultBox()
        self._listener = Listener(self.handle, self.recorder)
        self.port = self._listener.port

    async def start(self) -> None:
        """Accept connections on `port`."""
        await self._listener.start()

    async def stop(self) -> None:
        """Close everything at once."""
        await self._listener.stop()

    async def put_faults(self, faults: Sequence[Fault]) -> None:
        """Replace the faults that wait; also refuses or accepts connections from now on."""
        self.faults.put(faults)
        if self.faults.refusing:
            await self._listener.refuse()
        else:
            await self._listener.accept()

    async def handle(self, request: Request, exchange: Exchange) -> Answer:
        """The response to a request and the steps in which it leaves."""
        try:
            fault = chosen_fault(self.faults, request.method, request.target, request.header(HEADER))
        except ValueError as problem:
            text = f"{HEADER}: {problem}\n".encode()
            return script(Response(400, (("content-type", "text/plain"),), text), None, 0.0)
        exchange.fault = fault.fault if fault else None
        return script(self._respond(request, fault), fault, self._pace)

    def _respond(self, request: Request, fault: Fault | None) -> Response:
        try:
            if fault is not None and fault.fault == "status":
                raise asked_refusal(fault)
            response = self._service.respond(request, steer(fault))
        except Refusal as refusal:
            return self._service.error(refusal, request)
        except (
            AttributeError,
            KeyError,
            TypeError,
            ValueError,
        ):  # a field of another type than the protocol's
            return self._service.error(Refusal(400), request)
        if fault is not None and fault.fault == "error-event" and response.pieces is None:
            return replace(self._service.error(Refusal(500), request), status=200)
        return response


def chosen_fault(box: FaultBox, method: str, target: str, header: str | None) -> Fault | None:
    """The fault that the request's header asks for, else the next that waits; ValueError for a bad header."""
    return parse_header(header) if header else box.take(method, target)


def asked_refusal(fault: Fault) -> Refusal:
    """The refusal that a `status` fault asks for."""
    headers: Headers = (("retry-after", f"{fault.retry_after:g}"),) if fault.retry_after is not None else ()
    return Refusal(fault.status, code=fault.code, headers=headers)
