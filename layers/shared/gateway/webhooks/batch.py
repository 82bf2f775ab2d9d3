"""What Lambda brings of the notices queue: each receipt of a message is one try, counted by the queue.

What is not done is reported as failed, which leaves it in the queue: hidden for its pause where there is one. A message
that was handed out as often as there are tries goes from there to the dead-letter queue.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Protocol

import orjson

from gateway.errors import GatewayError
from gateway.webhooks.delivering import Told

log = logging.getLogger(__name__)


class UnreadableNotice(ValueError):
    """A message that is not one of ours, or of a release that is not known here."""


class Tries(Protocol):
    """Tells a job's webhook, one try at a time."""

    async def tell(self, job_id: str, number: int) -> Told: ...


class Queue(Protocol):
    """Where the messages wait."""

    async def again(self, receipt: str, after_s: int) -> None:
        """Has a received message come again after that time."""


async def tell_batch(tries: Tries, queue: Queue, event: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
    """Lambda's answer to a batch: the messages that stay in the queue; the rest are done."""
    failed = []
    for record in event["Records"]:
        try:
            done = await _tell(tries, queue, record)
        except (GatewayError, UnreadableNotice):
            # Hidden by the queue for a while, and then tried again, or moved away where nobody can read it.
            log.exception("notice %s was not told", record["messageId"])
            done = False
        if not done:
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def job_id_in(body: str) -> str:
    """The job that a message of `stores/notices_sqs.py` names; raises `UnreadableNotice`."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadableNotice("a notice is JSON") from error
    match document:
        case {"schema_version": 1, "job_id": str(job_id)}:
            return job_id
    raise UnreadableNotice("a notice names its job")


async def _tell(tries: Tries, queue: Queue, record: Mapping[str, Any]) -> bool:
    number = int(record["attributes"]["ApproximateReceiveCount"])
    told = await tries.tell(job_id_in(record["body"]), number)
    if told.again_s is not None:
        await queue.again(record["receiptHandle"], told.again_s)
    elif not told.delivered:
        log.warning("notice %s was not taken by its webhook in %d tries", record["messageId"], number)
    return told.delivered
