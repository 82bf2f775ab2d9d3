"""Sockets on AWS: mailboxes are SQS queues, connections API Gateway's `@connections`, runs are Lambda's invocations.

A queue is a standard one, of a session's own: it takes any number of messages a second, side by side. A message's body
has the words of the template's mapping: its kind, when it came, its id, and its text in base64.
"""

from __future__ import annotations

import asyncio
from binascii import Error, a2b_base64
from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
import orjson

from gateway.errors import ServiceUnavailable
from gateway.framing.percent import encoded
from gateway.ports.sockets import Gone, Letter
from gateway.stores.aws.client import STORE_DOWN, AwsApi, AwsError, Item, repeated

TRIES = 4
# A letter that was received in an answer that was lost on its way, or was not removed, comes again after this time.
VISIBILITY_S = 20
# A queue that is not deleted forgets what is in it.
RETENTION_S = 3600
# "You must wait at least one second after the queue is created to be able to use the queue."
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
USABLE_AFTER_S = 1.0
MISSING_QUEUE = frozenset({"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"})
GONE = "GoneException"
# msgspec's base64 takes a third of the time of Python's: a session's sound is most of what it reads.
_BASE64 = msgspec.json.Decoder(bytes)


class SqsMailboxes:
    """`Mailboxes`; `base` is what the address of each queue begins with. `waiting` is for calls that wait."""

    def __init__(self, aws: AwsApi, waiting: AwsApi, base: str, usable_after_s: float = USABLE_AFTER_S) -> None:
        self._aws = aws
        self._waiting = waiting
        self._base = base
        self._usable_after_s = usable_after_s

    async def open(self, connection_id: str) -> None:
        name = self._url(connection_id).rpartition("/")[2]
        attributes = {
            "VisibilityTimeout": str(VISIBILITY_S),
            "MessageRetentionPeriod": str(RETENTION_S),
            "SqsManagedSseEnabled": "true",
        }
        await self._call("CreateQueue", {"QueueName": name, "Attributes": attributes})
        await asyncio.sleep(self._usable_after_s)

    async def receive(self, connection_id: str, wait_s: int) -> Sequence[Letter]:
        asked = {"QueueUrl": self._url(connection_id), "MaxNumberOfMessages": 10, "WaitTimeSeconds": wait_s}
        try:
            told = await repeated(
                partial(self._waiting.call, "sqs", "ReceiveMessage", asked), tries=TRIES, ambiguous=True
            )
        except AwsError as error:
            raise ServiceUnavailable(STORE_DOWN) from error
        return [_letter(message) for message in told.get("Messages", ())]

    async def remove(self, connection_id: str, receipts: Sequence[str]) -> None:
        entries = [{"Id": str(number), "ReceiptHandle": receipt} for number, receipt in enumerate(receipts)]
        await self._call("DeleteMessageBatch", {"QueueUrl": self._url(connection_id), "Entries": entries})

    async def delete(self, connection_id: str) -> None:
        await self._call("DeleteQueue", {"QueueUrl": self._url(connection_id)})

    async def _call(self, operation: str, payload: dict[str, Any]) -> Item:
        try:
            return await repeated(partial(self._aws.call, "sqs", operation, payload), tries=TRIES, ambiguous=True)
        except AwsError as error:
            if error.code in MISSING_QUEUE:
                return {}
            raise ServiceUnavailable(STORE_DOWN) from error

    def _url(self, connection_id: str) -> str:
        # As the template's mapping names it: a queue's name has no `=`.
        return self._base + connection_id.replace("=", "")


class GatewayConnections:
    """`Connections` by API Gateway's management API.

    It sends no code of the caller's choosing: a connection that it closes ends with 1000.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
    """

    def __init__(self, aws: AwsApi) -> None:
        self._aws = aws

    async def send(self, stage: str, connection_id: str, data: bytes) -> None:
        # Not repeated after a lost answer, which the client may have had: it would see an event twice.
        post = partial(self._aws.send, "execute-api", "POST", _place(stage, connection_id), data)
        try:
            await repeated(post, tries=TRIES)
        except AwsError as error:
            if error.code == GONE:
                raise Gone from error
            raise ServiceUnavailable(STORE_DOWN) from error

    async def close(self, stage: str, connection_id: str) -> None:
        delete = partial(self._aws.send, "execute-api", "DELETE", _place(stage, connection_id), b"")
        try:
            await repeated(delete, tries=TRIES, ambiguous=True)
        except AwsError as error:
            if error.code != GONE:
                raise ServiceUnavailable(STORE_DOWN) from error

    async def is_open(self, stage: str, connection_id: str) -> bool:
        look = partial(self._aws.send, "execute-api", "GET", _place(stage, connection_id), b"")
        try:
            await repeated(look, tries=TRIES, ambiguous=True)
        except AwsError as error:
            if error.code == GONE:
                return False
            raise ServiceUnavailable(STORE_DOWN) from error
        return True


class LambdaRuns:
    """`Runs` as events for a function: Lambda keeps an event until the function has taken it."""

    def __init__(self, aws: AwsApi, function: str) -> None:
        self._aws = aws
        self._path = f"/2015-03-31/functions/{encoded(function)}/invocations"

    async def start(self, connection_id: str, run: int, secret: str) -> None:
        event = orjson.dumps({"connection_id": connection_id, "run": run, "secret": secret})
        told = {"x-amz-invocation-type": "Event"}
        invoke = partial(self._aws.send, "lambda", "POST", self._path, event, told)
        try:
            # A second event of the same run finds that the first one has taken it.
            await repeated(invoke, tries=TRIES, ambiguous=True)
        except AwsError as error:
            raise ServiceUnavailable(STORE_DOWN) from error


def _place(stage: str, connection_id: str) -> str:
    return f"/{stage}/%40connections/{encoded(connection_id)}"


def _letter(message: Item) -> Letter:
    kind, at_ms, *rest = message["Body"].split(" ")
    if kind != "MESSAGE":
        return Letter(message["ReceiptHandle"], int(at_ms), kind, None)
    letter_id, text = rest
    return Letter(message["ReceiptHandle"], int(at_ms), letter_id, _text_of(_BASE64.decode(f'"{text}"')))


def _text_of(data: bytes) -> bytes:
    """The text of a message. A binary one is handed on in base64, and holds an event as a text does."""
    if data[:1] == b"{":
        return data
    try:
        text = a2b_base64(data, strict_mode=True)
    except Error:
        return data
    return text if text[:1] == b"{" else data
