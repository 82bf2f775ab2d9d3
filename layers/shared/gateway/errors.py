"""The tree of every way a request can fail; no other module defines an HTTP status for a failure.

The names follow section 5 of the public contract. `status` is HTTP's, `type` and `code` are the OpenAI wire's; the
other wires translate from them.

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
        ├── NotConfigured             502                       upstream_error
        │   └── NotCovered            402 insufficient_balance  insufficient_balance
        ├── CredentialRefused         502                       upstream_error
        │   └── ProviderKeyRefused    403 permission_error      provider_key_refused
        ├── UnreadableAnswer          502
        ├── UpstreamOverloaded        503                       upstream_overloaded
        └── UpstreamTimeout           504                       upstream_timeout

`retry_after_s` is the wait that the cause names; without one, a 429 or 503 leaves with `Retry-After: 1`. `message` is
written in this code, or taken from the few sources that a client may see. It never holds a traceback, a key, an
upstream's address or a credential.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

# What a client reads of a failure that no class stands for.
UNFORESEEN = "The gateway failed while serving the request."


class GatewayError(Exception):
    """Failure that leaves through a wire's error shape.

    `param` is a JSON path into the request (`messages[0].content`). `retry_after_s` becomes `Retry-After`.
    `should_retry` becomes `x-should-retry`: false stops SDKs from retrying in vain. `window` has the headers of the
    window that refused, for an answer that knows only an earlier one.
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
        self.window: Mapping[str, str] | None = None


class InvalidRequest(GatewayError):
    """Refuses a request that cannot be served as it stands; `param` names the place."""

    status = 400
    type = "invalid_request_error"
    default_code: ClassVar[str | None] = None


class NotFound(InvalidRequest):
    """Refuses a model, job, key or route that does not exist, or that this caller may not see."""

    status = 404
    default_code = "not_found"


class MethodNotAllowed(InvalidRequest):
    """Refuses a method that an existing path does not take; `allowed` are the methods it takes, if they are known."""

    status = 405
    default_code = "method_not_allowed"

    def __init__(self, message: str, *, allowed: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.allowed = allowed


class RequestTooLarge(InvalidRequest):
    """Refuses an inline body over the platform's limit; the message names the upload route."""

    status = 413
    default_code = "request_too_large"


class UnsupportedMediaType(InvalidRequest):
    """Refuses a body whose content type the route does not read."""

    status = 415
    default_code = "unsupported_media_type"


class AuthenticationFailed(GatewayError):
    """Refuses a missing, unknown, expired or revoked key."""

    status = 401
    type = "authentication_error"
    default_code = "invalid_api_key"


class InsufficientBalance(GatewayError):
    """Refuses a request whose hold the balance does not cover."""

    status = 402
    type = "insufficient_balance"
    default_code = "insufficient_balance"


class PermissionDenied(GatewayError):
    """Refuses a valid key that may not do this."""

    status = 403
    type = "permission_error"
    default_code = "model_not_allowed"


class RequestTimeout(GatewayError):
    """Ends a non-streaming answer that took longer than the contract allows.

    SDKs would repeat the request, so `x-should-retry: false` goes with it.
    """

    status = 408
    type = "timeout_error"
    default_code = "request_timeout"

    def __init__(self, message: str) -> None:
        super().__init__(message, should_retry=False)


class Conflict(GatewayError):
    """Refuses a request that contradicts an existing state."""

    status = 409
    type = "conflict_error"
    default_code = "already_exists"


class RateLimited(GatewayError):
    """Refuses a request because a rate window or a quota is full."""

    status = 429
    type = "rate_limit_error"
    default_code = "rate_limit_exceeded"


class ServiceUnavailable(GatewayError):
    """Reports that the gateway itself cannot take the request now; no counter has moved."""

    status = 503
    default_code = "overloaded"


class UpstreamError(GatewayError):
    """Reports that the provider failed, or sent an answer that cannot be read.

    `retryable` is true if another attempt, at this target or another, may succeed.
    """

    status = 502
    type = "upstream_error"
    default_code = "upstream_error"

    def __init__(self, message: str, *, retryable: bool = True, retry_after_s: int | None = None) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.retryable = retryable


class NotConfigured(UpstreamError):
    """Reports that the provider is not asked: this deployment has no credentials for it."""

    def __init__(self, message: str = "The provider of this model has no credentials in this deployment.") -> None:
        super().__init__(message, retryable=False)


class OutOfRegion(NotConfigured):
    """Reports that a provider is not asked: all its credentials here are of places that the key's policy excludes."""

    status = 403
    type = "permission_error"
    default_code = "region_not_allowed"

    def __init__(self) -> None:
        super().__init__("The region policy of this API key leaves no account of this model's provider.")
        self.should_retry = False


class NotCovered(NotConfigured):
    """Reports that a provider is not asked with the gateway's credentials: the balance does not cover its price."""

    status = 402
    type = "insufficient_balance"
    default_code = "insufficient_balance"

    def __init__(self) -> None:
        super().__init__("The balance does not cover this request without the account's own provider key.")


class CredentialRefused(UpstreamError):
    """Reports that the provider did not accept the credential; in the words for one of the gateway's own."""

    def __init__(self, message: str = "The provider did not accept the gateway's account.") -> None:
        super().__init__(message, retryable=False)


class ProviderKeyRefused(CredentialRefused):
    """Reports that the provider did not accept the account's own key."""

    status = 403
    type = "permission_error"
    default_code = "provider_key_refused"

    def __init__(self, provider: str) -> None:
        super().__init__(f"The provider '{provider}' did not accept this account's own key of it.")
        self.should_retry = False


class UnreadableAnswer(UpstreamError):
    """Reports an unreadable answer that the provider has billed; a second request would be billed again.

    `what` says what is wrong and quotes nothing of the answer. `usage` holds the token counts that could still be read.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"The provider sent an answer that cannot be read: {what}.")
        self.should_retry = False
        self.usage: object = None


class UpstreamOverloaded(UpstreamError):
    """Reports that the provider refused for load or quota."""

    status = 503
    default_code = "upstream_overloaded"


class UpstreamTimeout(UpstreamError):
    """Reports that the provider did not answer in time, or stopped sending for too long."""

    status = 504
    default_code = "upstream_timeout"
