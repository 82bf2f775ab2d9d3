"""The sync client.

Written by `sdks/python/generate.py` from `_async/client.py`.
"""

from __future__ import annotations

from typing import Any

from nexevo_ai._sync.answers import Streamed
from nexevo_ai._sync.transport import SyncTransport
from nexevo_ai.sync.resources import Resources


class Nexevo(SyncTransport, Resources):
    """The sync client: `Nexevo()` takes its key from the environment's NEXEVO_API_KEY."""

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
