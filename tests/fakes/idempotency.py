"""Idempotency records in a process's own memory, for tests and for programs without a table.

No step waits between reading and writing, so each step is one conditional write.
"""

from __future__ import annotations

from gateway.ports.idempotency import IdempotencyRecord


class MemoryIdempotencyRecords:
    """`IdempotencyRecords` in a dictionary."""

    def __init__(self) -> None:
        self._records: dict[str, IdempotencyRecord] = {}

    async def claim(
        self, record: IdempotencyRecord, now_s: float, *, after: str | None = None
    ) -> IdempotencyRecord | None:
        stands = self._records.get(record.scope)
        if stands is not None and stands.expires_at_s > now_s:
            claimable = {record.attempt_id, after} if stands.answer is None else set()
            if stands.attempt_id not in claimable:
                return stands
        self._records[record.scope] = record
        return None

    async def finish(self, record: IdempotencyRecord) -> bool:
        stands = self._records.get(record.scope)
        if stands is None or stands.attempt_id != record.attempt_id:
            return False
        self._records[record.scope] = record
        return True

    async def free(self, record: IdempotencyRecord) -> None:
        stands = self._records.get(record.scope)
        if stands is not None and stands.attempt_id == record.attempt_id and stands.answer is None:
            del self._records[record.scope]
