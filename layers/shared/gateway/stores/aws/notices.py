"""The queue of webhooks to deliver. A message is a job's id, whose content is read from the job at delivery.

Or it is a key whose spend, or an account whose balance, is to be looked at, or what such a look has found.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import orjson
from msgspec.structs import asdict

from gateway.canonical.alerts import LowBalance, SpendAlert
from gateway.errors import ServiceUnavailable
from gateway.stores.aws.client import STORE_DOWN, AwsApi, AwsError, repeated

if TYPE_CHECKING:
    # Every settlement may tell of a key's spend; functions that work on jobs alone load them.
    from gateway.canonical.jobs import Job

TRIES = 4
SCHEMA_VERSION = 1


class SqsNotices:
    """`Notices` on a queue."""

    def __init__(self, aws: AwsApi, queue_url: str) -> None:
        self._aws = aws
        self._queue_url = queue_url

    async def put(self, job: Job) -> None:
        await self._put({"job_id": job.job_id})

    async def look(self, account_id: str, key_id: str, *, refused: bool) -> None:
        """Asks for a look at a key's spend."""
        await self._put({"look": {"account_id": account_id, "key_id": key_id, "refused": refused}})

    async def look_balance(self, account_id: str) -> None:
        """Asks for a look at an account's balance."""
        await self._put({"balance": {"account_id": account_id}})

    async def put_low(self, low: LowBalance) -> None:
        """Puts a low balance that is to be told of."""
        await self._put({"low": asdict(low)})

    async def put_alert(self, alert: SpendAlert) -> None:
        """Puts an alert that is to be delivered."""
        await self._put({"alert": asdict(alert)})

    async def put_deliverable(self, job_id: str, place: int) -> None:
        """Puts the delivery of a task's result to one of its places."""
        await self._put({"deliverable": {"job_id": job_id, "place": place}})

    async def _put(self, members: Mapping[str, object]) -> None:
        body = orjson.dumps({"schema_version": SCHEMA_VERSION, **members}).decode()
        send = partial(self._aws.call, "sqs", "SendMessage", {"QueueUrl": self._queue_url, "MessageBody": body})
        try:
            await repeated(send, tries=TRIES, ambiguous=True)
        except AwsError as error:
            raise ServiceUnavailable(STORE_DOWN) from error

    async def again(self, receipt: str, after_s: int) -> None:
        """Makes a received message visible again after that time; at most 12 hours."""
        payload = {"QueueUrl": self._queue_url, "ReceiptHandle": receipt, "VisibilityTimeout": after_s}
        change = partial(self._aws.call, "sqs", "ChangeMessageVisibility", payload)
        try:
            await repeated(change, tries=TRIES, ambiguous=True)
        except AwsError as error:
            raise ServiceUnavailable(STORE_DOWN) from error
