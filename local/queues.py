"""Serves SQS to the stack: the queues of realtime sessions itself, and every other queue by handing the call to moto.

A session's queue takes fifty messages a second, with a reader that waits; moto, which looks for them in a loop, is too
slow for that. These are standard queues: a message may come twice, and out of order.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
import orjson

from local import sqs_rules
from local.asgi import Receive, Scope, Send, answer, body_of
from local.sqs_rules import ANY_SERVICE, SERVICE, Refused

# Session queues are told by their names (template.yaml, SESSION_QUEUES).
MARK = "-realtime-"
# A share of messages that come twice, as a standard queue's may.
TWICE = 0.01
# A client is not read from while so many of its messages wait. SQS keeps any number; a machine's memory does not.
KEPT_MAX = 1000
TARGET = "AmazonSQS."
# "You must wait at least one second after the queue is created to be able to use the queue."
USABLE_AFTER_S = 1.0


@dataclass(slots=True)
class Kept:
    """One message of a queue."""

    message_id: str
    body: str


@dataclass(slots=True)
class Queue:
    """One queue: what waits, what is being worked on until when, and who waits for more."""

    visibility_s: float
    attributes: Mapping[str, str]
    usable_at_s: float
    # What the receipts begin with that this queue gives.
    mark: str = field(default_factory=lambda: secrets.token_hex(4))
    receipts: Iterator[int] = field(default_factory=itertools.count)
    waiting: deque[Kept] = field(default_factory=deque)
    taken: dict[str, tuple[Kept, float]] = field(default_factory=dict)
    more: asyncio.Event = field(default_factory=asyncio.Event)
    less: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False

    def end(self) -> None:
        """Ends what readers and writers wait for."""
        self.closed = True
        self.more.set()
        self.less.set()

    def put(self, message: Kept) -> None:
        self.waiting.append(message)
        self.more.set()

    @property
    def is_full(self) -> bool:
        """True while as many messages wait as are kept here."""
        return len(self.waiting) >= KEPT_MAX and not self.closed

    async def room(self) -> None:
        """Waits until the queue is not full."""
        while self.is_full:
            self.less.clear()
            await self.less.wait()

    async def take(self, most: int, wait_s: float) -> list[tuple[str, Kept]]:
        """Takes messages, with the receipt of each; waits for the first one."""
        deadline = time.monotonic() + wait_s
        while not self.closed and not self._restored() and (left_s := deadline - time.monotonic()) > 0:
            self.more.clear()
            try:
                async with asyncio.timeout(min(left_s, self.visibility_s)):
                    await self.more.wait()
            except TimeoutError:
                continue
        until = time.monotonic() + self.visibility_s
        found = [
            (f"{self.mark}-{next(self.receipts):016x}", self.waiting.popleft())
            for _ in range(min(most, len(self.waiting)))
        ]
        self.taken |= {receipt: (message, until) for receipt, message in found}
        self.less.set()
        return found

    def _restored(self) -> bool:
        """True where something waits, with what was taken and not removed in time."""
        now = time.monotonic()
        # What was taken first is due first.
        while self.taken and (first := next(iter(self.taken.items())))[1][1] <= now:
            receipt, (message, _) = first
            del self.taken[receipt]
            self.waiting.append(message)
        return bool(self.waiting)


class SessionQueues:
    """The queues of sessions, by name. Each call raises Refused where SQS refuses it."""

    def __init__(self, random: Random | None = None, usable_after_s: float = USABLE_AFTER_S) -> None:
        self._queues: dict[str, Queue] = {}
        self._usable_after_s = usable_after_s
        self._random = random or Random()
        # Has what is due come to the queues before they are read.
        self.arrive: Callable[[], None] = lambda: None

    @property
    def names(self) -> list[str]:
        return sorted(self._queues)

    def close(self) -> None:
        """Ends what readers wait for."""
        for queue in self._queues.values():
            queue.end()

    def send_form(self, given: Mapping[str, str]) -> Queue:
        """Sends a message by SQS's query API, as an integration of API Gateway does."""
        queue = self._usable(given)
        sqs_rules.check("SendMessage", given)
        message = Kept(f"{self._random.getrandbits(128):032x}", given["MessageBody"])
        queue.put(message)
        if self._random.random() < TWICE:
            queue.put(message)
        return queue

    def create(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        attributes, usable_at_s = asked.get("Attributes", {}), time.monotonic() + self._usable_after_s
        made = Queue(float(attributes.get("VisibilityTimeout", 30)), attributes, usable_at_s)
        if self._queues.setdefault(asked["QueueName"], made).attributes != attributes:
            message = "A queue already exists with the same name and a different value for an attribute."
            raise Refused(f"{SERVICE}QueueNameExists", message)
        return {"QueueUrl": f"http://sqs.local/123456789012/{asked['QueueName']}"}

    def delete(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        self._queue(asked).end()
        del self._queues[_name(asked["QueueUrl"])]
        return {}

    def remove(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Removes messages that were received; a receipt of a message that is gone is none that fails."""
        queue = self._usable(asked)
        told: dict[str, Any] = {"Successful": [], "Failed": []}
        for entry in asked["Entries"]:
            if entry["ReceiptHandle"].startswith(f"{queue.mark}-"):
                queue.taken.pop(entry["ReceiptHandle"], None)
                told["Successful"].append({"Id": entry["Id"]})
            else:
                fault = {"Code": "ReceiptHandleIsInvalid", "SenderFault": True}
                told["Failed"].append({"Id": entry["Id"], **fault, "Message": "The input receipt handle is invalid."})
        return told

    async def receive(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        self.arrive()
        found = await self._usable(asked).take(asked.get("MaxNumberOfMessages", 1), asked.get("WaitTimeSeconds", 0))
        return {"Messages": [_shown(receipt, message) for receipt, message in found]} if found else {}

    def _usable(self, asked: Mapping[str, Any]) -> Queue:
        """A queue that messages may be put in and taken from; a new one is none yet."""
        found = self._queue(asked)
        if time.monotonic() < found.usable_at_s:
            raise _missing(asked)
        return found

    def _queue(self, asked: Mapping[str, Any]) -> Queue:
        found = self._queues.get(_name(asked["QueueUrl"]))
        if found is None:
            raise _missing(asked)
        return found


class SqsApi:
    """An ASGI app below a private path."""

    def __init__(self, prefix: str, queues: SessionQueues) -> None:
        self._prefix = prefix
        self._queues = queues
        self._client = httpx.AsyncClient(timeout=60)
        # Known once moto has started.
        self.moto = ""
        self._here: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "CreateQueue": queues.create,
            "DeleteMessageBatch": queues.remove,
            "DeleteQueue": queues.delete,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not secrets.compare_digest(scope["path"][: len(self._prefix)].encode(), self._prefix.encode()):
            await answer(send, 404, b"{}")
            return
        body, headers = await body_of(receive), dict(scope["headers"])
        operation = headers.get(b"x-amz-target", b"").decode().removeprefix(TARGET)
        asked = orjson.loads(body) if body.startswith(b"{") else {}
        try:
            sqs_rules.check(operation, asked)
            if MARK not in _name(asked.get("QueueUrl") or asked.get("QueueName") or ""):
                await self._hand_on(headers, body, send)
                return
            told = await self._told(operation, asked)
        except Refused as refused:
            await answer(send, 400, orjson.dumps({"__type": refused.kind, "message": str(refused)}))
            return
        await answer(send, 200, orjson.dumps(told))

    async def _told(self, operation: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        if operation == "ReceiveMessage":
            return await self._queues.receive(asked)
        if operation not in self._here:
            raise Refused(f"{ANY_SERVICE}UnknownOperationException", operation)
        return self._here[operation](asked)

    async def _hand_on(self, headers: Mapping[bytes, bytes], body: bytes, send: Send) -> None:
        kept = {
            name.decode(): value.decode() for name, value in headers.items() if name not in {b"host", b"content-length"}
        }
        answered = await self._client.post(self.moto, content=body, headers=kept)
        await answer(send, answered.status_code, answered.content)

    async def close(self) -> None:
        self._queues.close()
        await self._client.aclose()


def _missing(asked: Mapping[str, Any]) -> Refused:
    return Refused(f"{SERVICE}QueueDoesNotExist", f"The queue {_name(asked['QueueUrl'])} does not exist.")


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _shown(receipt: str, message: Kept) -> dict[str, Any]:
    return {
        "MessageId": message.message_id,
        "ReceiptHandle": receipt,
        "Body": message.body,
        "MD5OfBody": hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest(),
    }
