"""The queue of webhooks to be sent. A message is a job's id: what is told is read from the job when it is told."""

from __future__ import annotations

from functools import partial

import orjson

from gateway.canonical.jobs import Job
from gateway.errors import ServiceUnavailable
from gateway.stores.aws import STORE_DOWN, AwsApi, AwsError, repeated

TRIES = 4
SCHEMA_VERSION = 1


class SqsNotices:
    """`Notices` on a queue."""

    def __init__(self, aws: AwsApi, queue_url: str) -> None:
        self._aws = aws
        self._queue_url = queue_url

    async def put(self, job: Job) -> None:
        body = orjson.dumps({"schema_version": SCHEMA_VERSION, "job_id": job.job_id}).decode()
        send = partial(self._aws.call, "sqs", "SendMessage", {"QueueUrl": self._queue_url, "MessageBody": body})
        try:
            await repeated(send, tries=TRIES, ambiguous=True)
        except AwsError as error:
            raise ServiceUnavailable(STORE_DOWN) from error

    async def again(self, receipt: str, after_s: int) -> None:
        """Has a received message come again after that time; at most 12 hours."""
        payload = {"QueueUrl": self._queue_url, "ReceiptHandle": receipt, "VisibilityTimeout": after_s}
        change = partial(self._aws.call, "sqs", "ChangeMessageVisibility", payload)
        try:
            await repeated(change, tries=TRIES, ambiguous=True)
        except AwsError as error:
            raise ServiceUnavailable(STORE_DOWN) from error
