"""Our errors in our words, each made in one place.

No function takes a provider's text: what a message may hold of an answer is its status and a short code.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from gateway.errors import (
    ProviderBadAnswer,
    ProviderError,
    ProviderMisconfigured,
    ProviderOverloaded,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnreachable,
    StreamInterrupted,
)
from gateway.types import Provider

MAX_RETRY_AFTER_S = 3600.0
_CODE = re.compile(r"[a-z_]{1,64}")
# 404 too: the path and the name of the model come from the row, not from the caller.
_MISCONFIGURED = frozenset({401, 402, 403, 404, 405})
_OVERLOADED = frozenset({503, 529})


def unreachable(provider: Provider, reason: str | None = None) -> ProviderError:
    """``reason`` is ours and ends the sentence."""
    why = f": {reason}" if reason else ""
    return ProviderUnreachable(
        f"The provider {provider.name} could not be reached{why}. Try again, or ask for another model.",
        provider=provider.name,
    )


def timed_out(provider: Provider, seconds: float) -> ProviderTimeout:
    return ProviderTimeout(
        f"The provider {provider.name} did not answer within {seconds:g} s. "
        "Try again, or ask for a shorter answer.",
        provider=provider.name,
    )


def bad_answer(provider: Provider) -> ProviderError:
    return ProviderBadAnswer(
        f"The provider {provider.name} sent an answer that its protocol does not allow. Try again.",
        provider=provider.name,
    )


def failed_early(provider: Provider) -> ProviderError:
    return ProviderError(
        f"The provider {provider.name} failed before its first word. Try again.", provider=provider.name
    )


def interrupted(provider: Provider) -> ProviderError:
    return StreamInterrupted(
        f"The stream of the provider {provider.name} broke off. What came is incomplete; try again.",
        provider=provider.name,
    )


def rejected(provider: Provider, reason: str, *, param: str | None = None) -> ProviderError:
    """The request cannot be put to this provider; ``reason`` is ours and ends the sentence."""
    return ProviderRejected(
        f"The request does not suit the provider {provider.name}: {reason}.",
        provider=provider.name,
        param=param,
    )


def misconfigured(provider: Provider, reason: str) -> ProviderError:
    """Only the operator can help; ``reason`` is ours and ends the sentence."""
    return ProviderMisconfigured(
        f"This gateway's access to the provider {provider.name} is not set up rightly: {reason}. "
        "Tell the operator; trying again does not help.",
        provider=provider.name,
    )


def of_proxy(provider: Provider, host: str | None, status: int | None) -> ProviderError:
    """What the egress proxy said to the wish for a tunnel to ``host``; None: it did not answer."""
    if status is None:
        return unreachable(provider, "the egress proxy does not answer")
    place = f"the host {host}" if host else "its host"
    if status == 407:
        return misconfigured(provider, "the egress proxy refused this gateway's credentials (HTTP 407)")
    if 400 <= status < 500:
        return misconfigured(
            provider,
            f"the egress proxy refused {place} (HTTP {status}); what has to be on its list is what "
            "`portcullis egress` prints",
        )
    return unreachable(provider, f"the egress proxy has no connection to {place} (HTTP {status})")


def of_status(
    provider: Provider, status: int, *, code: str | None = None, retry_after_s: float | None = None
) -> ProviderError:
    """The error for an HTTP status that is not a success."""
    hint = f"HTTP {status}" + (f", {code}" if code else "")
    if status in _MISCONFIGURED or (status == 429 and code == "insufficient_quota"):
        return misconfigured(provider, f"it answered {hint}")
    if status == 429:
        return ProviderRateLimited(
            f"The provider {provider.name} limits the rate of requests ({hint}). Try again later.",
            provider=provider.name,
            retry_after_s=retry_after_s,
        )
    if status in _OVERLOADED:
        return ProviderOverloaded(
            f"The provider {provider.name} is overloaded ({hint}). Try again later.",
            provider=provider.name,
            retry_after_s=retry_after_s,
        )
    if status in {408, 504}:
        return ProviderTimeout(
            f"The provider {provider.name} gave up on the request ({hint}). Try again.",
            provider=provider.name,
        )
    if 400 <= status < 500:
        return rejected(provider, f"it answered {hint}")
    return ProviderError(
        f"The provider {provider.name} failed ({hint}). Try again.",
        provider=provider.name,
        retry_after_s=retry_after_s,
    )


def safe_code(document: object) -> str | None:
    """The code of a provider's error object, when it is a plain word: all that we repeat of its text."""
    error = document.get("error") if isinstance(document, Mapping) else None
    if not isinstance(error, Mapping):
        return None
    for name in ("code", "type", "status"):
        value = error.get(name)
        if isinstance(value, str) and _CODE.fullmatch(value.lower()):
            return value.lower()
    return None


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from ``retry-after-ms`` or ``retry-after`` (seconds or a date); at most an hour."""
    in_ms = _number(headers.get("retry-after-ms"))
    if in_ms is not None:
        return bounded(in_ms / 1000)
    text = headers.get("retry-after")
    in_s = _number(text)
    if in_s is None and text:
        try:
            in_s = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return None
    return None if in_s is None else bounded(in_s)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and math.isfinite(value) else None


def bounded(seconds: float) -> float:
    """A Retry-After that is neither negative nor longer than an hour."""
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)
