"""Records of stored responses in a process's own memory, for tests and for programs without a table."""

from __future__ import annotations

from gateway.ports.responses import ResponseRecord


class MemoryResponseRecords:
    """`ResponseRecords` in a dictionary."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], ResponseRecord] = {}

    async def put(self, record: ResponseRecord) -> None:
        self._records[record.account_id, record.response_id] = record

    async def get(self, account_id: str, response_id: str, now_s: float) -> ResponseRecord | None:
        record = self._records.get((account_id, response_id))
        return None if record is None or record.expires_at_s <= now_s else record

    async def delete(self, record: ResponseRecord) -> None:
        self._records.pop((record.account_id, record.response_id), None)
