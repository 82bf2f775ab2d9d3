"""Handles Lambda's batches of the notices queue: each receipt of a message is one try, counted by the queue.

A message that was not delivered is reported as failed and stays in the queue, hidden for its pause if there is one.
After the last try it moves to the dead-letter queue.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import orjson
from msgspec import Struct

from gateway.canonical.alerts import LowBalance, SpendAlert
from gateway.errors import GatewayError
from gateway.logs.metrics import Metric, count
from gateway.webhooks.posting import TryResult

log = logging.getLogger(__name__)


class UnreadableNotice(ValueError):
    """Reports a message in an unknown format, such as of another release."""


class Tries(Protocol):
    """Makes one delivery try for a job's webhook."""

    async def deliver(self, job_id: str, number: int) -> TryResult: ...


class Queue(Protocol):
    """The queue of the messages."""

    async def again(self, receipt: str, after_s: int) -> None:
        """Makes a received message visible again after that time."""


class AlertTries(Protocol):
    """Looks at keys' spend, and makes one delivery try for an alert."""

    async def look(self, account_id: str, key_id: str, *, refused: bool) -> None: ...

    async def deliver(self, alert: SpendAlert, number: int) -> TryResult: ...


class Balances(Protocol):
    """Looks at accounts' balances, and makes one delivery try for what owners are to be told."""

    async def look(self, account_id: str) -> None: ...

    async def deliver(self, low: LowBalance, number: int) -> TryResult: ...


class Places(Protocol):
    """Makes one delivery try for a task's result at one of its places."""

    async def deliver(self, job_id: str, place: int, number: int) -> TryResult: ...


def _unknown() -> Any:
    raise UnreadableNotice("notices of this kind are not read here")


class Told(Struct, frozen=True):
    """The parts that notices are handed to."""

    tries: Tries
    alerts: AlertTries
    balances: Callable[[], Balances]
    places: Callable[[], Places]
    queue: Queue


async def deliver_batch(
    tries: Tries,
    alerts: AlertTries,
    queue: Queue,
    event: Mapping[str, Any],
    balances: Callable[[], Balances] = _unknown,
    places: Callable[[], Places] = _unknown,
) -> dict[str, list[dict[str, str]]]:
    """Delivers a batch; returns the messages that stay in the queue, as Lambda expects."""
    on, failed = Told(tries, alerts, balances, places, queue), []
    for record in event["Records"]:
        try:
            done = await _tell(on, record)
        except (GatewayError, UnreadableNotice):
            # The queue hides the message for a while and delivers it again; an unreadable one ends in the dead-letter
            # queue.
            log.exception("notice %s was not delivered", record["messageId"])
            done = False
        if not done:
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


class SpendCheck(Struct, frozen=True):
    """A message that asks for a look at a key's spend."""

    account_id: str
    key_id: str
    refused: bool


class BalanceCheck(Struct, frozen=True):
    """A message that asks for a look at an account's balance."""

    account_id: str


class ResultDelivery(Struct, frozen=True):
    """A message that asks for a try to deliver a task's result to one of its places."""

    job_id: str
    place: int


Notice = str | SpendCheck | SpendAlert | BalanceCheck | LowBalance | ResultDelivery


def read_notice(body: str) -> Notice:
    """The message of `stores/aws/notices.py`: a job's id, a look or an alert; raises `UnreadableNotice`."""
    try:
        document = orjson.loads(body)
        match document:
            case {"schema_version": 1, "job_id": str(job_id)}:
                return job_id
            case {"schema_version": 1, "look": dict(members)}:
                return SpendCheck(**members)
            case {"schema_version": 1, "alert": dict(members)}:
                return SpendAlert(**members)
            case {"schema_version": 1, "balance": dict(members)}:
                return BalanceCheck(**members)
            case {"schema_version": 1, "low": dict(members)}:
                return LowBalance(**members)
            case {"schema_version": 1, "deliverable": dict(members)}:
                return ResultDelivery(**members)
    except (orjson.JSONDecodeError, TypeError) as error:
        raise UnreadableNotice("a notice is JSON of a known form") from error
    raise UnreadableNotice("a notice names its job, its key or its alert")


async def _tell(on: Told, record: Mapping[str, Any]) -> bool:
    number = int(record["attributes"]["ApproximateReceiveCount"])
    match read_notice(record["body"]):
        case SpendCheck(account_id, key_id, refused):
            await on.alerts.look(account_id, key_id, refused=refused)
            return True
        case BalanceCheck(account_id):
            await on.balances().look(account_id)
            return True
        case SpendAlert() as alert:
            result = await on.alerts.deliver(alert, number)
        case LowBalance() as low:
            result = await on.balances().deliver(low, number)
        case ResultDelivery(job_id, place):
            result = await on.places().deliver(job_id, place, number)
        case job_id:
            result = await on.tries.deliver(job_id, number)
    if result.again_s is not None:
        await on.queue.again(record["receiptHandle"], result.again_s)
    elif not result.delivered:
        log.warning("notice %s was not taken by its webhook in %d tries", record["messageId"], number)
        count(Metric.WEBHOOKS_GIVEN_UP)
    return result.delivered
