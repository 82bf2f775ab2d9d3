"""Tests of the times that a hold is given: when the sweeper may end it, and when its request runs no more."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from gateway.canonical.money import Hold
from tests.app.harness import AppUnderTest, Scripted, app_under_test, hello
from tests.app.test_key_limits import limit
from tests.app.test_streams import doing

pytestmark = pytest.mark.anyio


async def held(gateway: AppUnderTest, seconds_left: float, **request: Any) -> tuple[Hold, float]:
    """Returns the hold of a request that runs, and the time at which it was sent."""
    sent_s = gateway.clock.now_s()
    asking = asyncio.create_task(gateway.ask(hello(**request), seconds_left=seconds_left))
    await asyncio.sleep(0.5)
    (hold,) = (await gateway.look()).holds
    asking.cancel()
    return hold, sent_s


@pytest.mark.parametrize(
    ("seconds_left", "request_", "runs_s"),
    [
        # A whole answer: two minutes of the provider's, and what is around it; a stream: its function's time.
        (900.0, {}, 120 + 15),
        (100.0, {}, 100),
        (900.0, {"stream": True}, 900),
        (100.0, {"stream": True}, 100),
    ],
)
async def test_a_hold_outlives_its_function_by_a_minute_and_its_lease_ends_with_its_request(
    seconds_left: float, request_: dict[str, Any], runs_s: int
) -> None:
    async with Scripted(doing(30.0)) as provider, app_under_test(provider.base_url) as gateway:
        limit(gateway, max_parallel=5)
        await asyncio.sleep(1.5 - gateway.clock.now_s() % 1)
        hold, sent_s = await held(gateway, seconds_left, **request_)
        assert hold.deadline_s == math.floor(sent_s + seconds_left) + 60
        assert hold.lease_until_s == math.floor(sent_s + runs_s) + 1
