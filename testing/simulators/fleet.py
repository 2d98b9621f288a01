"""All simulators together: start, the line that says where they are, stop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from testing.simulators.control import Control
from testing.simulators.google_identity import PROJECT
from testing.simulators.grpc_simulator import GrpcSimulator
from testing.simulators.protocols.vertex_endpoint import VertexEndpoint
from testing.simulators.providers import PROVIDERS, Credentials
from testing.simulators.simulator import HttpSimulator, Simulator


class Fleet:
    """One simulator per provider, and the control endpoint.

    `state` is an existing folder, where the Google key file is written. `pace` is the pause in seconds
    between two pieces of a stream, `record_limit` the most bytes that each simulator remembers.
    """

    def __init__(self, state: Path, control_port: int, pace: float, record_limit: int) -> None:
        self._state = state
        self._drawn = Credentials()
        self.simulators: dict[str, Simulator] = {
            row.name: HttpSimulator(row.name, row.service(row.name, self._drawn), pace, record_limit)
            for row in PROVIDERS
        }
        endpoint = VertexEndpoint("vertex_endpoint", self._drawn.google)
        self.simulators[endpoint.name] = GrpcSimulator(endpoint.name, endpoint, pace, record_limit)
        self._control = Control(self.simulators, control_port, self._drawn.google.forget_tokens)

    async def start(self) -> dict[str, Any]:
        """Accept connections everywhere, and return what clients need to know."""
        token_uri = f"http://127.0.0.1:{self.simulators['vertex_ai'].port}/token"
        key_file = self._drawn.google.write(self._state, token_uri)
        for simulator in self.simulators.values():
            await simulator.start()
        await self._control.start()
        return self._addresses(key_file)

    async def stop(self) -> None:
        """Close everything at once."""
        await self._control.stop()
        for simulator in self.simulators.values():
            await simulator.stop()

    def _addresses(self, key_file: Path) -> dict[str, Any]:
        google = {"GOOGLE_APPLICATION_CREDENTIALS": str(key_file), "GOOGLE_CLOUD_PROJECT": PROJECT}
        providers: dict[str, dict[str, Any]] = {
            row.name: {
                "base_url": f"http://127.0.0.1:{self.simulators[row.name].port}{row.base_path}",
                "env": row.env(self._drawn),
            }
            for row in PROVIDERS
        }
        providers["vertex_ai"]["env"] = google
        providers["bedrock"]["instead"] = {"AWS_BEARER_TOKEN_BEDROCK": self._drawn.bedrock_bearer}
        endpoint = self.simulators["vertex_endpoint"]
        providers[endpoint.name] = {"base_url": f"127.0.0.1:{endpoint.port}", "env": google}
        return {"control": f"http://127.0.0.1:{self._control.port}", "providers": providers}
