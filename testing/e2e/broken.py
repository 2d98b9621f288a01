"""What an answer looks like when its provider has failed."""

from __future__ import annotations

import httpx

from testing.e2e.caller import Streamed
from testing.e2e.kinds import Kind

SOON_S = 8
"""Far above the deadlines of the impatient models, far below those of the others."""


def was_asked(headers: httpx.Headers, kind: Kind) -> None:
    """The headers say who was asked, also when it failed."""
    assert headers["x-request-id"]
    assert headers["x-gateway-provider"] == kind.provider
    assert headers["x-gateway-attempts"] == "1"
    assert headers["x-compliance-class"] == "public"


def was_broken(stream: Streamed, kind: Kind, codes: set[str]) -> None:
    assert stream.status == 200, stream.events
    assert not stream.done
    assert stream.text, "what came before the fault is passed on"
    assert stream.error is not None, stream.events[-1]
    assert set(stream.error) == {"message", "type", "param", "code"}
    assert stream.error["code"] in codes
    assert kind.provider in stream.error["message"]
    was_asked(stream.headers, kind)
