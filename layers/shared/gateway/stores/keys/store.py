"""Manages an account's keys: the key itself in the Keys table, its place in the account's list in the Ledger table.

| item | table, key | attributes |
|---|---|---|
| key | Keys, `key_hash` | its settings, as `gateway.stores.keys.lookup` reads them |
| listing | Ledger, `account_id`, `key#<key id>` | `key_hash` |
| note | Ledger, `account_id`, `provider-keys` | stands once the account has brought a key of a provider |

An index over the Keys table would list them too, but late: the very next call must find a new key. Both items are
written in one transaction, and a key of another account cannot be addressed at all.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from gateway.accounts.lineage import bounding
from gateway.accounts.refusals import key_revoked, last_managing_key, maker_changed, no_key
from gateway.errors import Conflict, ServiceUnavailable
from gateway.ledger.hold_ids import END_OF_IDS
from gateway.ports.keys import KeyRecord
from gateway.stores.aws.attributes import from_item, to_item
from gateway.stores.aws.client import STORE_DOWN, TransactionCanceled
from gateway.stores.aws.table import CONDITION_FAILED, told
from gateway.stores.keys.lookup import record
from gateway.stores.money.tables import MoneyTables

if TYPE_CHECKING:
    # Changes, and keys of organizations, alone need them.
    from gateway.ports.audit import AuditEntry
    from gateway.ports.organizations import Member

Item = dict[str, Any]

LISTING = "key#"
NOTE = "provider-keys"
SCHEMA_VERSION = 1
# Attribute names that differ from the field names of `KeyRecord`. `expires_at_s` would be the table's TTL.
ATTRIBUTES = {
    "expires_at_s": "key_expires_at",
    "monthly_spend_cap_nanousd": "monthly_spend_cap_nano",
    "seat_cap_nanousd": "seat_cap_nano",
}
STANDS = "attribute_exists(key_hash) AND (attribute_not_exists(revoked) OR revoked = :false)"
IN_FORCE = (
    "can_manage_keys = :true"
    " AND (attribute_not_exists(revoked) OR revoked = :false)"
    " AND (attribute_not_exists(disabled) OR disabled = :false)"
)
MANAGES = f"{IN_FORCE} AND attribute_not_exists(key_expires_at)"
# BatchGetItem's limit of keys; it may leave some unread, which are requested again.
BATCH, BATCHES_MAX = 100, 8


class DynamoKeyStore:
    """`KeyStore` in two tables."""

    def __init__(self, tables: MoneyTables, keys_table: str, people_table: str = "") -> None:
        self._people = people_table
        self._tables = tables
        self._keys = keys_table

    async def add(
        self,
        key_hash: str,
        record: KeyRecord,
        *,
        made_by: KeyRecord | None = None,
        while_member: Member | None = None,
        audit: AuditEntry | None = None,
    ) -> None:
        listing = {"account_id": record.account_id, "sk": LISTING + record.key_id, "key_hash": key_hash}
        key = {"key_hash": key_hash, "schema_version": SCHEMA_VERSION, **attributes(asdict(record))}
        unnoted = []
        if await self._tables.get(self._tables.ledger, _note(record.account_id)) is not None:
            key["has_provider_keys"] = True
        else:
            unnoted = [{"ConditionCheck": self._tables.absent(_note(record.account_id))}]
        maker = [] if made_by is None else [await self._standing(made_by)]
        maker += [] if while_member is None else [self._membership(while_member)]
        try:
            await self._transact(
                _put(self._keys, key, "attribute_not_exists(key_hash)"),
                _put(self._tables.ledger, listing, "attribute_not_exists(sk)"),
                *maker,
                *unnoted,
                *told(self._tables.ledger, audit),
            )
        except TransactionCanceled as canceled:
            if any(code == CONDITION_FAILED for code, _ in canceled.reasons[2:]):
                raise maker_changed() from canceled
            raise Conflict(f"The key '{record.key_id}' exists already.") from canceled

    async def get(self, account_id: str, key_id: str) -> KeyRecord | None:
        key_hash = await self._hash_of(account_id, key_id)
        item = None if key_hash is None else await self._tables.get(self._keys, {"key_hash": {"S": key_hash}})
        return None if item is None else record(from_item(item))

    async def page(self, account_id: str, *, limit: int, before: str | None = None) -> Sequence[KeyRecord]:
        query = {
            "TableName": self._tables.ledger,
            "KeyConditionExpression": "account_id = :account AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":account": {"S": account_id},
                ":first": {"S": LISTING},
                ":last": {"S": LISTING + (before or END_OF_IDS)},
            },
            "ScanIndexForward": False,
            "ConsistentRead": True,
            # BETWEEN includes both ends, and `before` is one of them.
            "Limit": limit + 1,
        }
        answer = await self._tables.call("Query", query)
        hashes = [item["key_hash"]["S"] for item in answer["Items"] if item["sk"]["S"] != LISTING + (before or "")]
        found = await self._read(hashes[:limit])
        return sorted(found, key=lambda key: key.key_id, reverse=True)

    async def change(
        self,
        account_id: str,
        key_id: str,
        changes: Mapping[str, object],
        *,
        while_managed_by: str | None = None,
        audit: AuditEntry | None = None,
    ) -> KeyRecord:
        key_hash = await self._hash_of(account_id, key_id)
        if key_hash is None:
            raise no_key(key_id)
        witness = [] if while_managed_by is None else [await self._managing(account_id, while_managed_by)]
        try:
            await self._transact(
                _update(self._keys, key_hash, attributes(changes)), *witness, *told(self._tables.ledger, audit)
            )
        except TransactionCanceled as canceled:
            raise _contradiction(canceled) from canceled
        changed = await self.get(account_id, key_id)
        if changed is None:
            raise ServiceUnavailable(STORE_DOWN)
        return changed

    async def note_provider_keys(self, account_id: str) -> None:
        # The note comes first: a key that is added meanwhile has read it, or is not added.
        await self._tables.call("PutItem", {"TableName": self._tables.ledger, "Item": _note(account_id)})
        before: str | None = None
        while page := await self.page(account_id, limit=BATCH, before=before):
            unnoted = (key for key in page if not key.has_provider_keys and not key.revoked)
            await asyncio.gather(*(self._note_with(key) for key in unnoted))
            before = page[-1].key_id

    async def _note_with(self, key: KeyRecord) -> None:
        try:
            await self.change(key.account_id, key.key_id, {"has_provider_keys": True})
        except Conflict as conflict:
            if conflict.code != "key_revoked":
                raise

    async def _hash_of(self, account_id: str, key_id: str) -> str | None:
        place = {"account_id": {"S": account_id}, "sk": {"S": LISTING + key_id}}
        listing = await self._tables.get(self._tables.ledger, place)
        return None if listing is None else str(listing["key_hash"]["S"])

    async def _managing(self, account_id: str, key_id: str) -> Item:
        """The condition that a key manages keys at the moment of another write."""
        key_hash = await self._hash_of(account_id, key_id)
        if key_hash is None:
            raise last_managing_key()
        return {
            "ConditionCheck": {
                "TableName": self._keys,
                "Key": {"key_hash": {"S": key_hash}},
                "ConditionExpression": MANAGES,
                "ExpressionAttributeValues": {":true": {"BOOL": True}, ":false": {"BOOL": False}},
            }
        }

    async def _standing(self, key: KeyRecord) -> Item:
        """The condition that a key manages keys, within the same bounds, at the moment of another write."""
        key_hash = await self._hash_of(key.account_id, key.key_id)
        if key_hash is None:
            raise maker_changed()
        bounds = attributes(bounding(key))
        placeholders = {name: f"#n{number}" for number, name in enumerate(bounds)}
        kept = {name: value for name, value in to_item(bounds).items() if bounds[name] != ()}
        same = [
            f"{placeholders[name]} = :{name}" if name in kept else _unset(placeholders[name], bounds[name])
            for name in bounds
        ]
        lists: Item = {":empty": {"L": []}} if () in bounds.values() else {}
        return {
            "ConditionCheck": {
                "TableName": self._keys,
                "Key": {"key_hash": {"S": key_hash}},
                "ConditionExpression": " AND ".join((IN_FORCE, *same)),
                "ExpressionAttributeNames": {placeholder: name for name, placeholder in placeholders.items()},
                "ExpressionAttributeValues": {
                    ":true": {"BOOL": True},
                    ":false": {"BOOL": False},
                    **lists,
                    **{f":{name}": value for name, value in kept.items()},
                },
            }
        }

    def _membership(self, member: Member) -> Item:
        """The condition that a member is what it was, at the moment of another write."""
        from gateway.stores.organizations import at_version, member_key  # noqa: PLC0415  # no cold start pays for it

        key = member_key(member.org_id, member.user_id)
        return {"ConditionCheck": {"TableName": self._people, "Key": key, **at_version(member.version)}}

    async def _read(self, hashes: Sequence[str]) -> list[KeyRecord]:
        """Reads keys in batches:
        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html.
        """
        found: list[KeyRecord] = []
        wanted = [{"key_hash": {"S": key_hash}} for key_hash in hashes]
        for _ in range(BATCHES_MAX):
            if not wanted:
                return found
            request = {self._keys: {"Keys": wanted[:BATCH], "ConsistentRead": True}}
            answer = await self._tables.call("BatchGetItem", {"RequestItems": request})
            found += [record(from_item(item)) for item in answer["Responses"].get(self._keys, [])]
            unread = answer.get("UnprocessedKeys", {}).get(self._keys, {}).get("Keys", [])
            wanted = unread + wanted[BATCH:]
        raise ServiceUnavailable(STORE_DOWN)

    async def _transact(self, *parts: Item) -> None:
        """Writes a transaction; its token makes a repeat within ten minutes succeed without effect.

        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
        """
        token = secrets.token_hex(16)
        await self._tables.call("TransactWriteItems", {"TransactItems": parts, "ClientRequestToken": token})


def attributes(fields: Mapping[str, object]) -> dict[str, object]:
    """A key's fields by the names of their attributes."""
    return {ATTRIBUTES.get(name, name): value for name, value in fields.items()}


def _unset(name: str, value: object) -> str:
    """The condition that an attribute has no value: an absent list is an empty one."""
    return f"attribute_not_exists({name})" if value is None else f"(attribute_not_exists({name}) OR {name} = :empty)"


def _note(account_id: str) -> Item:
    """The key of the note, which is also all of it."""
    return {"account_id": {"S": account_id}, "sk": {"S": NOTE}}


def _put(table: str, values: Mapping[str, object], condition: str) -> Item:
    return {"Put": {"TableName": table, "Item": to_item(values), "ConditionExpression": condition}}


def _update(table: str, key_hash: str, values: Mapping[str, object]) -> Item:
    """An update that sets given values and removes those that are `None`. Names are placeholders:
    `name` is reserved.
    """
    placeholders = {name: f"#n{number}" for number, name in enumerate(values)}
    kept = to_item(values)
    sets = ", ".join(f"{placeholders[name]} = :{name}" for name in kept)
    removes = ", ".join(placeholders[name] for name in values if name not in kept)
    clauses = [f"SET {sets}" if sets else "", f"REMOVE {removes}" if removes else ""]
    return {
        "Update": {
            "TableName": table,
            "Key": {"key_hash": {"S": key_hash}},
            "ConditionExpression": STANDS,
            "UpdateExpression": " ".join(filter(None, clauses)),
            "ExpressionAttributeNames": {placeholder: name for name, placeholder in placeholders.items()},
            "ExpressionAttributeValues": {
                ":false": {"BOOL": False},
                **{f":{name}": value for name, value in kept.items()},
            },
        }
    }


def _contradiction(canceled: TransactionCanceled) -> Conflict:
    (code, _), *_ = canceled.reasons
    if code == CONDITION_FAILED:
        return key_revoked()
    return last_managing_key()
