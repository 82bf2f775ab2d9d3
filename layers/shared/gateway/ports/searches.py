"""Searches of the web."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

RESULTS_MAX = 10


class Found(Struct, frozen=True):
    """One page that a search found; `text` is the part of it that the search shows."""

    title: str
    url: str
    text: str


class Searches(Protocol):
    """A search API, under the operator's credential."""

    async def search(self, query: str, count: int) -> Sequence[Found]:
        """Pages for a query, best first; raises `UpstreamError`, or `NotConfigured` without a credential."""
