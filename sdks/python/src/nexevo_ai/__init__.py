"""Python SDK of the Nexevo AI gateway."""

from typing import Any

from nexevo_ai._answers import AsyncPage, BinaryResponse, RawResponse, SyncPage
from nexevo_ai._client import AsyncTransport, SyncTransport
from nexevo_ai._errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APIStreamError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InsufficientBalanceError,
    InternalServerError,
    JobFailedError,
    NexevoError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RequestTimeoutError,
    RequestTooLargeError,
    WaitTimeoutError,
    WebhookVerificationError,
)
from nexevo_ai._models import NexevoModel, Object
from nexevo_ai._request import NOT_GIVEN
from nexevo_ai._streaming import AsyncStream, Stream
from nexevo_ai._version import __version__
from nexevo_ai.aio.resources import AsyncResources
from nexevo_ai.sync.resources import Resources


class Nexevo(SyncTransport, Resources):
    """The client: `Nexevo()` takes its key from the environment's NEXEVO_API_KEY."""

    _is_raw = False

    @property
    def _client(self) -> Any:  # type: ignore[override]  # it is its own
        return self


class AsyncNexevo(AsyncTransport, AsyncResources):
    """The async client."""

    _is_raw = False

    @property
    def _client(self) -> Any:  # type: ignore[override]  # it is its own
        return self


__all__ = [
    "NOT_GIVEN",
    "APIConnectionError",
    "APIError",
    "APIStatusError",
    "APIStreamError",
    "APITimeoutError",
    "AsyncNexevo",
    "AsyncPage",
    "AsyncStream",
    "AuthenticationError",
    "BadRequestError",
    "BinaryResponse",
    "ConflictError",
    "InsufficientBalanceError",
    "InternalServerError",
    "JobFailedError",
    "Nexevo",
    "NexevoError",
    "NexevoModel",
    "NotFoundError",
    "Object",
    "PermissionDeniedError",
    "RateLimitError",
    "RawResponse",
    "RequestTimeoutError",
    "RequestTooLargeError",
    "Stream",
    "SyncPage",
    "WaitTimeoutError",
    "WebhookVerificationError",
    "__version__",
]
