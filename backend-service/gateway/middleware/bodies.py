"""Reading bodies, each within its limit and all of them within one for the process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import Receive, Scope

from gateway.errors import CallerLeft, RequestTooLarge, Unavailable

SMALL = 256 * 1024
"""Bodies up to this many bytes always have room: large ones do not keep the others out."""


class Bodies:
    """The bodies of the requests that are being answered.

    ``each`` is the most bytes that one may have, ``together`` what all of them may have: a body takes four to
    five times its size in memory on its way to a provider, and without a bound a few dozen large ones would
    end the process with everybody's requests.
    """

    def __init__(self, each: int, together: int) -> None:
        self.each = each
        self.together = together
        self._held = 0

    @asynccontextmanager
    async def read(self, scope: Scope, receive: Receive) -> AsyncIterator[bytes]:
        """The whole body, for as long as the context lasts; its room is taken before it is read.

        Raises RequestTooLarge past ``each`` bytes, unread where the length is said, and Unavailable where
        there is no room.
        """
        taken = self._room(_said_length(scope), 0)
        try:
            chunks: list[bytes] = []
            size = 0
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise CallerLeft("The caller left before its request was complete.")
                chunks.append(message.get("body", b""))
                size += len(chunks[-1])
                taken = self._room(size, taken)
                if not message.get("more_body", False):
                    break
            yield chunks[0] if len(chunks) == 1 else b"".join(chunks)
        finally:
            self._held -= taken

    def _room(self, size: int, taken: int) -> int:
        """Room for a body of ``size`` bytes, ``taken`` of it there already; returns what is taken then."""
        if size > self.each:
            raise RequestTooLarge(
                f"The request's body is over the limit of {self.each // (1024 * 1024)} MB; send less."
            )
        wanted = max(size if size > SMALL else 0, taken)
        if wanted > taken and self._held - taken + wanted > self.together:
            raise Unavailable(
                "The gateway holds as many large requests as it can; try again.", retry_after_s=1
            )
        self._held += wanted - taken
        return wanted


def _said_length(scope: Scope) -> int:
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return int(length) if length.isdigit() else 0
