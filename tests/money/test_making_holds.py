"""Tests of what a request asks the store for, and of how far the hold that it gets carries its answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.auth.principal import Principal
from gateway.canonical.limits import KeyLimits, TokenDemand
from gateway.canonical.money import Admission, HoldRequest, Refusal
from gateway.pipeline.holding import Billable, make_hold
from gateway.pipeline.operation import OpenOutput
from gateway.ports.keys import KeyRecord
from tests.fakes.money import MemoryMoney
from tests.money.given import NOW_S, admitted, opened, wanted
from tests.money.test_open_hold import ACCOUNT, Request, UnitMeter, settled
from tests.virtual_time import run


class Asked(MemoryMoney):
    """Memory that notes what a hold is asked for by."""

    requests: list[HoldRequest]

    async def admit(self, request: HoldRequest, now_s: float) -> Admission | Refusal:
        self.requests = [request]
        return await super().admit(request, now_s)


def hold_request(meter: UnitMeter, **settings: Any) -> HoldRequest:
    """Returns what a request of a key with these settings asks the store for."""

    async def story() -> HoldRequest:
        key = KeyRecord(key_id="key_1", account_id=ACCOUNT, name="k", last4="1234", created_at_s=0, **settings)
        billable = Billable("hold-1", "gen", "req", Principal(ACCOUNT, key), "gpt-4o", 1_000, 940, user="anna")
        money = Asked()
        await make_hold(money, billable, meter, NOW_S)
        return money.requests[0]

    return run(story())


def test_a_request_is_held_for_by_all_settings_of_its_key() -> None:
    settings = {"rpm_limit": 7, "tpm_limit": 500, "max_parallel": 3, "user_rpm_limit": 2}
    alerts = {"monthly_spend_cap_nanousd": 1_001, "alert_webhook_url": "https://example.com/spend"}
    assert hold_request(UnitMeter(), **settings, **alerts) == HoldRequest(
        account_id="acct_1",
        key_id="key_1",
        hold_id="hold-1",
        amount_nanousd=100,
        deadline_s=1_000,
        key_rpm_limit=7,
        spend_cap_nanousd=1_001,
        limits=KeyLimits(500, 3, 2),
        tokens=TokenDemand(5, 6, 7),
        lease_until_s=940,
        user="8059a4ab13",
        # 80 % of the cap, rounded up.
        alert_at_nanousd=801,
    )


def test_a_key_without_settings_has_sixty_requests_a_minute_and_no_other_limit() -> None:
    assert hold_request(UnitMeter()) == HoldRequest(
        account_id="acct_1",
        key_id="key_1",
        hold_id="hold-1",
        amount_nanousd=100,
        deadline_s=1_000,
        key_rpm_limit=60,
        lease_until_s=940,
        user="8059a4ab13",
    )
    # A cap that tells no address, and an address without a cap.
    assert hold_request(UnitMeter(), monthly_spend_cap_nanousd=1_000).alert_at_nanousd is None
    assert hold_request(UnitMeter(), alert_webhook_url="https://example.com/spend").alert_at_nanousd is None


def test_an_output_that_cannot_be_watched_is_held_for_at_the_most_too() -> None:
    unseen = hold_request(UnitMeter(OpenOutput(100, 800, 3, watched=False)))
    assert (unseen.amount_nanousd, unseen.most_nanousd) == (100, 800)
    bounded = hold_request(UnitMeter(None))
    assert (bounded.amount_nanousd, bounded.most_nanousd) == (0, None)


@pytest.mark.parametrize(
    ("balance", "units", "bound"),
    [(1_000, 500, 500), (300, 150, 150), (150, 100, 100), (1_600, 800, None), (1_598, 799, 799)],
)
def test_an_output_that_cannot_be_watched_is_bounded_by_what_its_hold_pays_for(
    balance: int, units: int, bound: int | None
) -> None:
    async def story() -> None:
        hold = await Request().admit(balance, meter=UnitMeter(OpenOutput(100, 800, 3, watched=False)))
        assert (hold.units_held, hold.bound_units) == (units, bound)
        # It is never raised.
        assert await hold.carries(10_000)
        await hold.release()

    run(story())


def test_a_hold_in_a_crowded_account_is_moved_beside_its_request() -> None:
    async def story() -> None:
        request = Request()
        await opened(request.money, ACCOUNT, balance=10_000)
        for _ in range(20):
            await admitted(request.money, wanted(ACCOUNT))
        hold = await request.admit(balance=None)
        await asyncio.sleep(0.1)
        assert request.money.asked == ["park"]
        assert hold.hold.parked
        await settled(hold)

    run(story())
