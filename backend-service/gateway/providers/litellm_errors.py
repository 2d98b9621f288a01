"""LiteLLM's exceptions as our errors: one table, and what was seen on the wire before it.

Their messages hold prompts, answers and keys, so nothing of them is passed on; ours are raised ``from None``.
"""

from __future__ import annotations

import functools
import re
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from gateway.errors import ProviderError
from gateway.providers import failures
from gateway.providers.wire import Call
from gateway.types import Provider

Translation = Callable[[Provider], ProviderError]


def _status(status: int) -> Translation:
    return functools.partial(failures.of_status, status=status)


def _misconfigured(reason: str) -> Translation:
    return functools.partial(failures.misconfigured, reason=reason)


def _rejected(reason: str) -> Translation:
    return functools.partial(failures.rejected, reason=reason)


_UNSHAPED = _rejected("it cannot be put in its protocol")
_NOT_USED = _misconfigured("a part of LiteLLM that is switched off took part")

TRANSLATIONS: dict[str, Translation] = {
    "APIConnectionError": failures.bad_answer,  # the wire has not failed, so it could not read the answer
    "APIError": failures.bad_answer,
    "APIResponseValidationError": failures.bad_answer,
    "AuthenticationError": _status(401),
    "BadGatewayError": _status(502),
    "BadRequestError": _UNSHAPED,
    "BlockedPiiEntityError": _NOT_USED,
    "BudgetExceededError": _NOT_USED,
    "Closed": _misconfigured("a request was made outside of a call"),  # ours, of wire.py
    "ContentPolicyViolationError": _rejected("its content policy forbids it"),
    "ContextWindowExceededError": _rejected("it is longer than the model's context"),
    "GuardrailRaisedException": _NOT_USED,
    "ImageFetchError": _rejected("an image in it cannot be read"),
    "InternalServerError": _status(500),
    "InvalidRequestError": _UNSHAPED,
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
"""By the names in ``litellm.exceptions``, which a test walks."""


def translate(error: BaseException, call: Call, parameters: Iterable[str]) -> ProviderError:
    """Our error for what LiteLLM raised; of the request it may speak of ``parameters``."""
    if call.failure is not None:
        return call.failure
    if isinstance(error, ProviderError):
        return error
    failure = _translated(error, call, parameters)
    failure.add_note(_origin(error))
    return failure


def _translated(error: BaseException, call: Call, parameters: Iterable[str]) -> ProviderError:
    if call.answered:
        return failures.interrupted(call.provider) if call.streaming else failures.bad_answer(call.provider)
    if type(error).__name__ == "UnsupportedParamsError":
        return _unsupported(call.provider, str(error), parameters)
    # A plain ValueError or KeyError comes out of its transformations, mostly for odd requests.
    return TRANSLATIONS.get(type(error).__name__, _UNSHAPED)(call.provider)


def _origin(error: BaseException) -> str:
    """What was raised first and where: all that can be told of it without its words."""
    while (earlier := error.__cause__ or error.__context__) is not None:
        error = earlier
    frames = traceback.extract_tb(error.__traceback__, limit=-3)
    where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {where}"


def _unsupported(provider: Provider, message: str, parameters: Iterable[str]) -> ProviderError:
    """Names the parameter that LiteLLM's message is about, if it is one of ``parameters``."""
    words: set[Any] = set(re.findall(r"[a-z_]+", message))
    param = next((name for name in parameters if name in words), None)
    named = f" ({param})" if param else ""
    return failures.rejected(provider, f"it does not support a parameter in it{named}", param=param)
