"""A place in which code that a stranger wrote runs, and can reach nothing."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

CODE_CHARACTERS_MAX = 50_000


class Outcome(Struct, frozen=True):
    """Output of a program, cut to a bound; `error` says why it did not come to its end."""

    output: str
    error: str | None = None


class Sandbox(Protocol):
    """Runs Python without files, network, processes, or anything of another call."""

    async def run(self, code: str) -> Outcome:
        """Runs a program of at most `CODE_CHARACTERS_MAX`; raises `ServiceUnavailable` if it cannot be."""
