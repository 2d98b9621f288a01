"""Every error that a caller can see, as one family.

::

    GatewayError
    ├── Unauthenticated             401  no valid tag
    ├── Forbidden                   403  the scope or the model list of the caller does not reach this
    ├── NotCleared                  403  no deployment is cleared for the request's class
    ├── InvalidRequest              400  the request itself; names the field
    ├── ModelNotFound               404
    ├── NotFound                    404  no such path
    ├── MethodNotAllowed            405
    ├── RequestTooLarge             413
    ├── UnsupportedMediaType        415
    ├── Unavailable                 503  this gateway, now
    ├── CallerLeft                  499  nobody is there to be answered; only the log shows it
    └── ProviderError               502  the deployment that was asked
        ├── ProviderUnreachable     502  refused, reset, no such host
        ├── ProviderTimeout         504  no answer within its deadline
        ├── ProviderRateLimited     429  keeps the provider's Retry-After
        ├── ProviderOverloaded      503  keeps the provider's Retry-After
        ├── ProviderRejected        4xx  the provider found the request wrong
        ├── ProviderMisconfigured   502  our credentials or names are wrong there; do not retry
        ├── ProviderBadAnswer       502  not what its protocol says
        └── StreamInterrupted       502  broke after the first chunk

A message says what to do, and holds nothing of the prompt, of a credential or of a provider's own error text.
"""

from __future__ import annotations

from typing import ClassVar


class GatewayError(Exception):
    """An error with its HTTP status and its words in OpenAI's error shape.

    ``retry_after_s`` becomes ``Retry-After``; ``retryable`` False becomes ``x-should-retry: false``, which
    the SDKs obey.
    """

    status: ClassVar[int] = 500
    type: ClassVar[str] = "internal_error"
    code: ClassVar[str] = "internal_error"
    retryable: ClassVar[bool] = True

    def __init__(self, message: str, *, param: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s

    def body(self) -> dict[str, dict[str, str | None]]:
        """The error in OpenAI's shape; all four keys are always there."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


class Unauthenticated(GatewayError):
    status = 401
    type = "authentication_error"
    code = "invalid_tag"


class Forbidden(GatewayError):
    status = 403
    type = "permission_error"
    code = "forbidden"


class NotCleared(GatewayError):
    """No deployment that was asked for is cleared for the class of the request; nothing was sent."""

    status = 403
    type = "compliance_error"
    code = "no_eligible_deployment"


class InvalidRequest(GatewayError):
    status = 400
    type = "invalid_request_error"
    code = "invalid_request"


class ModelNotFound(GatewayError):
    status = 404
    type = "invalid_request_error"
    code = "model_not_found"


class NotFound(GatewayError):
    status = 404
    type = "invalid_request_error"
    code = "unknown_url"


class MethodNotAllowed(GatewayError):
    status = 405
    type = "invalid_request_error"
    code = "method_not_allowed"


class RequestTooLarge(GatewayError):
    status = 413
    type = "invalid_request_error"
    code = "request_too_large"


class UnsupportedMediaType(GatewayError):
    status = 415
    type = "invalid_request_error"
    code = "unsupported_content_type"


class Unavailable(GatewayError):
    status = 503
    type = "service_unavailable"
    code = "service_unavailable"


class CallerLeft(GatewayError):
    status = 499
    type = "client_error"
    code = "client_disconnected"


class ProviderError(GatewayError):
    """A deployment was asked and did not answer well. ``provider`` is its provider's name."""

    status = 502
    type = "provider_error"
    code = "provider_error"

    def __init__(
        self,
        message: str,
        *,
        provider: str,
        param: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, param=param, retry_after_s=retry_after_s)
        self.provider = provider


class ProviderUnreachable(ProviderError):
    code = "provider_unreachable"


class ProviderTimeout(ProviderError):
    status = 504
    type = "timeout_error"
    code = "provider_timeout"


class ProviderRateLimited(ProviderError):
    status = 429
    type = "rate_limit_error"
    code = "provider_rate_limited"


class ProviderOverloaded(ProviderError):
    status = 503
    code = "provider_overloaded"


class ProviderRejected(ProviderError):
    """The provider found the request itself wrong (400, 413, 422, context too long, content policy)."""

    status = 400
    type = "invalid_request_error"
    code = "provider_rejected"
    retryable = False


class ProviderMisconfigured(ProviderError):
    code = "provider_misconfigured"
    retryable = False


class ProviderBadAnswer(ProviderError):
    code = "provider_bad_answer"


class StreamInterrupted(ProviderError):
    code = "stream_interrupted"
