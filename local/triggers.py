"""Invokes functions on schedules and for messages in queues.

Source: docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html and
docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

import asyncio
import logging
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from local.aws_services import Services
from local.functions import EventTooLarge, Functions, Throttled
from local.invocation import FunctionFailed
from local.resource_names import ACCOUNT_ID, REGION
from local.template import QueueSource, Schedule, Stack

log = logging.getLogger(__name__)
LONG_POLL_S = 10

Message = Mapping[str, Any]


class Triggers:
    """The running schedules and queue readers of a stack."""

    def __init__(self, stack: Stack, services: Services, functions: Functions) -> None:
        self._services = services
        self._functions = functions
        work = [
            *(self._run_schedule(schedule) for schedule in stack.schedules),
            *(self._read_queue(source) for source in stack.queue_sources),
        ]
        self._tasks = [asyncio.ensure_future(task) for task in work]

    def end(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _run_schedule(self, schedule: Schedule) -> None:
        while True:
            await asyncio.sleep(schedule.every_s)
            event = schedule.event.encode() if schedule.event else scheduled_event(schedule.name)
            await self._invoke(schedule.function, event)

    async def _read_queue(self, source: QueueSource) -> None:
        client = self._services.client("sqs")
        url = client.get_queue_url(QueueName=source.queue_name)["QueueUrl"]
        while True:
            answer = await asyncio.to_thread(
                client.receive_message,
                QueueUrl=url,
                MaxNumberOfMessages=min(source.batch_size, 10),
                WaitTimeSeconds=LONG_POLL_S,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            if messages := answer.get("Messages", []):
                done = await self._deliver(source, messages)
                entries = [{"Id": m["MessageId"], "ReceiptHandle": m["ReceiptHandle"]} for m in done]
                if entries:
                    await asyncio.to_thread(client.delete_message_batch, QueueUrl=url, Entries=entries)

    async def _deliver(self, source: QueueSource, messages: list[Message]) -> list[Message]:
        """Returns the processed messages: all except those that the function reports as failed."""
        answer = await self._invoke(source.function, queue_event(source.queue_name, messages))
        if answer is None:
            return []
        if not source.reports_failures:
            return messages
        again = {failure["itemIdentifier"] for failure in orjson.loads(answer)["batchItemFailures"]}
        return [message for message in messages if message["MessageId"] not in again]

    async def _invoke(self, function: str, event: bytes) -> bytes | None:
        """Returns the function's answer, or None after logging a failure. The next turn comes in either case."""
        try:
            return await self._functions.invoke(function, event)
        except (FunctionFailed, Throttled, EventTooLarge) as error:
            log.warning("%s failed: %r", function, error)
            return None


def scheduled_event(rule: str) -> bytes:
    """Builds the event of a schedule that has no input of its own."""
    return orjson.dumps(
        {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": ACCOUNT_ID,
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": REGION,
            "resources": [f"arn:aws:events:{REGION}:{ACCOUNT_ID}:rule/{rule}"],
            "detail": {},
        }
    )


def queue_event(queue_name: str, messages: list[Message]) -> bytes:
    """Builds the event of a batch of messages."""
    records = [
        {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
            "messageAttributes": message.get("MessageAttributes", {}),
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{queue_name}",
            "awsRegion": REGION,
        }
        for message in messages
    ]
    return orjson.dumps({"Records": records})
