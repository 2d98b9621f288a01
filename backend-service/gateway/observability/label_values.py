"""What the labels that no configuration bounds may hold, in full: so that no caller can make up a series."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, get_args

from compliance.classes import ORDER
from compliance.tag import Reason
from gateway.errors import GatewayError, ProviderError

CLASSES: Final = ("public", *ORDER)

STAGES: Final = ("tag", "read", "policy", "routing", "provider", "settle")
"""The parts of a request's time, in the order of the steps. `read` is its body's arrival and its checking."""

INFERENCE: Final = ("chat", "embeddings")
"""The operations that ask deployments."""

HEALTH: Final = "health"
"""The operation of a health check: nobody's request, so not counted; its 503 while draining is no failure."""

TOKEN_KINDS: Final = ("input", "output", "cached_input", "cache_write", "reasoning")
"""`cached_input` and `cache_write` are parts of `input`, `reasoning` is one of `output`."""

OBLIGATIONS: Final = ("residency", "cleared_for", "agreement")

REPEATED: Final = "repeated"
"""A request with several tags."""
USED: Final = "used"
"""A tag that came a second time."""
TAG_FAILURES: Final = (*get_args(Reason), REPEATED, USED)

OK: Final = "ok"
ABANDONED: Final = "abandoned"
"""How an attempt ended whose answer nobody waited for any more: the caller left, or the process ended."""


def codes(family: type[GatewayError]) -> Iterator[str]:
    """The codes of an error and of every error below it, each once."""
    yield from dict.fromkeys(
        [family.code, *(code for below in family.__subclasses__() for code in codes(below))]
    )


OUTCOMES: Final = (OK, ABANDONED, GatewayError.code, *codes(ProviderError))
REFUSALS: Final = tuple(codes(GatewayError))
STATUSES: Final = ("200", "500", "502", "503", "504")
"""What is divided by what in an error rate; other statuses appear with their first request."""
