"""`AuditLog` in memory."""

from __future__ import annotations

from gateway.ledger.hold_ids import id_floor
from gateway.ports.audit import AuditEntry, AuditPage
from gateway.stores import audit


class MemoryAudit:
    """`AuditLog` in a dictionary."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], AuditEntry] = {}

    async def write(self, entry: AuditEntry) -> None:
        """Refuses, as the real log does, a value that DynamoDB has no exact form for."""
        audit.put("ledger", entry)
        self.entries.setdefault((entry.account_id, entry.entry_id), entry)

    async def put(self, entry: AuditEntry | None) -> None:
        """Writes what another store was given with an act, if it was."""
        if entry is not None:
            await self.write(entry)

    async def page(
        self, account_id: str, *, limit: int, cursor: str | None = None, since_s: int = 0, action: str | None = None
    ) -> AuditPage:
        found = [
            one
            for one in reversed(self.of(account_id))
            if one.entry_id >= id_floor(since_s)
            and (cursor is None or one.entry_id < cursor)
            and (action is None or one.action == action or one.action.startswith(action + "."))
        ]
        return AuditPage(found[:limit], found[limit - 1].entry_id if len(found) > limit else None)

    def of(self, account_id: str) -> list[AuditEntry]:
        """The entries of an account, oldest first."""
        return [entry for (owner, _), entry in sorted(self.entries.items()) if owner == account_id]
