"""Ends of holds that the store could not take: requests write them to a queue, and a function settles them.

A message is a hold and its charge, or no charge for a release, in integers of 10^-9 USD. It may arrive twice, late, or
after the sweeper: ending a hold is harmless when repeated.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson
from msgspec.structs import asdict

from gateway.canonical.money import Charge, Hold, Settlement, Tier, ToolCost
from gateway.canonical.usage import Usage, uses_of
from gateway.errors import GatewayError
from gateway.logs.metrics import Metric, count
from gateway.ports.clock import Clock
from gateway.ports.money import Money
from gateway.stores.aws.client import AwsApi, repeated

TRIES = 3
# The caller has already waited for the store; after this time it gets its answer, and the sweeper ends the hold.
WITHIN_S = 2.0
SCHEMA_VERSION = 1

log = logging.getLogger(__name__)


class UnreadableMessage(ValueError):
    """Reports a message that this version cannot read; the queue keeps it for another version, or for the operator."""


class SqsDeferredSettlements:
    """`DeferredSettlements` on a queue. If the queue fails too, the hold is logged and left to the sweeper."""

    def __init__(self, aws: AwsApi, queue_url: str) -> None:
        self._aws = aws
        self._queue_url = queue_url

    async def put(self, hold: Hold, charge: Charge | None) -> None:
        message = {"QueueUrl": self._queue_url, "MessageBody": message_of(hold, charge)}
        send = partial(self._aws.call, "sqs", "SendMessage", message)
        try:
            async with asyncio.timeout(WITHIN_S):
                await repeated(send, tries=TRIES, ambiguous=True)
            count(Metric.SETTLEMENTS_DEFERRED)
        except Exception:
            # The request is over, so there is no caller to tell: credentials that cannot be fetched end here too.
            cost_nanousd = charge.cost_nanousd if charge else 0
            log.exception(
                "settlement lost: hold %s of account %s, %d nano-USD", hold.hold_id, hold.account_id, cost_nanousd
            )
            count(Metric.SETTLEMENTS_LOST)


def message_of(hold: Hold, charge: Charge | None) -> str:
    """The message's body: JSON with the members of both."""
    return orjson.dumps({"schema_version": SCHEMA_VERSION, "hold": hold, "charge": charge}, default=asdict).decode()


def read_message(message: str) -> tuple[Hold, Charge | None]:
    """Reads a message; raises `UnreadableMessage`."""
    try:
        document = orjson.loads(message)
        version, hold = document["schema_version"], document["hold"]
        read = Hold(**hold | {"checkpoint": _charge(hold["checkpoint"])}), _charge(document["charge"])
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableMessage(str(error)) from error
    if version != SCHEMA_VERSION:
        raise UnreadableMessage(f"schema_version {version}")
    return read


async def settle_deferred(money: Money, message: str, now_s: float) -> Settlement:
    """Ends the hold of the message; raises `UnreadableMessage`, or the error of `money`."""
    hold, charge = read_message(message)
    if charge is None:
        return await money.release(hold, now_s)
    return await money.settle(hold, charge, now_s)


async def settle_batch(money: Money, clock: Clock, event: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
    """Settles a batch; returns the messages that must come again, as Lambda expects.

    A hold or an entry that only another version can read fails its own message alone.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
    """
    failed = []
    for record in event["Records"]:
        try:
            await settle_deferred(money, record["body"], clock.now_s())
        except (GatewayError, AttributeError, KeyError, TypeError, ValueError):
            log.exception("message %s was not settled", record["messageId"])
            count(Metric.SETTLEMENTS_RETRIED)
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _charge(members: Mapping[str, Any] | None) -> Charge | None:
    if members is None:
        return None
    usage = {**members["usage"], "uses": uses_of(dict(members["usage"].get("uses", ())))}
    tools = tuple(ToolCost(**tool) for tool in members.get("tools", ()))
    return Charge(**{**members, "tier": Tier(members["tier"]), "usage": Usage(**usage), "tools": tools})
