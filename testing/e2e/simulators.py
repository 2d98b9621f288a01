"""The simulators from outside: what each of them received, and what shall go wrong in them."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from typing import Any

import httpx

from testing.e2e.spellings import holds
from testing.e2e.waiting import eventually

Exchange = dict[str, Any]


class Simulators:
    """A client of the simulators' control endpoint."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self._url = url
        self._client = client

    def received(self, name: str) -> list[Exchange]:
        """The requests that one simulator received since they were forgotten, oldest first."""
        recorded = self._get(f"/recordings/{name}")[name]
        assert recorded["dropped"] == 0, "the recordings are not complete"
        exchanges: list[Exchange] = recorded["exchanges"]
        return exchanges

    def asked(self) -> set[str]:
        """The simulators that received anything at all; an exchange of Google's tokens holds no prompt."""
        return {
            name
            for name, found in self._get("/recordings").items()
            if any(exchange["target"] != "/token" for exchange in found["exchanges"])
        }

    def holding(self, text: str) -> set[str]:
        """The simulators that received ``text`` in any spelling."""
        return {
            name
            for name, found in self._get("/recordings").items()
            if any(
                holds(b64decode(exchange[part]), text)
                for exchange in found["exchanges"]
                for part in ("raw", "body")
            )
        }

    def bodies(self, name: str) -> list[bytes]:
        """The bodies that one simulator received."""
        return [b64decode(exchange["body"]) for exchange in self.received(name)]

    def fault(self, name: str, fault: str | Sequence[dict[str, Any]], **options: Any) -> None:
        """Replace the faults that wait in one simulator."""
        wanted = {"fault": fault, **options} if isinstance(fault, str) else list(fault)
        answer = self._client.put(f"{self._url}/faults/{name}", json=wanted)
        assert answer.status_code == 200, answer.text

    def no_faults(self) -> None:
        """Let all go well again."""
        self._client.delete(f"{self._url}/faults").raise_for_status()

    def forget(self) -> None:
        """Forget what was received."""
        self._client.delete(f"{self._url}/recordings").raise_for_status()

    def wait_for_leaving(self, name: str) -> Exchange:
        """The last request to one simulator, once its client has left before the answer was complete."""

        def left() -> Exchange | None:
            exchanges = self.received(name)
            return exchanges[-1] if exchanges and exchanges[-1]["client_left"] else None

        return eventually(left, f"the client of {name} leaves")

    def _get(self, path: str) -> dict[str, Any]:
        answer = self._client.get(self._url + path)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found
