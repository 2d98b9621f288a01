"""LiteLLM's exceptions as our errors: one table, and what was seen on the wire before it.

Their messages hold prompts, answers and keys, so nothing of them is passed on; ours are raised ``from None``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from typing import Any

from gateway.errors import ProviderError
from gateway.providers import failures
from gateway.providers.wire import Call, Closed
from gateway.types import Provider

Translation = Callable[[Provider], ProviderError]


def _status(status: int) -> Translation:
    return functools.partial(failures.of_status, status=status)


def _misconfigured(reason: str) -> Translation:
    return functools.partial(failures.misconfigured, reason=reason)


def _rejected(reason: str) -> Translation:
    return functools.partial(failures.rejected, reason=reason)


_NOT_USED = _misconfigured("a part of LiteLLM that is switched off took part")

TRANSLATIONS: dict[str, Translation] = {
    "APIConnectionError": failures.bad_answer,  # the wire has not failed, so it could not read the answer
    "APIError": failures.bad_answer,
    "APIResponseValidationError": failures.bad_answer,
    "AuthenticationError": _status(401),
    "BadGatewayError": _status(502),
    "BadRequestError": _rejected("it cannot be put in its protocol"),
    "BlockedPiiEntityError": _NOT_USED,
    "BudgetExceededError": _NOT_USED,
    "ContentPolicyViolationError": _rejected("its content policy forbids it"),
    "ContextWindowExceededError": _rejected("it is longer than the model's context"),
    "GuardrailRaisedException": _NOT_USED,
    "ImageFetchError": _rejected("an image in it cannot be read"),
    "InternalServerError": _status(500),
    "InvalidRequestError": _rejected("it cannot be put in its protocol"),
    "JSONSchemaValidationError": failures.bad_answer,
    "LiteLLMUnknownProvider": _misconfigured("LiteLLM does not know it"),
    "MidStreamFallbackError": failures.interrupted,
    "MockException": _NOT_USED,
    "ModelNotMappedError": _misconfigured("LiteLLM does not know the model"),
    "ModifyResponseException": _NOT_USED,
    "NotFoundError": _status(404),
    "OpenAIError": failures.bad_answer,
    "PaymentRequiredError": _status(402),
    "PermissionDeniedError": _status(403),
    "RateLimitError": _status(429),
    "RejectedRequestError": _NOT_USED,
    "SensitiveDataRouteException": _NOT_USED,
    "ServiceUnavailableError": _status(503),
    "Timeout": _status(504),
    "UnprocessableEntityError": _status(422),
    "UnsupportedParamsError": _rejected("a parameter in it is not supported"),
    "VectorStoreSearchError": _NOT_USED,
}
"""By the names in ``litellm.exceptions``; a test walks those."""


def translate(error: BaseException, call: Call, parameters: Iterable[str]) -> ProviderError:
    """Our error for what LiteLLM raised. ``parameters`` are the names in the request that one may speak
    of."""
    if call.failure is not None:
        return call.failure
    if isinstance(error, ProviderError):
        return error
    if isinstance(error, Closed):
        return failures.misconfigured(call.provider, "a request was made outside of a call")
    if call.answered:
        return failures.interrupted(call.provider) if call.streaming else failures.bad_answer(call.provider)
    name = type(error).__name__
    if name == "UnsupportedParamsError":
        param = _named(str(error), parameters)
        return failures.rejected(
            call.provider,
            "it does not support a parameter in it" + (f" ({param})" if param else ""),
            param=param,
        )
    translation = TRANSLATIONS.get(name)
    if translation is None:
        # A plain ValueError or KeyError out of its transformations, mostly for odd requests.
        return failures.rejected(call.provider, "it cannot be put in its protocol")
    return translation(call.provider)


def _named(message: str, parameters: Iterable[str]) -> str | None:
    """The parameter that LiteLLM's message is about, if it is one of ``parameters``."""
    words: set[Any] = set(re.findall(r"[a-z_]+", message))
    return next((name for name in parameters if name in words), None)
