"""Tests that a running stream saves its cost so far, so that a process's death is charged for the delivered part."""

import asyncio
import contextlib

import pytest

from gateway.canonical.estimate import estimated_tokens
from gateway.canonical.money import Hold
from gateway.pipeline.pipeline import HOLD_GRACE_S
from tests.app.harness import SSE_HEAD, AppUnderTest, Scripted, app_under_test, completion, delta, event, hello, sized
from tests.app.test_streams import doing

pytestmark = pytest.mark.anyio

SOON_S = 0.05


async def open_hold(gateway: AppUnderTest) -> Hold:
    """Returns the one hold, as the sweeper would find it."""
    (hold,) = [hold async for hold in gateway.money.overdue(2**40)]
    return hold


async def hold_after(gateway: AppUnderTest, seconds: float) -> Hold:
    """Returns the hold that the sweeper would find if the process died now, in the middle of a stream."""
    asking = asyncio.create_task(gateway.ask(hello(stream=True)))
    await asyncio.sleep(seconds)
    assert not asking.done()
    hold = await open_hold(gateway)
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    return hold


async def test_what_was_delivered_is_kept_after_a_while() -> None:
    script = doing(SSE_HEAD, event(delta("x" * 400)), 5.0)
    async with Scripted(script) as provider, app_under_test(provider.base_url, checkpoint_s=SOON_S) as gateway:
        kept = (await hold_after(gateway, 0.4)).checkpoint
        assert kept is not None
        assert kept.estimated
        assert kept.usage.output == estimated_tokens(400)
        assert kept.cost_nanousd > 0


async def test_nothing_is_kept_while_nothing_is_delivered() -> None:
    async with (
        Scripted(doing(SSE_HEAD, 5.0)) as provider,
        app_under_test(provider.base_url, checkpoint_s=SOON_S) as gateway,
    ):
        assert (await hold_after(gateway, 0.4)).checkpoint is None


async def test_a_cent_is_kept_at_once() -> None:
    # gpt-4o: 10.50 USD per million tokens of output, so 4,000 characters are a little over a cent.
    script = doing(SSE_HEAD, event(delta("x" * 4000)), 0.05, event(delta("y" * 4000)), 5.0)
    async with Scripted(script) as provider, app_under_test(provider.base_url) as gateway:
        kept = (await hold_after(gateway, 0.5)).checkpoint
        assert kept is not None
        assert kept.cost_nanousd >= 10_000_000


async def test_a_hold_outlives_its_function_by_the_grace_so_that_no_sweep_ends_a_request_that_runs() -> None:
    holds: list[Hold] = []

    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        holds.append(await open_hold(gateway))
        writer.write(sized(200, completion()))
        await writer.drain()

    async with Scripted(script) as provider, app_under_test(provider.base_url) as gateway:
        earliest_s = int(gateway.clock.now_s() + 100)
        await gateway.ask(hello(), seconds_left=100.0)
        latest_s = int(gateway.clock.now_s() + 100)
    assert HOLD_GRACE_S > 0
    assert earliest_s + HOLD_GRACE_S <= holds[0].deadline_s <= latest_s + HOLD_GRACE_S
