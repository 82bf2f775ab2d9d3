"""The destination of a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class CallerLeft(Exception):
    """Reports that the caller takes no more of the stream: its connection is gone."""


class Sink(Protocol):
    """Destination of a stream. Before its first byte, a failure can still be an HTTP status."""

    @property
    def committed(self) -> bool:
        """True once bytes have left, so that the status is fixed."""

    def announce(self, headers: Mapping[str, str]) -> None:
        """Adds headers to send with the status, if it is not committed yet."""

    async def write(self, data: bytes) -> None:
        """Writes whole events; the first write commits the status. Raises `CallerLeft`."""
