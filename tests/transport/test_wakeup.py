"""Tests of the future whose task goes on in the callback that wakes it."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

from gateway.transport.wakeup import Wakeup

SAID: ContextVar[str] = ContextVar("said", default="nothing")


class Waiter:
    """A task that waits for one wakeup; `steps` says what was done, in order."""

    def __init__(self) -> None:
        self.wakeup = Wakeup()
        self.steps: list[str] = []

    async def wait(self) -> None:
        SAID.set("the task's")
        await self.wakeup
        self.steps.append(f"the task goes on with {SAID.get()} context")

    def wake(self) -> None:
        self.wakeup.wake()
        self.steps.append("the waking ends")


def test_a_task_goes_on_inside_the_callback_that_wakes_it_and_in_its_own_context() -> None:
    async def steps() -> list[str]:
        waiter = Waiter()
        task = asyncio.create_task(waiter.wait())
        asyncio.get_running_loop().call_soon(waiter.wake)
        await task
        return waiter.steps

    assert asyncio.run(steps()) == ["the task goes on with the task's context", "the waking ends"]


def test_a_task_that_wakes_another_goes_on_first() -> None:
    async def steps() -> list[str]:
        waiter = Waiter()
        task = asyncio.create_task(waiter.wait())
        await asyncio.sleep(0)
        waiter.wake()
        await task
        return waiter.steps

    assert asyncio.run(steps()) == ["the waking ends", "the task goes on with the task's context"]


def test_a_wait_that_is_cancelled_is_not_woken_again() -> None:
    async def steps() -> list[str]:
        waiter = Waiter()
        task = asyncio.create_task(waiter.wait())
        await asyncio.sleep(0)
        task.cancel()
        asyncio.get_running_loop().call_soon(waiter.wake)
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        return [*waiter.steps, type(outcome).__name__]

    assert asyncio.run(steps()) == ["the waking ends", "CancelledError"]


def test_a_wakeup_before_the_wait_is_not_lost() -> None:
    async def steps() -> list[str]:
        waiter = Waiter()
        waiter.wake()
        await waiter.wait()
        return waiter.steps

    assert asyncio.run(steps()) == ["the waking ends", "the task goes on with the task's context"]


def test_a_wait_may_be_cancelled_twice_before_its_task_runs() -> None:
    async def steps() -> list[dict[str, object]]:
        failures: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, failure: failures.append(failure))
        waiter = Waiter()
        task = asyncio.create_task(waiter.wait())
        await asyncio.sleep(0)
        task.cancel()
        task.cancel()
        await asyncio.wait({task})
        await asyncio.sleep(0)
        assert task.cancelled()
        return failures

    assert asyncio.run(steps()) == []
