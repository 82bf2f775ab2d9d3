"""Python SDK of the Nexevo AI gateway."""

from typing import Any

from nexevo_ai._answers import (
    AsyncPage,
    AsyncStreamedResponse,
    BinaryResponse,
    RawResponse,
    Streamed,
    StreamedResponse,
    SyncPage,
)
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

    _form = ""

    @property
    def _client(self) -> Any:  # type: ignore[override]  # it is its own
        return self

    @property
    def with_raw_response(self) -> Any:
        """All methods, which answer with a `RawResponse`."""
        return Resources(self, form="raw")

    @property
    def with_streaming_response(self) -> Any:
        """All methods, to be used by `with`: an answer whose body is read as it comes."""
        return Streamed(Resources(self, form="streamed"))


class AsyncNexevo(AsyncTransport, AsyncResources):
    """The async client."""

    _form = ""

    @property
    def _client(self) -> Any:  # type: ignore[override]  # it is its own
        return self

    @property
    def with_raw_response(self) -> Any:
        """All methods, which answer with a `RawResponse`."""
        return AsyncResources(self, form="raw")

    @property
    def with_streaming_response(self) -> Any:
        """All methods, to be used by `async with`: an answer whose body is read as it comes."""
        return Streamed(AsyncResources(self, form="streamed"))


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
