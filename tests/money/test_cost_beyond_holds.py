"""Tests that a key's cap holds where an answer costs more than its hold."""

from __future__ import annotations

import asyncio

import pytest

from gateway.canonical.money import EntryKind
from gateway.canonical.usage import Usage
from gateway.errors import ServiceUnavailable
from gateway.logs.metrics import METRIC
from tests.money.given import seen
from tests.money.test_open_hold import ACCOUNT, SERVED, Request
from tests.virtual_time import run


@pytest.mark.parametrize(("cap", "told"), [(None, 150), (150, 150), (149, 100), (1_000, 150)])
def test_cost_beyond_a_hold_is_charged_as_far_as_the_keys_cap_carries_it(cap: int | None, told: int) -> None:
    async def story() -> None:
        request = Request()
        hold = await request.admit(cap=cap)
        bill = await hold.settle(SERVED, Usage(output=150), estimated=False)
        assert (bill.cost_nanousd, await request.ends()) == (told, [(EntryKind.CHARGE, -told)])
        look = await seen(request.money, ACCOUNT)
        assert (look.free_nanousd, look.held_nanousd) == (1_000 - told, 0)

    run(story())


def test_what_a_cap_does_not_carry_is_written_off_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        hold = await Request().admit(cap=149)
        await hold.settle(SERVED, Usage(output=150), estimated=False)

    with caplog.at_level("INFO", "gateway.logs.metrics"):
        run(story())
    (values,) = (record.__dict__[METRIC] for record in caplog.records if METRIC in record.__dict__)
    assert {name.value: value for name, value in values.items()} == {"Shortfalls": 1, "ShortfallNanoUsd": 50}


@pytest.mark.parametrize("trouble", ["settle", "extend"])
def test_the_queue_is_given_what_the_keys_cap_is_known_to_carry(trouble: str) -> None:
    async def story() -> None:
        request = Request()
        hold = await request.admit(cap=1_000)
        request.money.fails = {trouble: ServiceUnavailable("busy")}
        bill = await hold.settle(SERVED, Usage(output=150), estimated=False)
        ((held, charge),) = request.queue.waiting
        assert charge is not None
        known = 150 if trouble == "settle" else 100
        assert (held.amount_nanousd, charge.cost_nanousd, bill.cost_nanousd) == (known, known, known)

    run(story())


@pytest.mark.parametrize(("cap", "kept"), [(None, 150), (1_000, 100)])
def test_a_checkpoint_of_a_key_with_a_cap_is_for_no_more_than_its_hold(cap: int | None, kept: int) -> None:
    async def story() -> None:
        request = Request()
        hold = await request.admit(cap=cap)
        request.money.hangs = {"extend"}
        hold.progress(SERVED, 450)
        await asyncio.sleep(11)
        assert await request.checkpoint() == kept

    run(story())
