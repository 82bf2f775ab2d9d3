"""Records of idempotency keys and their stored answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct


class StoredAnswer(Struct, frozen=True):
    """An answer to return again; its body is the object of that name."""

    status: int
    headers: Mapping[str, str]
    object_name: str


class IdempotencyRecord(Struct, frozen=True):
    """The record of one idempotency key: a running attempt, or its result if `answer` is set.

    Only `attempt_id` may finish the attempt, which is dead after `lease_until_s`. Times are epoch seconds.
    """

    scope: str
    fingerprint: str
    attempt_id: str
    claimed_at_s: int
    lease_until_s: int
    expires_at_s: int
    answer: StoredAnswer | None = None


class IdempotencyRecords(Protocol):
    """One record per scope, deleted when it expires. Each method is one conditional write, safe to repeat.

    If the store cannot be reached, a method raises `ServiceUnavailable`, and the write may have happened or not.
    """

    async def claim(
        self, record: IdempotencyRecord, now_s: float, *, after: str | None = None
    ) -> IdempotencyRecord | None:
        """Writes the record if there is none, or only the unfinished attempt `after`; otherwise returns the existing
        record.
        """

    async def finish(self, record: IdempotencyRecord) -> bool:
        """Writes the attempt's answer; false if the record no longer belongs to the attempt."""

    async def free(self, record: IdempotencyRecord) -> None:
        """Deletes the attempt's record, if the attempt still owns it and is unfinished."""
