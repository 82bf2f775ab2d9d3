"""Tests of the steps of an open hold that fail or hang beside its request."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from gateway.canonical.money import EntryKind
from gateway.errors import ServiceUnavailable
from tests.money.test_open_hold import SERVED, Request, lasts_s, settled
from tests.virtual_time import run


def test_a_checkpoint_that_hangs_is_given_up_at_the_end_although_another_is_due() -> None:
    async def story() -> None:
        request = Request()
        hold = await request.admit()
        request.money.hangs = {"checkpoint"}
        for searches in (1, 2):
            hold.progress(SERVED, 30, (("web_search", searches),))
            await asyncio.sleep(0.1)
        assert await lasts_s(settled(hold)) == 0
        assert request.queue.waiting == []

    run(story())


def test_a_park_that_fails_leaves_the_hold_where_it_is() -> None:
    async def story() -> None:
        request = Request()
        hold = await request.admit()
        request.money.fails = {"park": ServiceUnavailable("busy")}
        hold.hold = replace(hold.hold, crowded=True)
        hold.watch()
        assert hold._parker is not None
        await hold._parker
        await settled(hold)
        assert (hold.hold.parked, await request.ends()) == (False, [(EntryKind.CHARGE, -70)])

    run(story())


def test_an_answer_stops_where_the_store_does_not_raise_its_hold() -> None:
    async def story() -> None:
        request = Request()
        hold = await request.admit()
        request.money.fails = {"extend": ServiceUnavailable("busy")}
        assert await hold.carries(299)
        assert not await hold.carries(300)

    run(story())


def test_a_release_is_a_bill_of_nothing() -> None:
    async def story() -> None:
        bill = await (await Request().admit()).release()
        assert (bill.cost_nanousd, bill.cost_usd, bill.tool_lines) == (0, "0", [])

    run(story())
