"""The audit log in the Ledger table, beside what it tells of.

| item | key | attributes |
|---|---|---|
| entry | `account_id`, `audit#<id>` | the fields of `AuditEntry`; those of its actor beside them |

`expires_at_s` is the table's TTL attribute. An entry is put where there is none, so it is never replaced.
`put` gives it as a part of a transaction, so that other stores write it with the act that it tells of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import convert
from msgspec.structs import asdict

from gateway.audit.entries import expires_at_s
from gateway.ledger.hold_ids import END_OF_IDS, id_floor
from gateway.ports.audit import Actor, AuditEntry, AuditPage
from gateway.stores.aws.attributes import from_item, to_attribute, to_item
from gateway.stores.aws.client import AwsApi, ConditionFailed, Item
from gateway.stores.aws.table import Table

AUDIT = "audit#"
SCHEMA_VERSION = 1
# A page of one action reads so many entries at once, and at most so often; it goes on from there.
SEARCHED_AT_ONCE, SEARCHES_MAX = 200, 5
OF_ACTION = "#action = :action OR begins_with(#action, :family)"


class DynamoAudit:
    """`AuditLog` in the Ledger table."""

    def __init__(self, aws: AwsApi, ledger_table: str) -> None:
        self._table = Table(aws, ledger_table)

    async def write(self, entry: AuditEntry) -> None:
        try:
            await self._table.call("PutItem", _new(entry))
        except ConditionFailed:
            # It stands already: a try whose answer was lost, or a repeat.
            return

    async def page(
        self, account_id: str, *, limit: int, cursor: str | None = None, since_s: int = 0, action: str | None = None
    ) -> AuditPage:
        if cursor is not None and cursor < id_floor(since_s):
            return AuditPage([], None)
        query = _query(account_id, cursor, since_s, action)
        # BETWEEN includes both ends, and the cursor is one of them.
        query["Limit"] = limit + 2 if action is None else SEARCHED_AT_ONCE
        found: list[AuditEntry] = []
        for _ in range(SEARCHES_MAX):
            answer = await self._table.call("Query", query)
            read = [_entry(item) for item in answer["Items"]]
            found += [entry for entry in read if entry.entry_id != cursor]
            if len(found) > limit:
                return AuditPage(found[:limit], found[limit - 1].entry_id)
            if "LastEvaluatedKey" not in answer:
                return AuditPage(found, None)
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return AuditPage(found, query["ExclusiveStartKey"]["sk"]["S"].removeprefix(AUDIT))


def put(ledger_table: str, entry: AuditEntry) -> Item:
    """The part of a transaction that writes an entry."""
    return {"Put": {"TableName": ledger_table, **_new(entry)}}


def _new(entry: AuditEntry) -> Item:
    fields = asdict(entry)
    actor, account_id, entry_id = fields.pop("actor"), fields.pop("account_id"), fields.pop("entry_id")
    key = {"account_id": account_id, "sk": AUDIT + entry_id}
    # A member that had no value, or has none now, says so.
    seen = {name: _map(fields.pop(name)) for name in ("before", "after")}
    told = {name: value for name, value in fields.items() if value != ""}
    lasts = {"expires_at_s": expires_at_s(entry), "schema_version": SCHEMA_VERSION}
    item = {**to_item({**key, **told, **asdict(actor), **lasts}), **seen}
    return {"Item": item, "ConditionExpression": "attribute_not_exists(sk)"}


def _map(values: Mapping[str, Any]) -> Item:
    """A map that keeps members without a value."""
    return {"M": {name: to_attribute(value) for name, value in values.items()}}


def _query(account_id: str, cursor: str | None, since_s: int, action: str | None) -> dict[str, Any]:
    values = {":account": account_id, ":first": AUDIT + id_floor(since_s), ":last": AUDIT + (cursor or END_OF_IDS)}
    query: dict[str, Any] = {
        "KeyConditionExpression": "account_id = :account AND sk BETWEEN :first AND :last",
        "ScanIndexForward": False,
        "ConsistentRead": True,
    }
    if action is not None:
        values |= {":action": action, ":family": action + "."}
        query |= {"FilterExpression": OF_ACTION, "ExpressionAttributeNames": {"#action": "action"}}
    return {**query, "ExpressionAttributeValues": to_item(values)}


def _entry(item: Item) -> AuditEntry:
    known = from_item(item)
    actor = {name: known.get(name) for name in Actor.__struct_fields__}
    return convert({**known, "actor": actor, "entry_id": known["sk"].removeprefix(AUDIT)}, AuditEntry)
