"""Keys in a process's own memory, found by their hash and managed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from msgspec.structs import replace

from gateway.accounts.lineage import bounding
from gateway.accounts.refusals import key_revoked, last_managing_key, maker_changed, no_key
from gateway.errors import Conflict
from gateway.ledger.hold_ids import END_OF_IDS
from gateway.ports.audit import AuditEntry
from gateway.ports.keys import KeyRecord
from gateway.ports.organizations import Member, OrganizationStore
from tests.fakes.audit import MemoryAudit


class MemoryKeyStore:
    """`Keys` and `KeyStore` in dictionaries."""

    def __init__(self) -> None:
        self._hashes: dict[tuple[str, str], str] = {}
        self._records: dict[str, KeyRecord] = {}
        self._noted: set[str] = set()
        self.organizations: OrganizationStore | None = None
        self.log = MemoryAudit()

    async def find(self, key_hash: str) -> KeyRecord | None:
        return self._records.get(key_hash)

    async def add(
        self,
        key_hash: str,
        record: KeyRecord,
        *,
        made_by: KeyRecord | None = None,
        while_member: Member | None = None,
        audit: AuditEntry | None = None,
    ) -> None:
        if while_member is not None and self.organizations is not None:
            found = await self.organizations.member(while_member.org_id, while_member.user_id)
            if found is None or found.version != while_member.version:
                raise maker_changed()
        if made_by is not None:
            maker = await self.get(made_by.account_id, made_by.key_id)
            stands = maker is not None and maker.can_manage_keys and not (maker.disabled or maker.revoked)
            if maker is None or not stands or bounding(maker) != bounding(made_by):
                raise maker_changed()
        place = (record.account_id, record.key_id)
        if key_hash in self._records or place in self._hashes:
            raise Conflict(f"The key '{record.key_id}' exists already.")
        self._hashes[place] = key_hash
        self._records[key_hash] = replace(
            record, has_provider_keys=record.has_provider_keys or record.account_id in self._noted
        )
        await self.log.put(audit)

    async def get(self, account_id: str, key_id: str) -> KeyRecord | None:
        return self._records.get(self._hashes.get((account_id, key_id), ""))

    async def page(self, account_id: str, *, limit: int, before: str | None = None) -> Sequence[KeyRecord]:
        own = [record for record in self._records.values() if record.account_id == account_id]
        older = [record for record in own if record.key_id < (before or END_OF_IDS)]
        return sorted(older, key=lambda record: record.key_id, reverse=True)[:limit]

    async def change(
        self,
        account_id: str,
        key_id: str,
        changes: Mapping[str, object],
        *,
        while_managed_by: str | None = None,
        audit: AuditEntry | None = None,
    ) -> KeyRecord:
        stands = await self.get(account_id, key_id)
        if stands is None:
            raise no_key(key_id)
        if stands.revoked:
            raise key_revoked()
        if while_managed_by is not None:
            witness = await self.get(account_id, while_managed_by)
            if witness is None or not witness.manages_lastingly:
                raise last_managing_key()
        changed = replace(stands, **cast("dict[str, Any]", dict(changes)))
        self._records[self._hashes[account_id, key_id]] = changed
        await self.log.put(audit)
        return changed

    async def note_provider_keys(self, account_id: str) -> None:
        self._noted.add(account_id)
        for key_hash, record in self._records.items():
            if record.account_id == account_id and not record.revoked:
                self._records[key_hash] = replace(record, has_provider_keys=True)
