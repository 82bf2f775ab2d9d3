"""The caller's end of a stream that a test reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass
class Received:
    """`Sink` that keeps what comes."""

    received: bytes = b""
    committed: bool = False

    def announce(self, headers: Mapping[str, str]) -> None:
        del headers

    async def write(self, data: bytes) -> None:
        self.received, self.committed = self.received + data, True
