"""The Accounts and Ledger tables, as the money stores call them: repeated with jitter while nothing was done
or known.

Every write here is conditional on what it changes, so that a repeat of one that had happened changes nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any, Protocol

from gateway.errors import NotFound, ServiceUnavailable
from gateway.stores import money_phrases as phrases
from gateway.stores.aws import Contended, Throttled, TransactionCanceled, Unanswered, repeated
from gateway.stores.money_items import Item, account_key, read_account
from gateway.stores.money_state import Account

# With full jitter from 30 ms, doubling to 500 ms: contention has 2 s on average to pass (the ADR has the figures).
TRIES, BASE_S = 12, 0.015
BUSY = "The account's ledger is busy; please try again."
CONDITION_FAILED = "ConditionalCheckFailed"
HELD_BACK = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


class DynamoDb(Protocol):
    """What money needs of AWS: `gateway.stores.aws.AwsApi`, or a simulation of DynamoDB's rules."""

    async def call(self, service: str, operation: str, payload: Mapping[str, Any]) -> Item:
        """One attempt; raises the `AwsError` that says what is known about its effect."""


class MoneyTables:
    """Calls on the two tables. Raises `ServiceUnavailable` where they are out of reach or too busy for too
    long.
    """

    def __init__(self, api: DynamoDb, accounts_table: str, ledger_table: str) -> None:
        self._api = api
        self.accounts = accounts_table
        self.ledger = ledger_table

    async def call(self, operation: str, payload: Mapping[str, Any]) -> Item:
        """The operation's answer; `ConditionFailed` and `TransactionCanceled` are the caller's to read."""
        try:
            return await repeated(
                partial(self._attempt, operation, payload), tries=TRIES, base_s=BASE_S, ambiguous=True
            )
        except (Contended, Throttled, Unanswered) as error:
            raise ServiceUnavailable(BUSY) from error

    async def transact(self, *parts: Item) -> None:
        """All parts or none; each part that fails its condition answers the item it failed on."""
        await self.call("TransactWriteItems", {"TransactItems": parts})

    async def update_account(
        self,
        account_id: str,
        said: tuple[phrases.Phrase, ...],
        values: Mapping[str, Item],
        names: Mapping[str, str],
    ) -> Account:
        """The account after one update by these phrases."""
        update = self.account_update(account_id, said, values, names)
        answer = await self.call("UpdateItem", {**update, "ReturnValues": "ALL_NEW"})
        return read_account(answer["Attributes"])

    def account_update(
        self,
        account_id: str,
        said: tuple[phrases.Phrase, ...],
        values: Mapping[str, Item],
        names: Mapping[str, str],
    ) -> Item:
        """An update of the account's item, for a call of its own or as part of a transaction."""
        return phrases.write(self.accounts, account_key(account_id), said, values, names)

    def put_new(self, item: Item) -> Item:
        """A put into the ledger of what must not stand there yet."""
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
        """The account as it stands."""
        item = await self.get(self.accounts, account_key(account_id))
        return None if item is None else read_account(item)

    async def get(self, table: str, key: Item) -> Item | None:
        """The item as it stands, or nothing."""
        answer = await self.call("GetItem", {"TableName": table, "Key": key, "ConsistentRead": True})
        return answer.get("Item")

    async def query(self, payload: Mapping[str, Any]) -> AsyncIterator[Item]:
        """All items of a query, page after page."""
        page: Mapping[str, Any] = payload
        while True:
            answer = await self.call("Query", page)
            for item in answer["Items"]:
                yield item
            if "LastEvaluatedKey" not in answer:
                return
            page = {**payload, "ExclusiveStartKey": answer["LastEvaluatedKey"]}

    async def _attempt(self, operation: str, payload: Mapping[str, Any]) -> Item:
        try:
            return await self._api.call("dynamodb", operation, payload)
        except TransactionCanceled as canceled:
            if HELD_BACK.isdisjoint(code for code, _ in canceled.reasons):
                raise
            raise Contended("TransactionConflict", "another write was under way") from canceled


def no_account(account_id: str) -> NotFound:
    """What to raise for an account that does not exist."""
    return NotFound(f"There is no account '{account_id}'.")
