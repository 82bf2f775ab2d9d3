"""Python SDK of the Nexevo AI gateway."""

from nexevo_ai._answers import BinaryResponse, RawResponse
from nexevo_ai._async.answers import AsyncPage, AsyncStreamedResponse
from nexevo_ai._async.client import AsyncNexevo
from nexevo_ai._async.streams import AsyncStream
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
from nexevo_ai._sync.answers import StreamedResponse, SyncPage
from nexevo_ai._sync.client import Nexevo
from nexevo_ai._sync.streams import Stream
from nexevo_ai._version import __version__

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
    "AsyncStreamedResponse",
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
    "StreamedResponse",
    "SyncPage",
    "WaitTimeoutError",
    "WebhookVerificationError",
    "__version__",
]
