"""Tests that letters are heard in their order where their mailbox stands still, and soon where no other follows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from gateway.ports.sockets import Letter
from gateway.sockets.inbox import LAST_POLL_S, SETTLES_S, Inbox
from gateway.sockets.order import NOTHING_S
from local.websocket_gateway import Ids
from tests.fakes.sockets import MemoryMailboxes
from tests.virtual_time import LoopClock, run

ID = "L0SM9cOFvHcCIhw="


class StandingMailboxes(MemoryMailboxes):
    """Mailboxes that may stand still: what is asked waits, and so does what was answered."""

    def __init__(self) -> None:
        super().__init__()
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.looks = 0

    async def receive(self, connection_id: str, wait_s: int) -> Sequence[Letter]:
        self.looks += 1
        await self.goes_on.wait()
        found = await super().receive(connection_id, wait_s)
        await self.goes_on.wait()
        return found


def read(test: Callable[[StandingMailboxes, list[bytes | None]], Awaitable[None]]) -> None:
    """Runs a test with an inbox that is read, and the list of what is heard."""

    async def main() -> None:
        mailboxes, clock, heard = StandingMailboxes(), LoopClock(), []
        await mailboxes.open(ID)
        inbox = Inbox(mailboxes, clock, ID)

        async def take(letter: Letter) -> None:
            heard.append(letter.data)

        tasks = [asyncio.create_task(inbox.read(clock.now_s() + 1000)), asyncio.create_task(inbox.hear(take))]
        await asyncio.sleep(LAST_POLL_S)
        await test(mailboxes, heard)
        for task in tasks:
            assert not task.done()
            task.cancel()

    run(main())


@pytest.mark.parametrize("at_ms", [1_000, 1_004])
def test_a_mailbox_that_stands_still_is_not_taken_for_an_empty_one(at_ms: int) -> None:
    ids = Ids()
    first, second, third = (Letter(ids.new(), 1_000, ids.new(), b"%d" % number) for number in (1, 2, 3))
    third = Letter(third.receipt, at_ms, third.id, third.data)

    async def test(mailboxes: StandingMailboxes, heard: list[bytes | None]) -> None:
        mailboxes.put(ID, second)
        await asyncio.sleep(0.001)
        mailboxes.put(ID, third)
        await asyncio.sleep(0.001)
        mailboxes.goes_on.clear()
        await asyncio.sleep(30)
        assert heard == []
        mailboxes.put(ID, first)
        mailboxes.goes_on.set()
        await asyncio.sleep(LAST_POLL_S)
        assert heard == [b"1", b"2", b"3"]

    read(test)


@pytest.mark.parametrize("count", [1, 10, 15])
def test_letters_that_nothing_follows_are_heard_soon_by_one_look_more(count: int) -> None:
    ids = Ids()

    async def test(mailboxes: StandingMailboxes, heard: list[bytes | None]) -> None:
        before = mailboxes.looks
        for number in range(count):
            mailboxes.put(ID, Letter(ids.new(), 1_000, ids.new(), b"%d" % number))
        await asyncio.sleep(NOTHING_S + SETTLES_S + 0.001)
        assert heard == [b"%d" % number for number in range(count)]
        # The one that finds them, as many as it takes, the one that waits for others, and the one beside it.
        assert mailboxes.looks - before <= -(-count // 10) + 2

    read(test)
