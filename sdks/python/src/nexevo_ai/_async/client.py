"""The async client."""

from __future__ import annotations

from typing import Any

from nexevo_ai._async.answers import AsyncStreamed
from nexevo_ai._async.transport import AsyncTransport
from nexevo_ai.aio.resources import AsyncResources


class AsyncNexevo(AsyncTransport, AsyncResources):
    """The async client: `AsyncNexevo()` takes its key from the environment's NEXEVO_API_KEY."""

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
        return AsyncStreamed(AsyncResources(self, form="streamed"))
