"""Questions that were answered: where a new one finds those that are near it, and the answers under their names."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class Partition(Struct, frozen=True):
    """The questions that may be compared: all else of their requests is equal. `digest` is a secret, as names are."""

    account_id: str
    digest: str


class Question(Struct, frozen=True):
    """An answered question: its text, its packed vector, and the name of its answer. Times are epoch seconds."""

    text: str
    vector: bytes
    answer: str
    expires_at_s: int


class Checks(Struct, frozen=True):
    """A key's hits by meaning that were asked again upstream: how many, and how many of their answers disagreed.

    `stopped_at_s` is when they had disagreed too often, from which on the key has no such hits.
    """

    checked: int = 0
    disagreed: int = 0
    stopped_at_s: int | None = None


class CachedQuestions(Protocol):
    """Questions by partition. A method raises `ServiceUnavailable` where the store cannot be reached."""

    async def nearest(
        self, partition: Partition, vector: bytes, now_s: float, most: int
    ) -> list[tuple[float, Question]]:
        """Returns the questions that are nearest to the vector, with their similarity, the nearest first."""

    async def add(self, partition: Partition, question: Question) -> None:
        """Keeps a question until it expires."""

    async def note(self, account_id: str, key_id: str, *, agreed: bool) -> Checks:
        """Counts a check of the key; returns its counts."""

    async def stop(self, account_id: str, key_id: str, now_s: float) -> None:
        """Ends the key's hits by meaning."""

    async def checks(self, account_id: str) -> dict[str, Checks]:
        """Returns the checks of the account's keys, by key id."""
