"""Calls on the Accounts and Ledger tables, repeated with jitter after failures without effect or with unknown effect.

Every write here is conditional on the state it changes, so that a repeat of an applied write changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any, Protocol

from gateway.errors import NotFound, ServiceUnavailable
from gateway.stores.aws.client import (
    STORE_DOWN,
    AwsError,
    ConditionFailed,
    Contended,
    Throttled,
    TransactionCanceled,
    Unanswered,
    repeated,
)
from gateway.stores.aws.table import HELD_BACK, every_item
from gateway.stores.money import expressions
from gateway.stores.money.items import ENTRY, Item, account_key, ledger_key, read_account, text
from gateway.stores.money.state import Account

# With full jitter from 30 ms, doubling to 500 ms: contention has 2 s on average to pass (the ADR has the figures).
TRIES, BASE_S = 12, 0.015
# A plan fails if another write came first; each failure shows the current state.
PLANS = 12
BUSY = "The account's ledger is busy; please try again."

log = logging.getLogger(__name__)


class DynamoDb(Protocol):
    """The AWS interface that money needs: `gateway.stores.aws.client.AwsApi`, or a simulation of DynamoDB's rules."""

    async def call(self, service: str, operation: str, payload: Mapping[str, Any]) -> Item:
        """Makes one attempt; raises the `AwsError` that tells what is known about its effect."""


class MoneyTables:
    """Calls on the two tables. Raises `ServiceUnavailable` if they are unreachable or too busy for too long."""

    def __init__(self, api: DynamoDb, accounts_table: str, ledger_table: str) -> None:
        self._api = api
        self.accounts = accounts_table
        self.ledger = ledger_table

    async def call(self, operation: str, payload: Mapping[str, Any]) -> Item:
        """Calls one operation; the caller reads `ConditionFailed` and `TransactionCanceled`.

        Every other error (an expired token, a table that is being restored) means that the store cannot be used now.
        """
        try:
            return await repeated(
                partial(self._attempt, operation, payload), tries=TRIES, base_s=BASE_S, ambiguous=True
            )
        except (ConditionFailed, TransactionCanceled):
            raise
        except (Contended, Throttled, Unanswered) as error:
            raise ServiceUnavailable(BUSY) from error
        except AwsError as error:
            log.exception("%s failed on the account's ledger", operation)
            raise ServiceUnavailable(STORE_DOWN) from error

    async def transact(self, *parts: Item) -> None:
        """Writes all parts or none; each part that fails its condition returns the item on which it failed."""
        await self.call("TransactWriteItems", {"TransactItems": parts})

    async def update_account(
        self,
        account_id: str,
        rules: tuple[expressions.Rule, ...],
        values: Mapping[str, Item],
        names: Mapping[str, str],
    ) -> Account:
        """Updates the account by these rules and returns it."""
        update = self.account_update(account_id, rules, values, names)
        answer = await self.call("UpdateItem", {**update, "ReturnValues": "ALL_NEW"})
        return read_account(answer["Attributes"])

    def account_update(
        self,
        account_id: str,
        rules: tuple[expressions.Rule, ...],
        values: Mapping[str, Item],
        names: Mapping[str, str],
    ) -> Item:
        """An update of the account's item, for a call of its own or as part of a transaction."""
        return expressions.write(self.accounts, account_key(account_id), rules, values, names)

    def put_new(self, item: Item) -> Item:
        """A put of a new item into the ledger, which fails if the item exists."""
        return {
            "TableName": self.ledger,
            "Item": item,
            "ConditionExpression": "attribute_not_exists(sk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def absent(self, key: Item) -> Item:
        """A check that the ledger has no such item, as part of a transaction."""
        return {"TableName": self.ledger, "Key": key, "ConditionExpression": "attribute_not_exists(sk)"}

    async def account(self, account_id: str) -> Account | None:
        """The account as currently stored."""
        item = await self.get(self.accounts, account_key(account_id))
        return None if item is None else read_account(item)

    async def has_ended(self, account_id: str, hold_id: str) -> bool:
        """True if the hold has the entry of an end."""
        return await self.get(self.ledger, ledger_key(account_id, ENTRY, hold_id)) is not None

    async def get(self, table: str, key: Item) -> Item | None:
        """The item as currently stored, or `None`."""
        answer = await self.call("GetItem", {"TableName": table, "Key": key, "ConsistentRead": True})
        return answer.get("Item")

    def query(self, payload: Mapping[str, Any]) -> AsyncIterator[Item]:
        """Yields all items of a query, page after page."""
        return every_item(self.call, "Query", payload)

    async def items(self, account_id: str, kind: str) -> list[Item]:
        """All items of one kind in an account's ledger, as currently stored."""
        query = {
            "TableName": self.ledger,
            "KeyConditionExpression": "account_id = :account AND begins_with(sk, :kind)",
            "ExpressionAttributeValues": {":account": text(account_id), ":kind": text(kind)},
            "ConsistentRead": True,
        }
        return [item async for item in self.query(query)]

    async def _attempt(self, operation: str, payload: Mapping[str, Any]) -> Item:
        try:
            return await self._api.call("dynamodb", operation, payload)
        except TransactionCanceled as canceled:
            if HELD_BACK.isdisjoint(code for code, _ in canceled.reasons):
                raise
            raise Contended("TransactionConflict", "another write was under way") from canceled


def no_account(account_id: str) -> NotFound:
    """The error for an account that does not exist."""
    return NotFound(f"There is no account '{account_id}'.")
