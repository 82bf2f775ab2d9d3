"""Simulates DynamoDB on one machine: items, indexes, conditions, transactions, write costs, conflicts.

It implements the rules on which the money stores rely, each with its source, and refuses everything else. Time and
chance are parameters, so that a load of hours runs in seconds and the same every time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from gateway.stores.aws.client import AwsError, ConditionFailed, TransactionCanceled
from tests.money.simulation.expressions import Context, Invalid, Item, Value, condition
from tests.money.simulation.updates import updated

Key = tuple[str, ...]
Address = tuple[str, Key]
KB = 1024


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index that keeps keys only, of items that have both attributes (a sparse index)."""

    partition: str
    sort: str


@dataclass(slots=True)
class Table:
    """A table by its key's names, and its items by their keys."""

    key: tuple[str, ...]
    indexes: Mapping[str, Index] = field(default_factory=dict)
    items: dict[Key, Item] = field(default_factory=dict)

    def key_of(self, item: Mapping[str, Value]) -> Key:
        return tuple(item[name]["S"] for name in self.key)


def money_tables() -> dict[str, Table]:
    """Builds the template's tables that money uses."""
    return {
        "accounts": Table(("account_id",), {"ByActivity": Index("active_shard", "active_slot")}),
        "ledger": Table(("account_id", "sk"), {"ByDeadline": Index("sweep_shard", "sweep_at_s")}),
    }


def item_bytes(item: Mapping[str, Value]) -> int:
    """Computes the size that is billed.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    size = 0
    for name, value in item.items():
        size += text_bytes(name) + value_bytes(value)
    return size


@lru_cache(maxsize=10_000)
def text_bytes(text: str) -> int:
    # A load measures texts a million times, and most of them are names.
    return len(text.encode())


def value_bytes(value: Value) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return text_bytes(str(content))
        case "N":
            return number_bytes(content)
        case "M":
            return 3 + len(content) + item_bytes(content)
        case "BOOL" | "NULL":
            return 1
    raise Invalid(f"type {kind} is not simulated")


@lru_cache(maxsize=10_000)
def number_bytes(number: str) -> int:
    digits = len(number.lstrip("-").strip("0"))
    return (digits + 1) // 2 + 1 + int(number.startswith("-"))


def units(*sizes: int) -> int:
    """Computes the units of a write of an item with these sizes before and after: the larger counts, by started KB."""
    return max(1, -(-max(sizes) // KB))


@dataclass(frozen=True, slots=True)
class Change:
    """One write of one item, checked but not applied."""

    address: Address
    before: Item | None
    after: Item | None
    holds: bool
    wants_old: bool

    @property
    def old(self) -> Item | None:
        """Returns the answer of a failed condition, if it was requested."""
        return self.before if self.before is not None and self.wants_old else None


class SimulatedDynamoDb:
    """`AwsApi.call` for DynamoDB. Counts `write_units`, `read_units` and `calls`.

    `page` is the most items that a query answers, small in tests so that paging is used.
    """

    def __init__(self, tables: dict[str, Table] | None = None, page: int = 100) -> None:
        self.tables = money_tables() if tables is None else tables
        self.page = page
        self.write_units = 0
        self.read_units = 0.0
        self.calls: Counter[str] = Counter()
        self.largest_bytes: Counter[str] = Counter()
        self._sizes: dict[Address, tuple[Item, int]] = {}

    async def call(self, service: str, operation: str, payload: Mapping[str, Any]) -> Item:
        """Does at once what the operation says."""
        check_service(service)
        self.calls[operation] += 1
        return self.done(operation, payload)

    def done(self, operation: str, payload: Mapping[str, Any]) -> Item:
        """Returns the operation's answer. Raises an `AwsError` if it is refused, also for a validation error."""
        try:
            match operation:
                case "GetItem":
                    return self._get(payload)
                case "Query":
                    return self._query(payload)
                case "TransactWriteItems":
                    return self._transact(payload)
                case "PutItem" | "UpdateItem" | "DeleteItem":
                    return self._write(operation.removesuffix("Item"), payload)
        except (Invalid, KeyError) as error:
            raise AwsError("ValidationException", str(error)) from error
        raise AwsError("UnknownOperationException", operation)

    def addresses(self, operation: str, payload: Mapping[str, Any]) -> list[Address]:
        """Lists the items that the operation writes."""
        return [self._address(kind, part) for kind, part in _writes(operation, payload)]

    def _address(self, kind: str, part: Mapping[str, Any]) -> Address:
        key = part["Item"] if kind == "Put" else part["Key"]
        return part["TableName"], self.tables[part["TableName"]].key_of(key)

    def _get(self, payload: Mapping[str, Any]) -> Item:
        table = self.tables[payload["TableName"]]
        item = table.items.get(table.key_of(payload["Key"]))
        self._count_read([item] if item else [], consistent=payload.get("ConsistentRead", False))
        return {} if item is None else {"Item": item}

    def _count_read(self, items: list[Item], *, consistent: bool) -> None:
        four_kb = max(1, -(-sum(map(item_bytes, items)) // (4 * KB)))
        self.read_units += four_kb if consistent else four_kb / 2

    def _query(self, payload: Mapping[str, Any]) -> Item:
        table = self.tables[payload["TableName"]]
        index = table.indexes[payload["IndexName"]] if "IndexName" in payload else None
        if index is not None and payload.get("ConsistentRead"):
            raise Invalid("consistent reads are not supported on global secondary indexes")
        order = [*((index.partition, index.sort) if index else ()), *table.key]
        found = _matching(table, order, payload)
        found.sort(key=lambda item: _rank(item, order))
        backwards = not payload.get("ScanIndexForward", True)
        if backwards:
            found.reverse()
        start = payload.get("ExclusiveStartKey")
        if start is not None:
            # The item itself may be gone by now; the query continues after its place.
            place = _rank(start, order)
            found = [
                item for item in found if (_rank(item, order) < place) == backwards and _rank(item, order) != place
            ]
        return self._paged(found, payload, order, keys_only=index is not None)

    def _paged(self, found: list[Item], payload: Mapping[str, Any], order: list[str], *, keys_only: bool) -> Item:
        limit = min(payload.get("Limit", self.page), self.page)
        page, rest = found[:limit], found[limit:]
        self._count_read(page, consistent=payload.get("ConsistentRead", False))
        answer: dict[str, Any] = {"Items": [_only(item, order) for item in page] if keys_only else page}
        return answer | ({"LastEvaluatedKey": _only(page[-1], order)} if rest else {})

    def _judge(self, kind: str, part: Mapping[str, Any]) -> Change:
        address = self._address(kind, part)
        before = self.tables[address[0]].items.get(address[1])
        context = _context(before or {}, part)
        _check_placeholders(part)
        text = part.get("ConditionExpression")
        holds = text is None or condition(text)(context)
        old = part.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        if kind == "Put":
            after: Item | None = part["Item"]
        elif kind == "ConditionCheck":
            after = before
        elif kind == "Delete" or not holds:
            after = None
        else:
            table, key = self.tables[address[0]], part["Key"]
            after = updated(part["UpdateExpression"], _context(before or key, part))
            if table.key_of(after) != address[1]:
                raise Invalid("an update cannot change a key")
        return Change(address, before, after, holds, old)

    def _apply(self, change: Change, factor: int) -> None:
        self._count_write(change, factor)
        table = self.tables[change.address[0]]
        if change.after is None:
            table.items.pop(change.address[1], None)
        else:
            table.items[change.address[1]] = change.after
            size = self._bytes(change.address, change.after)
            self.largest_bytes[change.address[0]] = max(self.largest_bytes[change.address[0]], size)
        for index in table.indexes.values():
            self.write_units += _index_units(index, change)

    def _count_write(self, change: Change, factor: int) -> None:
        # The one before first: each write measures what it leaves, and the next one knows it.
        sizes = [self._bytes(change.address, item or {}) for item in (change.before, change.after)]
        self.write_units += factor * units(*sizes)

    def _bytes(self, address: Address, item: Item) -> int:
        """Computes the size of an item, which is never changed in place, once for all writes that meet it."""
        kept = self._sizes.get(address)
        if kept is None or kept[0] is not item:
            kept = self._sizes[address] = (item, item_bytes(item))
        return kept[1]

    def _write(self, kind: str, payload: Mapping[str, Any]) -> Item:
        change = self._judge(kind, payload)
        if not change.holds:
            # A failed condition costs as much as the write.
            self.write_units += units(item_bytes(change.before or {}))
            raise ConditionFailed("The conditional request failed", change.old)
        self._apply(change, 1)
        returned: dict[str, Any] = {"Attributes": change.after}
        return returned if payload.get("ReturnValues") == "ALL_NEW" else {}

    def _transact(self, payload: Mapping[str, Any]) -> Item:
        """Runs a transaction.

        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
        """
        writes = list(_writes("TransactWriteItems", payload))
        addresses = [self._address(kind, part) for kind, part in writes]
        if len(set(addresses)) < len(addresses):
            raise Invalid("Transaction request cannot include multiple operations on one item")
        changes = [self._judge(kind, part) for kind, part in writes]
        if not all(change.holds for change in changes):
            for change in changes:
                self._count_write(change, 2)
            reasons = [("None", None) if change.holds else ("ConditionalCheckFailed", change.old) for change in changes]
            raise TransactionCanceled("Transaction cancelled", reasons)
        for change in changes:
            self._apply(change, 2)
        return {}


def check_service(service: str) -> None:
    """Refuses every service except DynamoDB, since only DynamoDB is simulated."""
    if service != "dynamodb":
        raise AwsError("UnknownService", service)


def _matching(table: Table, order: list[str], payload: Mapping[str, Any]) -> list[Item]:
    """Lists the items of one partition that are in the index and meet the condition, which names the partition first.

    Most items are in other partitions, so those are left out before the condition is evaluated.
    """
    text, (partition, *others) = payload["KeyConditionExpression"], order
    name, sign, value = text.split(maxsplit=3)[:3]
    if payload.get("ExpressionAttributeNames", {}).get(name, name) != partition or sign != "=":
        raise Invalid(f"the condition does not begin with the partition: {text}")
    owner, wanted = payload["ExpressionAttributeValues"][value], condition(text)
    return [
        item
        for item in table.items.values()
        if item.get(partition) == owner and all(each in item for each in others) and wanted(_context(item, payload))
    ]


def _writes(operation: str, payload: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if operation == "TransactWriteItems":
        for part in payload["TransactItems"]:
            yield from part.items()
    elif operation in {"PutItem", "UpdateItem", "DeleteItem"}:
        yield operation.removesuffix("Item"), payload


def _context(item: Item, payload: Mapping[str, Any]) -> Context:
    names = payload.get("ExpressionAttributeNames", {})
    return Context(item, names, payload.get("ExpressionAttributeValues", {}))


def _check_placeholders(part: Mapping[str, Any]) -> None:
    """Refuses a request with unused names or values, as DynamoDB does."""
    given = (*part.get("ExpressionAttributeNames", ()), *part.get("ExpressionAttributeValues", ()))
    unused = _unused(part.get("ConditionExpression", ""), part.get("UpdateExpression", ""), given)
    if unused:
        raise Invalid(f"value provided but unused in expressions: {unused}")


@lru_cache(maxsize=1_000)
def _unused(condition_text: str, update_text: str, given: tuple[str, ...]) -> str:
    """Finds the first of the names that neither expression uses; empty where there is none. Expressions are few."""
    said = f"{condition_text} {update_text} "
    return next((each for each in given if not any(f"{each}{end}" in said for end in " ,.)")), "")


def _only(item: Item, names: list[str]) -> Item:
    return {name: item[name] for name in names}


def _rank(item: Mapping[str, Value], order: list[str]) -> list[Any]:
    return [_sortable(item[name]) for name in order]


def _sortable(value: Value) -> Any:
    return int(value["N"]) if "N" in value else value["S"]


def _index_units(index: Index, change: Change) -> int:
    """Counts the writes that follow in a sparse index: one for each entry that comes or goes.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
    """

    def entry(item: Item | None) -> tuple[Any, Any] | None:
        if item is None or index.partition not in item or index.sort not in item:
            return None
        return _sortable(item[index.partition]), _sortable(item[index.sort])

    before, after = entry(change.before), entry(change.after)
    return 0 if before == after else (before is not None) + (after is not None)
