"""The backend's log: JSON lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from testing.e2e.waiting import eventually


class Log:
    """Reads the file as it is now."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def data(self) -> bytes:
        """Every byte of it."""
        return self._path.read_bytes()

    def lines(self) -> list[dict[str, Any]]:
        """Its complete lines; one that is not a JSON object fails."""
        complete = self.data().rpartition(b"\n")[0]
        return [_parsed(line) for line in complete.splitlines()]

    def requests(self, request_id: str) -> list[dict[str, Any]]:
        """The lines of one request, once there is one: it is written when the answer has ended."""

        def written() -> list[dict[str, Any]]:
            return [line for line in self.lines() if line.get("request_id") == request_id]

        return eventually(written, f"a log line of {request_id}")

    def request(self, request_id: str) -> dict[str, Any]:
        """The one line of one request."""
        (line,) = self.requests(request_id)
        return line


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        raise AssertionError(f"no JSON in the log: {line!r}") from None
    assert isinstance(found, dict), line
    return found
