"""The cache of answers: what stands under a request's name, and the claim of the one who is producing it."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class AnswerName(Struct, frozen=True):
    """The name of an answer in its account. `digest` is a secret: the store keeps a hash of it, and seals with it."""

    account_id: str
    digest: str


class CachedAnswer(Struct, frozen=True):
    """A complete answer, as bytes. Times are epoch seconds."""

    content: bytes
    kept_at_s: float
    expires_at_s: int


class Running(Struct, frozen=True):
    """An answer that a request is producing; it is dead after `lease_until_s`.

    `is_alone` is true once that request has come to an answer which may not be kept: equal ones go on by themselves.
    """

    attempt_id: str
    lease_until_s: float
    is_alone: bool = False


class CacheCounts(Struct, frozen=True):
    """The counts of one day. `saved_nanousd` is what hits would have cost beyond what they did."""

    hits: int = 0
    misses: int = 0
    saved_nanousd: int = 0
    saved_input_tokens: int = 0
    saved_output_tokens: int = 0

    def __add__(self, other: CacheCounts) -> CacheCounts:
        """The sum of two counts."""
        names = self.__struct_fields__
        return CacheCounts(**{name: getattr(self, name) + getattr(other, name) for name in names})


class CachedAnswers(Protocol):
    """Answers by name. A method raises `ServiceUnavailable` where the store cannot be reached."""

    async def find(self, name: AnswerName, now_s: float, *, sure: bool = False) -> CachedAnswer | Running | None:
        """Reads what stands under the name; it sees every write before it only if `sure`."""

    async def claim(self, name: AnswerName, claim: Running, now_s: float) -> CachedAnswer | Running | None:
        """Claims a name that is free, or whose claim is dead; returns what stands there instead."""

    async def prolong(self, name: AnswerName, claim: Running) -> bool:
        """Moves the end of the claim's lease; false where the claim is gone."""

    async def keep(self, name: AnswerName, answer: CachedAnswer, *, claimed_by: str = "") -> bool:
        """Keeps the answer. With `claimed_by`, only while that attempt's claim stands."""

    async def free(self, name: AnswerName, attempt_id: str, *, alone_until_s: float | None = None) -> None:
        """Ends an attempt's claim; until `alone_until_s`, those who wait are told to go on by themselves."""

    async def count(self, account_id: str, day: str, counts: CacheCounts) -> None:
        """Adds to the counts of a day (20261130)."""

    async def counted(self, account_id: str, first_day: str) -> dict[str, CacheCounts]:
        """The counts by day, from the first day on."""

    async def forget(self, account_id: str, most: int) -> tuple[int, bool]:
        """Deletes at most so many answers of the account; how many, and whether there are more."""
