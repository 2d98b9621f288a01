"""The control endpoint: what was received, and what shall go wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from testing.simulators.faults import FAULTS, parse_fault
from testing.simulators.http_server import Answer, Listener
from testing.simulators.messages import Request, Response, json_response
from testing.simulators.recorder import Exchange, Recorder
from testing.simulators.script import script
from testing.simulators.simulator import Simulator

ROUTES: Mapping[str, str] = {
    "GET /recordings[/NAME]": "what each simulator received: {NAME: {dropped, exchanges}}; bytes are base64",
    "DELETE /recordings[/NAME]": "forget it, and the counts",
    "GET /requests": "how many requests came: {NAME: {total, routes}}",
    "GET /faults": "the faults that wait, and how many requests each has seen",
    "PUT /faults/NAME": "replace them by {fault, times, skip, path, and the fault's own options} or a list",
    "DELETE /faults[/NAME]": "no more faults; accept connections again",
    "DELETE /tokens": "no Google bearer that was given so far is valid any more",
}


class Control:
    """The control endpoint over HTTP. Answers are JSON; a mistake is a 400 or 404 with {"error": text}."""

    def __init__(
        self, simulators: Mapping[str, Simulator], port: int, forget_tokens: Callable[[], None]
    ) -> None:
        self._simulators = simulators
        self._forget_tokens = forget_tokens
        self._listener = Listener(self._handle, Recorder(limit=1_000_000), port)
        self.port = self._listener.port

    async def start(self) -> None:
        """Accept connections."""
        await self._listener.start()

    async def stop(self) -> None:
        """Close everything at once."""
        await self._listener.stop()

    async def _handle(self, request: Request, exchange: Exchange) -> Answer:
        return script(await self._respond(request), None, 0.0)

    async def _respond(self, request: Request) -> Response:
        what, name, *more = (*request.segments, "", "")
        if (name and name not in self._simulators) or any(more):
            return json_response(
                {"error": f"no simulator {name!r}; there are: {', '.join(self._simulators)}"}, 404
            )
        chosen = {name: self._simulators[name]} if name else self._simulators
        match request.method, what:
            case "GET", "recordings":
                return json_response({key: each.recorder.as_json() for key, each in chosen.items()})
            case "DELETE", "recordings":
                for each in chosen.values():
                    each.recorder.clear()
            case "GET", "requests":
                return json_response({key: _counts(each.recorder) for key, each in chosen.items()})
            case "GET", "faults":
                return json_response({key: each.faults.as_json() for key, each in chosen.items()})
            case "PUT", "faults" if name:
                return await self._put_faults(chosen[name], request.body)
            case "DELETE", "faults":
                for each in chosen.values():
                    await each.put_faults(())
            case "DELETE", "tokens":
                self._forget_tokens()
            case _:
                return json_response({"error": "not found", "routes": ROUTES, "faults": FAULTS}, 404)
        return json_response({})

    async def _put_faults(self, simulator: Simulator, body: bytes) -> Response:
        try:
            given: Any = orjson.loads(body)
            faults = [parse_fault(value) for value in (given if isinstance(given, list) else [given])]
        except ValueError as problem:
            return json_response({"error": str(problem)}, 400)
        await simulator.put_faults(faults)
        return json_response({})


def _counts(recorder: Recorder) -> dict[str, Any]:
    return {"total": recorder.counts.total(), "routes": dict(recorder.counts)}
