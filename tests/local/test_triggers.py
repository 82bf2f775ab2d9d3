"""Tests that schedules fire at their rate with EventBridge's event."""

import asyncio
from dataclasses import replace

import orjson

from local.aws_services import Services
from local.functions import Functions
from local.invocation import FunctionFailed
from local.template import Schedule
from local.triggers import Triggers
from tests.hangs import HANGS_AFTER_S
from tests.local.harness import small_stack


class Recorder(Functions):
    """Records invocations and fails each of them."""

    def __init__(self) -> None:
        super().__init__({})
        self.seen: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

    async def invoke(self, name: str, event: bytes) -> bytes:
        self.seen.put_nowait((name, event))
        raise FunctionFailed("Unhandled", b"")


def test_a_schedule_fires_again_although_its_function_failed() -> None:
    async def main() -> list[tuple[str, bytes]]:
        schedules = (Schedule("tick", "work", every_s=0), Schedule("given", "other", 3600, '{"a": 1}'))
        stack = replace(small_stack(), schedules=schedules, queue_sources=())
        recorder = Recorder()
        triggers = Triggers(stack, Services("http://d.test", "http://m.test"), recorder)
        async with asyncio.timeout(HANGS_AFTER_S):
            seen = [await recorder.seen.get(), await recorder.seen.get()]
        triggers.end()
        return seen

    seen = asyncio.run(main())
    assert [name for name, _event in seen] == ["work", "work"]
    event = orjson.loads(seen[0][1])
    assert (event["source"], event["detail-type"]) == ("aws.events", "Scheduled Event")
    assert event["resources"] == ["arn:aws:events:us-east-1:123456789012:rule/tick"]
