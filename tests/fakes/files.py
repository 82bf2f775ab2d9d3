"""Records of uploaded files in a process's own memory, for tests and for programs without a table."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.ports.files import FileRecord


class MemoryFileRecords:
    """`FileRecords` in a dictionary."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], FileRecord] = {}

    async def put(self, record: FileRecord) -> None:
        self._records[record.account_id, record.file_id] = record

    async def get(self, account_id: str, file_id: str, now_s: float) -> FileRecord | None:
        record = self._records.get((account_id, file_id))
        return None if record is None or record.expires_at_s <= now_s else record

    async def page(
        self, account_id: str, now_s: float, *, limit: int, after: str | None, oldest_first: bool, purpose: str | None
    ) -> Sequence[FileRecord]:
        def follows(record: FileRecord) -> bool:
            is_later = after is None or (record.file_id > after if oldest_first else record.file_id < after)
            return is_later and record.expires_at_s > now_s and purpose in (None, record.purpose)

        own = [record for record in self._records.values() if record.account_id == account_id]
        return sorted(filter(follows, own), key=lambda record: record.file_id, reverse=not oldest_first)[:limit]

    async def delete(self, account_id: str, file_id: str) -> None:
        self._records.pop((account_id, file_id), None)
