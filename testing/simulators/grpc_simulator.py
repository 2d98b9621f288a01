"""The Vertex endpoint's simulator: a grpc.aio server, with the same recordings and faults as the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc

from testing.simulators.faults import HEADER, Fault, FaultBox
from testing.simulators.http_server import LONGEST_HANG, MAX_BODY, bound_socket
from testing.simulators.messages import Refusal, Response
from testing.simulators.protocols.vertex import MESSAGES, error_value
from testing.simulators.protocols.vertex_endpoint import (
    SERVICE,
    Call,
    VertexEndpoint,
    serialized,
    serialized_predictions,
)
from testing.simulators.recorder import Exchange, Recorder
from testing.simulators.reply import steer
from testing.simulators.script import Break, Hang, Pause, Send, Step, script
from testing.simulators.simulator import asked_refusal, chosen_fault

_NO_LIMIT = -1
_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_BODY),
    ("grpc.max_send_message_length", _NO_LIMIT),
    ("grpc.so_reuseport", 1),
)
_STATUS = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}


class GrpcSimulator(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
    """PredictionService on 127.0.0.1. A `reset` takes the whole server down and up again."""

    def __init__(self, name: str, service: VertexEndpoint, pace: float, record_limit: int) -> None:
        self.name = name
        self._service = service
        self._pace = pace
        self.recorder = Recorder(record_limit)
        self.faults = FaultBox()
        self._holder = bound_socket(0)  # keeps the port ours while the server is down
        self.port: int = self._holder.getsockname()[1]
        self._server: Any = None
        self._restarts: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Accept connections on `port`."""
        server = grpc.aio.server(options=_OPTIONS)
        server.add_generic_rpc_handlers((self,))
        server.add_insecure_port(f"127.0.0.1:{self.port}")
        await server.start()
        self._server = server

    async def stop(self) -> None:
        """Close everything at once."""
        await self._down()
        self._holder.close()

    async def put_faults(self, faults: Sequence[Fault]) -> None:
        """Replace the faults that wait; also refuses or accepts connections from now on."""
        self.faults.put(faults)
        if self.faults.refusing:
            await self._down()
        elif self._server is None:
            await self.start()

    def service(self, details: Any) -> Any:
        """grpc's hook: the handler of a method, or None for one that is not served."""
        service, _, method = details.method.strip("/").partition("/")
        if service != SERVICE:
            return None
        match method:
            case "RawPredict" | "Predict":
                return grpc.unary_unary_rpc_method_handler(self._unary(method))
            case "StreamRawPredict":
                return grpc.unary_stream_rpc_method_handler(self._streamed)
            case _:
                return None

    def _unary(self, method: str) -> Any:
        async def handle(message: bytes, context: Any) -> bytes:
            exchange = self._arrived(method, message, context)
            out = b""
            response = Response(200)
            try:
                response, steps = await self._answer(exchange, method, message, context)
                async for data in self._played(exchange, steps, context):
                    out += data
            except BaseException:
                exchange.ended = exchange.ended or "client left"
                raise
            exchange.ended = exchange.ended or "answered"
            return serialized_predictions(response) if method == "Predict" else serialized(response, out)

        return handle

    async def _streamed(self, message: bytes, context: Any) -> AsyncIterator[bytes]:
        exchange = self._arrived("StreamRawPredict", message, context)
        try:
            response, steps = await self._answer(exchange, "StreamRawPredict", message, context)
            async for data in self._played(exchange, steps, context):
                yield serialized(response, data)
        except BaseException:
            exchange.ended = exchange.ended or "client left"
            raise
        exchange.ended = exchange.ended or "answered"

    def _arrived(self, method: str, message: bytes, context: Any) -> Exchange:
        exchange = self.recorder.begin()
        exchange.http = False
        self.recorder.add(exchange, message)
        self.recorder.arrived(exchange, "POST", f"/{SERVICE}/{method}", _metadata(context))
        return exchange

    async def _answer(
        self, exchange: Exchange, method: str, message: bytes, context: Any
    ) -> tuple[Response, list[Step]]:
        try:
            response, steps = self._chosen(
                exchange, Call(exchange.number, method, _metadata(context), message)
            )
        except Refusal as refusal:
            exchange.ended, exchange.status = "answered", refusal.status
            if refusal.headers:
                context.set_trailing_metadata(refusal.headers)
            code = _STATUS.get(refusal.status, grpc.StatusCode.UNAVAILABLE)
            await context.abort(code, str(error_value(refusal)["error"]["message"]))
            raise
        exchange.status = 200
        return response, steps

    def _chosen(self, exchange: Exchange, call: Call) -> tuple[Response, list[Step]]:
        header = dict(call.metadata).get(HEADER)
        try:
            fault = chosen_fault(self.faults, "POST", f"/{SERVICE}/{call.method}", header)
        except ValueError as problem:
            raise Refusal(400, f"{HEADER}: {problem}") from None
        exchange.fault = fault.fault if fault else None
        if fault is not None and fault.fault == "status":
            raise asked_refusal(fault)
        try:
            response, steps = script(self._service.respond(call, steer(fault)), fault, self._pace)
        except (
            AttributeError,
            KeyError,
            TypeError,
            ValueError,
        ):  # a field of another type than the protocol's
            raise Refusal(400) from None
        if fault is not None and fault.fault == "error-event":
            steps = [*steps[: fault.after], Break(b"", reset=False)]
        return response, steps

    async def _played(self, exchange: Exchange, steps: Sequence[Step], context: Any) -> AsyncIterator[bytes]:
        for step in steps:
            match step:
                case Send(data) if data:
                    yield data
                case Pause(seconds):
                    await asyncio.sleep(seconds)
                case Hang():
                    await asyncio.sleep(LONGEST_HANG)
                case Break(_, reset):
                    exchange.ended = "reset" if reset else "cut"
                    if reset:
                        self._restart()
                        await asyncio.sleep(LONGEST_HANG)
                    await context.abort(grpc.StatusCode.UNAVAILABLE, MESSAGES[503])

    def _restart(self) -> None:
        async def restart() -> None:
            broken = self._server
            await self.start()  # first the new one, so that nobody finds the port closed
            await broken.stop(None)

        task = asyncio.get_running_loop().create_task(restart())
        self._restarts.add(task)
        task.add_done_callback(self._restarts.discard)

    async def _down(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            await server.stop(None)


def _metadata(context: Any) -> tuple[tuple[str, str], ...]:
    pairs = context.invocation_metadata() or ()
    return tuple(
        (key, value.decode("latin-1") if isinstance(value, bytes) else value) for key, value in pairs
    )
