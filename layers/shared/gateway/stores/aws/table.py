"""Calls one DynamoDB table: repeats what failed in passing, and says so where the table cannot be reached.

A write that is repeated since it had no answer may find that it was applied. It knows its item by `write_id`, which is
drawn for each write: by its content it would take another writer's for its own, since two that change one version in
the same way write the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from os import urandom
from typing import TYPE_CHECKING, Any

from gateway.errors import ServiceUnavailable
from gateway.stores.aws.client import (
    STORE_DOWN,
    AwsApi,
    AwsError,
    ConditionFailed,
    Contended,
    Item,
    TransactionCanceled,
    repeated,
)

if TYPE_CHECKING:
    from gateway.ports.audit import AuditEntry

TRIES = 5
CONDITION_FAILED = "ConditionalCheckFailed"
HELD_BACK = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
WRITE_ID = "write_id"


def marked(item: Item) -> Item:
    """The item with the mark of one write."""
    return {**item, WRITE_ID: {"S": urandom(8).hex()}}


def is_own(found: Item | None, written: Item) -> bool:
    """True where a stored item is what this very write has made it."""
    return found is not None and found.get(WRITE_ID) == written[WRITE_ID]


def told(ledger_table: str, audit: AuditEntry | None) -> list[Item]:
    """The part of a transaction that writes an entry of the audit log, where there is one."""
    if audit is None:
        return []
    from gateway.stores.audit import put  # noqa: PLC0415  # what is only read does without

    return [put(ledger_table, audit)]


async def every_item(
    call: Callable[[str, Mapping[str, Any]], Awaitable[Item]],
    operation: str,
    payload: Mapping[str, Any],
    most: int | None = None,
) -> AsyncIterator[Item]:
    """Yields the items of a query or scan, page after page, and asks for no page after `most` items."""
    page, count = payload, 0
    while True:
        answer = await call(operation, page)
        for item in answer["Items"]:
            yield item
            count += 1
            if count == most:
                return
        if "LastEvaluatedKey" not in answer:
            return
        page = {**payload, "ExclusiveStartKey": answer["LastEvaluatedKey"]}


class Table:
    """One table by its name. A write that is repeated may have been applied: its caller's condition has to know it."""

    def __init__(self, aws: AwsApi, name: str) -> None:
        self._aws = aws
        self._name = name

    async def call(self, operation: str, payload: Mapping[str, Any]) -> Item:
        """Raises `ConditionFailed` where the write's condition did not hold, `ServiceUnavailable` for an outage."""
        attempt = partial(self._aws.call, "dynamodb", operation, {"TableName": self._name, **payload})
        try:
            return await repeated(attempt, tries=TRIES, ambiguous=True)
        except ConditionFailed:
            raise
        except AwsError as error:
            raise ServiceUnavailable(STORE_DOWN) from error

    def every(self, operation: str, payload: Mapping[str, Any], most: int | None = None) -> AsyncIterator[Item]:
        """Yields the items of a query or scan of the table, page after page, and no more than `most`."""
        return every_item(self.call, operation, payload, most)

    async def put(self, item: Item, condition: Mapping[str, Any]) -> bool:
        """Puts an item under a condition, once; false where the condition does not hold."""
        written = marked(item)
        returned = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        try:
            await self.call("PutItem", {"Item": written, **condition, **returned})
        except ConditionFailed as failed:
            return is_own(failed.item, written)
        return True

    async def transacted(self, parts: Sequence[Item]) -> bool:
        """Writes all parts, of any table; false where a condition of one does not hold.

        A repeat after no answer changes nothing, since it carries the same token.
        """
        payload = {"TransactItems": parts, "ClientRequestToken": urandom(16).hex()}
        try:
            await repeated(lambda: self._transact(payload), tries=TRIES + 1, ambiguous=True)
        except TransactionCanceled:
            return False
        except AwsError as error:
            raise ServiceUnavailable(STORE_DOWN) from error
        return True

    async def _transact(self, payload: Mapping[str, Any]) -> Item:
        try:
            return await self._aws.call("dynamodb", "TransactWriteItems", payload)
        except TransactionCanceled as canceled:
            codes = {code for code, _ in canceled.reasons}
            if CONDITION_FAILED in codes or HELD_BACK.isdisjoint(codes):
                raise
            raise Contended("TransactionConflict", "another write was under way") from canceled
