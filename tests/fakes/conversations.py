"""Records of conversations in a process's own memory, for tests."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.ports.conversations import Conversation


class MemoryConversationRecords:
    """`ConversationRecords` in a dictionary."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], Conversation] = {}

    async def put(self, record: Conversation, *, instead_of: Conversation | None) -> bool:
        key = (record.account_id, record.conversation_id)
        standing = self._records.get(key)
        before = None if instead_of is None else instead_of.revision
        if (None if standing is None else standing.revision) != before:
            return False
        self._records[key] = record
        return True

    async def get(self, account_id: str, conversation_id: str, now_s: float) -> Conversation | None:
        record = self._records.get((account_id, conversation_id))
        return None if record is None or record.expires_at_s <= now_s else record

    async def page(self, account_id: str, now_s: float, *, limit: int, before: str | None) -> Sequence[Conversation]:
        own = [
            record
            for record in self._records.values()
            if record.account_id == account_id
            and record.expires_at_s > now_s
            and (before is None or record.conversation_id < before)
        ]
        return sorted(own, key=lambda record: record.conversation_id, reverse=True)[:limit]

    async def delete(self, record: Conversation) -> bool:
        key = (record.account_id, record.conversation_id)
        standing = self._records.get(key)
        if standing is not None and standing.revision != record.revision:
            return False
        self._records.pop(key, None)
        return True
