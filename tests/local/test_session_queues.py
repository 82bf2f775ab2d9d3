"""Tests the queues of sessions on the local stack: no more is kept than a machine's memory bears, and SQS's limits."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
import pytest

from local import sqs_rules
from local.queues import KEPT_MAX, Queue, SessionQueues, SqsApi
from local.sqs_rules import MESSAGE_BYTES_MAX, Refused
from tests.hangs import HANGS_AFTER_S

NAME = "local-realtime-L0SM9cOFvHcCIhw"
URL = f"https://sqs.local/1/{NAME}"


def full() -> tuple[SessionQueues, Queue]:
    queues = SessionQueues(usable_after_s=0)
    queues.create({"QueueName": NAME})
    queue = queues.send_form({"QueueUrl": URL, "MessageBody": "MESSAGE 1 id"})
    while not queue.is_full:
        queues.send_form({"QueueUrl": URL, "MessageBody": "MESSAGE 1 id"})
    return queues, queue


async def waits_until(queue: Queue, act: Callable[[], Awaitable[object]]) -> None:
    waiting = asyncio.ensure_future(queue.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    await act()
    await asyncio.wait_for(waiting, HANGS_AFTER_S)


def test_a_full_queue_has_its_writer_wait_until_something_was_taken() -> None:
    async def test() -> None:
        queues, queue = full()
        asked = {"QueueUrl": URL, "MaxNumberOfMessages": 10}
        await waits_until(queue, lambda: queues.receive(asked))
        assert len(queue.waiting) <= KEPT_MAX

    asyncio.run(test())


@pytest.mark.parametrize("ends", ["delete", "close"])
def test_the_end_of_a_queue_ends_what_waits_for_room_in_it(ends: str) -> None:
    async def test() -> None:
        queues, queue = full()

        async def end() -> None:
            queues.delete({"QueueUrl": URL}) if ends == "delete" else queues.close()

        await waits_until(queue, end)

    asyncio.run(test())


def entries(*ids: str) -> dict[str, Any]:
    return {"Entries": [{"Id": each, "ReceiptHandle": "r"} for each in ids]}


@pytest.mark.parametrize(
    ("operation", "asked", "code"),
    [
        ("CreateQueue", {"QueueName": "a b"}, "InvalidParameterValueException"),
        ("CreateQueue", {"QueueName": "a" * 81}, "InvalidParameterValueException"),
        ("CreateQueue", {"QueueName": "a", "Attributes": {"Visibility": "1"}}, "InvalidAttributeName"),
        ("CreateQueue", {"QueueName": "a", "Attributes": {"VisibilityTimeout": 1}}, "SerializationException"),
        ("CreateQueue", {"QueueName": "a", "Attributes": {"VisibilityTimeout": "43201"}}, "InvalidAttributeValue"),
        ("CreateQueue", {"QueueName": "a", "Attributes": {"MessageRetentionPeriod": "59"}}, "InvalidAttributeValue"),
        ("SendMessage", {}, "MissingRequiredParameterException"),
        ("SendMessage", {"MessageBody": ""}, "MissingRequiredParameterException"),
        ("SendMessage", {"MessageBody": "\x00"}, "InvalidMessageContents"),
        ("SendMessage", {"MessageBody": "\uffff"}, "InvalidMessageContents"),
        ("SendMessage", {"MessageBody": "é" * (MESSAGE_BYTES_MAX // 2 + 1)}, "InvalidParameterValueException"),
        ("SendMessage", {"MessageBody": "a", "DelaySeconds": 901}, "InvalidParameterValueException"),
        ("ReceiveMessage", {"MaxNumberOfMessages": 0}, "InvalidParameterValueException"),
        ("ReceiveMessage", {"MaxNumberOfMessages": 11}, "InvalidParameterValueException"),
        ("ReceiveMessage", {"WaitTimeSeconds": 21}, "InvalidParameterValueException"),
        ("ChangeMessageVisibility", {"VisibilityTimeout": 43_201}, "InvalidParameterValueException"),
        ("DeleteMessageBatch", entries(), "EmptyBatchRequest"),
        ("DeleteMessageBatch", entries(*"0123456789a"), "TooManyEntriesInBatchRequest"),
        ("DeleteMessageBatch", entries("1", "1"), "BatchEntryIdsNotDistinct"),
        ("DeleteMessageBatch", entries("1.5"), "InvalidBatchEntryId"),
    ],
)
def test_a_call_over_a_limit_of_sqs_is_refused(operation: str, asked: Mapping[str, Any], code: str) -> None:
    with pytest.raises(Refused) as caught:
        sqs_rules.check(operation, asked)
    assert caught.value.kind.rpartition("#")[2] == code


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        ("CreateQueue", {"QueueName": "a" * 75 + ".fifo", "Attributes": {"VisibilityTimeout": "43200"}}),
        ("SendMessage", {"MessageBody": "\t\n\r é \U0001f600" + "a" * (MESSAGE_BYTES_MAX - 11)}),
        ("ReceiveMessage", {"MaxNumberOfMessages": 10, "WaitTimeSeconds": 20}),
        ("DeleteMessageBatch", entries(*"0123456789")),
    ],
)
def test_a_call_at_a_limit_of_sqs_is_taken(operation: str, asked: Mapping[str, Any]) -> None:
    sqs_rules.check(operation, asked)


async def called(api: SqsApi, operation: str, asked: Mapping[str, Any]) -> tuple[int, Any]:
    """Calls the API as an AWS client does, and returns the status and the document of its answer."""
    said: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"body": orjson.dumps(asked)}

    async def send(message: Any) -> None:
        said.append(message)

    headers = [(b"x-amz-target", f"AmazonSQS.{operation}".encode())]
    await api({"path": "/private", "headers": headers}, receive, send)
    return said[0]["status"], orjson.loads(said[1]["body"])


def refusal(told: tuple[int, Any]) -> tuple[int, str]:
    return told[0], told[1]["__type"].rpartition("#")[2]


def test_the_api_answers_with_the_errors_of_sqs() -> None:
    async def test() -> None:
        api = SqsApi("/private", SessionQueues(usable_after_s=0))
        for operation in ("ReceiveMessage", "DeleteQueue"):
            assert refusal(await called(api, operation, {"QueueUrl": URL})) == (400, "QueueDoesNotExist")
        made = {"QueueName": NAME, "Attributes": {"VisibilityTimeout": "20"}}
        for _twice in range(2):
            assert (await called(api, "CreateQueue", made))[0] == 200
        other = {"QueueName": NAME, "Attributes": {"VisibilityTimeout": "30"}}
        assert refusal(await called(api, "CreateQueue", other)) == (400, "QueueNameExists")
        too_long = {"QueueUrl": URL, "WaitTimeSeconds": 21}
        assert refusal(await called(api, "ReceiveMessage", too_long)) == (400, "InvalidParameterValueException")
        assert refusal(await called(api, "PurgeQueue", {"QueueUrl": URL})) == (400, "UnknownOperationException")
        # What moto would take is refused before it is handed on.
        other_queue = {"QueueUrl": "https://sqs.local/1/other", "MessageBody": "\x00"}
        assert refusal(await called(api, "SendMessage", other_queue)) == (400, "InvalidMessageContents")
        await api.close()

    asyncio.run(test())


def test_a_new_queue_is_not_used_before_its_time() -> None:
    queues = SessionQueues()
    queues.create({"QueueName": NAME})
    with pytest.raises(Refused, match="does not exist"):
        queues.send_form({"QueueUrl": URL, "MessageBody": "MESSAGE 1 id"})


def test_a_receipt_of_another_queue_fails_and_one_of_a_message_that_is_gone_does_not() -> None:
    async def test() -> None:
        queues, _ = full()
        (message,) = (await queues.receive({"QueueUrl": URL}))["Messages"]
        assert "Attributes" not in message
        names = ({"Id": "0", "ReceiptHandle": message["ReceiptHandle"]}, {"Id": "1", "ReceiptHandle": "another's"})
        for _twice in range(2):
            told = queues.remove({"QueueUrl": URL, "Entries": names})
            assert told["Successful"] == [{"Id": "0"}]
            assert [(each["Id"], each["Code"]) for each in told["Failed"]] == [("1", "ReceiptHandleIsInvalid")]

    asyncio.run(test())
