"""Builds the store of accounts and ledgers, and the queue of late settlements."""

from __future__ import annotations

from functools import cache
from typing import Any

from gateway.stores.aws.deferred_settlements import settle_batch
from gateway.stores.aws.notices import SqsNotices
from gateway.stores.money.alerting import AlertingMoney
from gateway.stores.money.store import DynamoMoney
from gateway.wiring.process import Process, process


@cache
def money() -> AlertingMoney:
    """Accounts and their ledgers."""
    return _alerting(process(), notices())


@cache
def notices() -> SqsNotices:
    """The queue of webhooks to be told."""
    return _queue(process())


def money_of(on: Process) -> DynamoMoney:
    """The accounts and ledgers that a process's settings name; without a queue there, ends have no owner told."""
    if on.settings.notices_queue_url:
        return _alerting(on, _queue(on))
    return DynamoMoney(on.aws, on.settings.accounts_table, on.settings.ledger_table)


def _queue(on: Process) -> SqsNotices:
    return SqsNotices(on.aws, on.settings.notices_queue_url)


def _alerting(on: Process, queue: SqsNotices) -> AlertingMoney:
    return AlertingMoney(on.aws, on.settings.accounts_table, on.settings.ledger_table, queue)


async def settle(event: dict[str, Any]) -> dict[str, Any]:
    """Ends the holds that a batch of the queue's messages names; answers the messages that are to come again."""
    return await settle_batch(money(), process().clock, event)
