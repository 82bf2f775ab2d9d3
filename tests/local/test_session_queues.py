"""Tests the queues of sessions on the local stack: no more is kept than a machine's memory bears."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from local.queues import KEPT_MAX, Queue, SessionQueues
from tests.hangs import HANGS_AFTER_S

NAME = "local-realtime-L0SM9cOFvHcCIhw"
URL = f"https://sqs.local/1/{NAME}"


def full() -> tuple[SessionQueues, Queue]:
    queues = SessionQueues()
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
