"""Every way a request can fail, drawn once; nothing else in the house invents a status.

The names follow section 5 of the public contract. `status` is HTTP's, `type` and `code` are the OpenAI wire's;
the other wires translate from them.

    GatewayError                      500 server_error          internal_error
    ├── InvalidRequest                400 invalid_request_error (code given, or none)
    │   ├── NotFound                  404                       model_not_found, job_not_found, ...
    │   ├── MethodNotAllowed          405                       method_not_allowed
    │   ├── RequestTooLarge           413                       request_too_large
    │   └── UnsupportedMediaType      415                       unsupported_media_type
    ├── AuthenticationFailed          401 authentication_error  invalid_api_key, expired_api_key
    ├── InsufficientBalance           402 insufficient_balance  account_suspended, insufficient_balance
    ├── PermissionDenied              403 permission_error      model_not_allowed, ip_not_allowed, ...
    ├── RequestTimeout                408 timeout_error         request_timeout
    ├── Conflict                      409 conflict_error        idempotency_key_reused, ...
    ├── RateLimited                   429 rate_limit_error      rate_limit_exceeded, tenant_monthly_quota_exceeded
    ├── ServiceUnavailable            503 server_error          overloaded
    └── UpstreamError                 502 upstream_error        upstream_error
        ├── UpstreamOverloaded        503                       upstream_overloaded
        └── UpstreamTimeout           504                       upstream_timeout

`retry_after_s` is what somebody said; where nobody did, a 429 or 503 still leaves with `Retry-After: 1`.
`message` is written here, or taken from the few places that a client may see; a traceback, a key, an upstream's
address or a credential never gets into it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class GatewayError(Exception):
    """A failure that leaves through a wire's error shape.

    `param` is a JSON path into the request (`messages[0].content`). `retry_after_s` becomes `Retry-After`.
    `should_retry` becomes `x-should-retry`, where an SDK would otherwise retry in vain.
    """

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    default_code: ClassVar[str | None] = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after_s: int | None = None,
        should_retry: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = self.default_code if code is None else code
        self.retry_after_s = retry_after_s
        self.should_retry = should_retry


class InvalidRequest(GatewayError):
    """The request cannot be served as it stands; `param` says where."""

    status = 400
    type = "invalid_request_error"
    default_code: ClassVar[str | None] = None


class NotFound(InvalidRequest):
    """No such model, job, key or route, or none that this caller may see."""

    status = 404
    default_code = "not_found"


class MethodNotAllowed(InvalidRequest):
    """The path exists, the method does not; `allowed` are those that it takes, where they are known."""

    status = 405
    default_code = "method_not_allowed"

    def __init__(self, message: str, *, allowed: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.allowed = allowed


class RequestTooLarge(InvalidRequest):
    """The inline body is over the platform's limit; the message names the upload route."""

    status = 413
    default_code = "request_too_large"


class UnsupportedMediaType(InvalidRequest):
    """The body's content type is not one the route reads."""

    status = 415
    default_code = "unsupported_media_type"


class AuthenticationFailed(GatewayError):
    """No key, an unknown key, or one that has expired or been revoked."""

    status = 401
    type = "authentication_error"
    default_code = "invalid_api_key"


class InsufficientBalance(GatewayError):
    """The balance cannot carry this request's hold."""

    status = 402
    type = "insufficient_balance"
    default_code = "insufficient_balance"


class PermissionDenied(GatewayError):
    """The key is good, but not for this."""

    status = 403
    type = "permission_error"
    default_code = "model_not_allowed"


class RequestTimeout(GatewayError):
    """A non-streaming answer took longer than the contract allows; SDKs would repeat it, so they are told not to."""

    status = 408
    type = "timeout_error"
    default_code = "request_timeout"

    def __init__(self, message: str) -> None:
        super().__init__(message, should_retry=False)


class Conflict(GatewayError):
    """The request contradicts a state that exists already."""

    status = 409
    type = "conflict_error"
    default_code = "already_exists"


class RateLimited(GatewayError):
    """A window or a quota is full."""

    status = 429
    type = "rate_limit_error"
    default_code = "rate_limit_exceeded"


class ServiceUnavailable(GatewayError):
    """The gateway itself cannot take the request now; it has moved no counter."""

    status = 503
    default_code = "overloaded"


class UpstreamError(GatewayError):
    """The provider failed, or answered what cannot be read.

    `retryable` says whether another attempt, here or at another target, may do better.
    """

    status = 502
    type = "upstream_error"
    default_code = "upstream_error"

    def __init__(self, message: str, *, retryable: bool = True, retry_after_s: int | None = None) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.retryable = retryable


class UpstreamOverloaded(UpstreamError):
    """The provider refused for load or quota."""

    status = 503
    default_code = "upstream_overloaded"


class UpstreamTimeout(UpstreamError):
    """The provider did not answer, or fell silent, for longer than it may."""

    status = 504
    default_code = "upstream_timeout"
