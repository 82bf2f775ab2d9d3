"""Implements three mechanisms on the same simulated tables, to compare them: the one in use, and two others.

(a) one transaction of account, key window and hold; (b) one write of the account's item with the hold inside,
which is `gateway.stores.money.store` itself; (c) the account split into purses, each worked as in (b).
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import Protocol

from gateway.canonical.money import Admission, Charge, Hold, HoldRequest, Refusal, Tier
from gateway.errors import ServiceUnavailable
from gateway.limits.windows import minute_of
from gateway.stores.aws.client import TransactionCanceled
from gateway.stores.money.endings import ending
from gateway.stores.money.items import (
    ENTRY,
    HOLD,
    account_key,
    entry_item,
    ledger_key,
    new_account,
    number,
    parked_hold,
    text,
)
from gateway.stores.money.state import hold_for
from gateway.stores.money.store import DynamoMoney
from gateway.stores.money.tables import MoneyTables
from tests.money.simulation.rules import ContendedDynamoDb

# The pipeline parks as soon as the request has gone upstream, while the provider is thinking.
PARK_AFTER_S = 0.0
PURSES = 8
BALANCE_NANOUSD = 10**15
RPM = 100_000


def charge_of(hold: Hold) -> Charge:
    """Builds a charge as the pipeline writes it, with ids and names of their usual length."""
    return Charge(
        cost_nanousd=hold.amount_nanousd // 2,
        request_id="0f8b7c1e-5d1c-4f6e-9d57-2f6a3f1f1b7a",
        generation_id=f"gen-nxn-{hold.hold_id}",
        model_requested="claude-sonnet-4-5-20250929",
        model_used="claude-sonnet-4-5-20250929",
        tier=Tier.PASSTHROUGH,
        price_version="2026-11-20",
    )


class Mechanism(Protocol):
    """A way to store an account's money, as the load drives it."""

    name: str
    remaining_known: bool

    async def open(self) -> None: ...
    async def admit(self, wanted: HoldRequest, now_s: float) -> Hold | None: ...
    async def run(self, hold: Hold, lasts_s: float) -> Hold: ...
    async def settle(self, hold: Hold, now_s: float) -> None: ...


class OneItem:
    """Mechanism (b), the one in use."""

    name = "(b) one item, hold inside"
    remaining_known = True

    def __init__(self, api: ContendedDynamoDb) -> None:
        # There are many function processes with little memory; one in ten serves the next request of an account.
        self._processes = [DynamoMoney(api, "accounts", "ledger") for _ in range(10)]
        self._chance = random.Random(1)
        self._owner: dict[str, DynamoMoney] = {}

    async def open(self) -> None:
        await self._processes[0].open_account("acct", RPM)
        await self._processes[0].credit("acct", BALANCE_NANOUSD, once="start", now_s=0)

    async def admit(self, wanted: HoldRequest, now_s: float) -> Hold | None:
        money = self._chance.choice(self._processes)
        answer = await money.admit(wanted, now_s)
        if isinstance(answer, Refusal):
            return None
        self._owner[wanted.hold_id] = money
        return answer.hold

    async def run(self, hold: Hold, lasts_s: float) -> Hold:
        return await _run(self._owner[hold.hold_id], hold, lasts_s)

    async def settle(self, hold: Hold, now_s: float) -> None:
        await self._owner[hold.hold_id].settle(hold, charge_of(hold), now_s)


class OneTransaction:
    """Mechanism (a): account, key window and hold in one transaction. The remaining balance needs another read."""

    name = "(a) one transaction"
    remaining_known = False

    def __init__(self, api: ContendedDynamoDb) -> None:
        self._tables = MoneyTables(api, "accounts", "ledger")

    async def open(self) -> None:
        account = new_account("acct", RPM) | {"free": number(BALANCE_NANOUSD)}
        await self._tables.call("PutItem", {"TableName": "accounts", "Item": account})

    async def admit(self, wanted: HoldRequest, now_s: float) -> Hold | None:
        hold = hold_for(wanted, 0)
        window = ledger_key("acct", "window#", f"{wanted.key_id}#{minute_of(now_s)}")
        used = text(str(minute_of(now_s)))["S"]
        account = {
            "TableName": "accounts",
            "Key": account_key("acct"),
            "ConditionExpression": "#free >= :hold AND (attribute_not_exists(#used) OR #used < :rpm)",
            "UpdateExpression": "SET #free = #free - :hold, held = held + :hold, "
            "#used = if_not_exists(#used, :zero) + :one",
            "ExpressionAttributeNames": {"#free": "free", "#used": f"used_{used}"},
            "ExpressionAttributeValues": {
                ":hold": number(wanted.amount_nanousd),
                ":rpm": number(RPM),
                ":zero": number(0),
                ":one": number(1),
            },
        }
        key = {
            "TableName": "ledger",
            "Key": window,
            "ConditionExpression": "attribute_not_exists(#used) OR #used < :rpm",
            "UpdateExpression": "SET #used = if_not_exists(#used, :zero) + :one",
            "ExpressionAttributeNames": {"#used": "used"},
            "ExpressionAttributeValues": {
                ":rpm": number(wanted.key_rpm_limit),
                ":zero": number(0),
                ":one": number(1),
            },
        }
        put = {"Put": self._tables.put_new(parked_hold(hold))}
        try:
            await self._tables.transact({"Update": account}, {"Update": key}, put)
        except TransactionCanceled as canceled:
            # Its own hold exists: an earlier try had succeeded, and its answer was lost.
            if canceled.reasons[2][0] == "None":
                return None
        return hold

    async def run(self, hold: Hold, lasts_s: float) -> Hold:
        await asyncio.sleep(lasts_s)
        return hold

    async def settle(self, hold: Hold, now_s: float) -> None:
        charge = charge_of(hold)
        entry = ending(hold, charge, 0, now_s).entries[0]
        account = {
            "TableName": "accounts",
            "Key": account_key("acct"),
            "UpdateExpression": "SET #free = #free + :back, held = held - :hold",
            "ExpressionAttributeNames": {"#free": "free"},
            "ExpressionAttributeValues": {
                ":back": number(hold.amount_nanousd - charge.cost_nanousd),
                ":hold": number(hold.amount_nanousd),
            },
        }
        delete = {
            "TableName": "ledger",
            "Key": ledger_key("acct", HOLD, hold.hold_id),
            "ConditionExpression": "attribute_exists(sk)",
        }
        put = {"Put": self._tables.put_new(entry_item(entry))}
        try:
            await self._tables.transact({"Update": account}, put, {"Delete": delete})
        except TransactionCanceled:
            # Its entry exists: an earlier try had succeeded, and its answer was lost.
            key = ledger_key("acct", ENTRY, entry.entry_id)
            if await self._tables.get("ledger", key) is None:
                raise


class Purses:
    """Mechanism (c): balance and windows split over items, so that each is written less.

    The balance is the sum of all.
    """

    name = "(c) eight purses"
    remaining_known = False

    def __init__(self, api: ContendedDynamoDb) -> None:
        self._money = DynamoMoney(api, "accounts", "ledger")
        self._chance = random.Random(2)

    async def open(self) -> None:
        for purse in map(str, range(PURSES)):
            await self._money.open_account(purse, RPM // PURSES)
            await self._money.credit(purse, BALANCE_NANOUSD // PURSES, once="start", now_s=0)

    async def admit(self, wanted: HoldRequest, now_s: float) -> Hold | None:
        purses = self._chance.sample(range(PURSES), PURSES)
        for purse in map(str, purses):
            answer = await self._money.admit(_from_purse(wanted, purse), now_s)
            if isinstance(answer, Admission):
                return answer.hold
        return None

    async def run(self, hold: Hold, lasts_s: float) -> Hold:
        return await _run(self._money, hold, lasts_s)

    async def settle(self, hold: Hold, now_s: float) -> None:
        await self._money.settle(hold, charge_of(hold), now_s)


def _from_purse(wanted: HoldRequest, purse: str) -> HoldRequest:
    return HoldRequest(
        account_id=purse,
        key_id=wanted.key_id,
        hold_id=wanted.hold_id,
        amount_nanousd=wanted.amount_nanousd,
        deadline_s=wanted.deadline_s,
        key_rpm_limit=wanted.key_rpm_limit,
    )


async def _run(money: DynamoMoney, hold: Hold, lasts_s: float) -> Hold:
    """Settles as the pipeline does: a crowded hold is parked while the answer runs, and stays if that fails."""
    ends_s = asyncio.get_running_loop().time() + lasts_s
    await asyncio.sleep(min(PARK_AFTER_S, lasts_s))
    if hold.crowded and lasts_s > PARK_AFTER_S:
        with suppress(ServiceUnavailable):
            hold = await money.park(hold)
    await asyncio.sleep(max(0.0, ends_s - asyncio.get_running_loop().time()))
    return hold
