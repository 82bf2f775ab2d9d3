"""Errors of the SDK.

NexevoError
├── APIError: a request has failed
│   ├── APIConnectionError: no answer came
│   │   └── APITimeoutError: it took too long
│   ├── APIStreamError: a stream told of an error after it had begun
│   └── APIStatusError: the answer is a refusal; its classes are by status
├── JobFailedError: a job or a run that was waited for has failed
├── WaitTimeoutError: it was not over in time; a TimeoutError too
└── WebhookVerificationError: a webhook is not from the gateway
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

import httpx


class NexevoError(Exception):
    """Base of all errors of the SDK. A copy, as one that is sent to another process, knows no key."""

    def __reduce__(self) -> Any:
        # Arguments that have names are no part of `args`, from which Python would make the copy.
        state = {name: without_key(value) for name, value in self.__dict__.items()}
        return _copied, (type(self), self.args, state)


class APIError(NexevoError):
    """A request that has failed."""

    request_id: Optional[str] = None

    def __init__(self, message: str, *, request: Optional[httpx.Request] = None, body: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.request = request
        self.body = body


class APIConnectionError(APIError):
    """No answer came."""


class APITimeoutError(APIConnectionError):
    """No answer came in time."""


class APIStatusError(APIError):
    """The answer is a refusal. `request_id` is for support, `code` for programs, `param` is a JSON path."""

    def __init__(self, message: str, *, response: httpx.Response, body: Any = None) -> None:
        super().__init__(message, request=response.request, body=body)
        told: Mapping[str, Any] = body.get("error", {}) if isinstance(body, dict) else {}
        told = told if isinstance(told, dict) else {}
        self.response = response
        self.status_code = response.status_code
        self.request_id = request_id_of(response.headers)
        self.code: Optional[str] = told.get("code")
        self.type: Optional[str] = told.get("type")
        self.param: Optional[str] = told.get("param")

    def __str__(self) -> str:
        return f"{self.message} (status {self.status_code}, request {self.request_id})"


class BadRequestError(APIStatusError):
    """400: the request is wrong."""


class AuthenticationError(APIStatusError):
    """401: the key is not known, or no longer good."""


class InsufficientBalanceError(APIStatusError):
    """402: the balance does not cover the request."""


class PermissionDeniedError(APIStatusError):
    """403: the key may not do this."""


class NotFoundError(APIStatusError):
    """404: there is no such thing."""


class RequestTimeoutError(APIStatusError):
    """408: the answer took longer than the gateway waits."""


class ConflictError(APIStatusError):
    """409: the request is in conflict with what was done before."""


class RequestTooLargeError(APIStatusError):
    """413: the body is too large."""


class RateLimitError(APIStatusError):
    """429: too many requests, or too much spent."""


class InternalServerError(APIStatusError):
    """500 and above: the gateway or its provider has failed."""


BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: InsufficientBalanceError,
    403: PermissionDeniedError,
    404: NotFoundError,
    408: RequestTimeoutError,
    409: ConflictError,
    413: RequestTooLargeError,
    429: RateLimitError,
}


class APIStreamError(APIError):
    """A stream told of an error after it had begun."""

    def __init__(
        self,
        message: str,
        *,
        request: Optional[httpx.Request] = None,
        body: Any = None,
        request_id: Optional[str] = None,
    ) -> None:
        super().__init__(message, request=request, body=body)
        self.request_id = request_id
        told = body.get("error", {}) if isinstance(body, dict) else {}
        self.code: Optional[str] = told.get("code") if isinstance(told, dict) else None


class JobFailedError(NexevoError):
    """A job or a run that was waited for has failed or was canceled; `job` is as it stands."""

    def __init__(self, message: str, job: Any) -> None:
        super().__init__(message)
        self.job = job


class WaitTimeoutError(NexevoError, TimeoutError):
    """The end of a wait whose time was over. The job goes on; `job` is as it was seen last."""

    def __init__(self, message: str, job: Any) -> None:
        super().__init__(message)
        self.job = job


class WebhookVerificationError(NexevoError):
    """A webhook whose signature or time is not good."""


def _copied(kind: type[NexevoError], args: Any, state: dict[str, Any]) -> NexevoError:
    """The error of which `__reduce__` has told."""
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


def without_key(value: Any) -> Any:
    """A request or an answer without the caller's key and without its connection; any other value as it is."""
    if isinstance(value, httpx.Request):
        headers = {name: text for name, text in value.headers.items() if name not in SECRET_HEADERS}
        return httpx.Request(value.method, value.url, headers=headers)
    if isinstance(value, httpx.Response):
        # The content has been decoded, and so has its length.
        headers = {name: text for name, text in value.headers.items() if name not in ENCODING_HEADERS}
        request = without_key(value.request)
        return httpx.Response(value.status_code, headers=headers, content=value.content, request=request)
    return value


SECRET_HEADERS = {"authorization", "content-length", "transfer-encoding"}
ENCODING_HEADERS = {"content-encoding", "content-length", "transfer-encoding"}


def request_id_of(headers: Mapping[str, str]) -> Optional[str]:
    """The id of a request, from the headers of its answer."""
    return headers.get("x-request-id") or headers.get("x-trace-id")


def unreadable(response: httpx.Response, why: str) -> APIError:
    """The error of a good answer that is not the gateway's, or has been changed on its way."""
    error = APIError(f"{response.url} {why} (request {request_id_of(response.headers)})", request=response.request)
    error.request_id = request_id_of(response.headers)
    return error


def refusal_of(response: httpx.Response) -> APIStatusError:
    """The error of an answer that was read."""
    try:
        body = response.json()
    except ValueError:
        body = response.text
    told = body.get("error") if isinstance(body, dict) else None
    message = told.get("message") if isinstance(told, dict) else None
    default = InternalServerError if response.status_code >= 500 else APIStatusError
    kind = BY_STATUS.get(response.status_code, default)
    return kind(message or f"HTTP {response.status_code}", response=response, body=body)
