"""Tests of the count of a key's month on every store: a cap may be set, cleared and set again while requests run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.canonical.money import Hold, HoldRequest, RefusedBy
from gateway.ports.money import Money
from gateway.stores.aws.client import Item
from gateway.stores.money.store import DynamoMoney
from gateway.stores.money.sweep import sweep
from tests.money.given import DEADLINE_S, NOW_S, admitted, charge, opened, refused, seen, wanted
from tests.money.simulation.dynamodb import SimulatedDynamoDb

pytestmark = pytest.mark.anyio

KEY = "key_aaaaaaaaaa"
CAP = 1_000
NEXT_MONTH_S = NOW_S + 86_400 * 20


def capped(account_id: str, amount: int, now_s: float = NOW_S) -> HoldRequest:
    """Builds a request of a key that may spend `CAP` a month."""
    return replace(wanted(account_id, amount, now_s), spend_cap_nanousd=CAP)


async def has_room(money: Money, account_id: str, room: int, now_s: float = NOW_S) -> None:
    """Checks that the key may spend exactly `room` more in its month."""
    await refused(money, capped(account_id, room + 1, now_s), now_s)
    hold = await admitted(money, capped(account_id, room, now_s), now_s)
    await money.release(hold, now_s)
    await seen(money, account_id)


async def spent(money: Money, account_id: str, cost: int) -> None:
    """Spends an amount without a cap."""
    await money.settle(await admitted(money, wanted(account_id, cost)), charge(cost), NOW_S)


@pytest.mark.parametrize("parked", [False, True])
async def test_a_cap_counts_the_holds_that_are_open_when_it_is_set(
    money: Money, account_id: str, *, parked: bool
) -> None:
    await opened(money, account_id, balance=10_000)
    hold = await admitted(money, wanted(account_id, 300))
    hold = await money.park(hold) if parked else hold
    await money.track_spend(account_id, KEY, NOW_S)
    await has_room(money, account_id, 700)
    extended = await money.extend(hold, 400)
    assert extended is not None
    await has_room(money, account_id, 600)
    await money.settle(extended, charge(120), NOW_S + 1)
    await has_room(money, account_id, 880)


async def test_the_first_request_of_a_month_is_within_the_cap_too(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=10_000)
    await money.release(await admitted(money, capped(account_id, 10)), NOW_S)
    await has_room(money, account_id, CAP, NEXT_MONTH_S)


async def test_a_count_begins_at_nothing_beside_another_keys(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=10_000)
    await admitted(money, replace(capped(account_id, 50), key_id="key_other"))
    await spent(money, account_id, 200)
    await money.track_spend(account_id, KEY, NOW_S)
    await has_room(money, account_id, 800)


async def test_a_slow_clock_does_not_turn_the_month_back(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=10_000)
    await admitted(money, capped(account_id, CAP, NEXT_MONTH_S), NEXT_MONTH_S)
    assert (await refused(money, capped(account_id, 1))).by is RefusedBy.SPEND_CAP


@pytest.mark.parametrize("parked", [False, True])
async def test_a_count_begins_without_the_spend_of_earlier_months(
    money: Money, account_id: str, *, parked: bool
) -> None:
    await opened(money, account_id, balance=10_000)
    await spent(money, account_id, 200)
    hold = await admitted(money, wanted(account_id, 300))
    hold = await money.park(hold) if parked else hold
    await money.track_spend(account_id, KEY, NEXT_MONTH_S)
    await has_room(money, account_id, CAP, NEXT_MONTH_S)
    await money.settle(hold, charge(300), NEXT_MONTH_S)
    await has_room(money, account_id, CAP, NEXT_MONTH_S)


@pytest.mark.parametrize(("month_s", "told"), [(NOW_S, True), (NEXT_MONTH_S, False)])
async def test_an_end_tells_of_its_keys_spend_in_the_month_in_which_it_counts(
    money: Money, account_id: str, month_s: float, *, told: bool
) -> None:
    await opened(money, account_id, balance=10_000)
    hold = await admitted(money, replace(capped(account_id, 900), alert_at_nanousd=800))
    await admitted(money, replace(wanted(account_id, 1, month_s), key_id="key_b", spend_cap_nanousd=CAP), month_s)
    settled = await money.settle(hold, charge(850), month_s)
    assert (settled.applied, settled.alert) == (True, told)


async def test_a_cap_that_is_cleared_and_set_again_counts_all_of_the_month_once(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=10_000)
    for number in range(3):
        hold = await admitted(money, capped(account_id, 100))
        uncapped = await admitted(money, wanted(account_id, 50))
        await money.track_spend(account_id, KEY, NOW_S)
        await money.settle(hold, charge(90), NOW_S + 1)
        await money.settle(uncapped, charge(60), NOW_S + 1)
        await spent(money, account_id, 10)
        await money.track_spend(account_id, KEY, NOW_S)
        await has_room(money, account_id, CAP - 160 * (number + 1))


async def test_what_was_spent_before_the_first_cap_is_counted_once(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=10_000)
    await spent(money, account_id, 200)
    await spent(money, account_id, 100)
    for _ in range(3):
        await money.track_spend(account_id, KEY, NOW_S)
        await has_room(money, account_id, 700)


async def test_once_counted_a_key_without_a_cap_is_counted_on(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=10_000)
    await money.track_spend(account_id, KEY, NOW_S)
    await spent(money, account_id, 2_000)
    assert (await seen(money, account_id)).key_spent == {KEY: 2_000}
    await refused(money, capped(account_id, 1))


async def test_a_key_that_never_had_a_cap_is_not_counted(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=10_000)
    await spent(money, account_id, 2_000)
    assert (await seen(money, account_id)).key_spent == {}


async def test_a_count_ends_with_its_month(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=10_000)
    await money.track_spend(account_id, KEY, NOW_S)
    hold = await admitted(money, wanted(account_id, 400))
    await admitted(money, wanted(account_id, 100, NEXT_MONTH_S), NEXT_MONTH_S)
    await money.settle(hold, charge(400), NEXT_MONTH_S)
    await money.track_spend(account_id, KEY, NEXT_MONTH_S)
    await has_room(money, account_id, 900, NEXT_MONTH_S)


async def test_a_late_charge_of_a_request_from_before_the_count_is_counted(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=10_000)
    hold = await money.checkpoint(await admitted(money, wanted(account_id, 300)), charge(100))
    await sweep(money, NOW_S + DEADLINE_S + 1)
    await money.track_spend(account_id, KEY, NOW_S)
    await has_room(money, account_id, 900)
    await money.settle(hold, charge(250), NOW_S)
    await has_room(money, account_id, 750)
    await money.track_spend(account_id, KEY, NOW_S)
    await has_room(money, account_id, 750)


class BusyDynamoDb(SimulatedDynamoDb):
    """The simulation of an account that is never quiet: between any two calls, `traffic` runs."""

    def __init__(self) -> None:
        super().__init__(page=3)
        self.traffic: Any = None

    async def call(self, service: str, operation: str, payload: Mapping[str, Any]) -> Item:
        traffic, self.traffic = self.traffic, None
        if traffic is not None:
            await traffic()
            self.traffic = traffic
        return await super().call(service, operation, payload)


@pytest.mark.parametrize("parked", [False, True])
async def test_a_cap_set_on_a_busy_key_misses_nothing(*, parked: bool) -> None:
    api = BusyDynamoDb()
    money, other = (DynamoMoney(api, "accounts", "ledger") for _ in range(2))
    await opened(money, "acct", balance=10**9, rpm_limit=10**9)
    running = [await admitted(other, replace(wanted("acct", 10), key_rpm_limit=10**9)) for _ in range(40)]

    async def traffic() -> None:
        hold = await admitted(other, replace(wanted("acct", 10), key_rpm_limit=10**9))
        running.append(await other.park(hold) if parked else hold)
        await other.settle(running.pop(0), charge(7), NOW_S)

    api.traffic = traffic
    await money.track_spend("acct", KEY, NOW_S)
    api.traffic = None
    look = await seen(money, "acct")
    assert look.key_spent[KEY] == 10**9 - look.free_nanousd
    assert look.key_spent[KEY] > 40 * 10


@pytest.mark.parametrize("parked", [False, True])
@pytest.mark.parametrize(("step", "counted"), [("settle", 7), ("release", 0), ("extend", 400), ("park", 300)])
async def test_a_hold_that_changes_at_any_moment_of_the_count_is_counted_once(
    step: str, counted: int, *, parked: bool
) -> None:
    steps: dict[str, tuple[object, ...]] = {
        "settle": (charge(7), NOW_S),
        "release": (NOW_S,),
        "extend": (400,),
        "park": (),
    }
    for moment in range(12):
        api = BusyDynamoDb()
        money, other = (DynamoMoney(api, "accounts", "ledger") for _ in range(2))
        await opened(money, "acct", balance=10_000)
        hold = await admitted(other, wanted("acct", 300))
        hold = await other.park(hold) if parked else hold
        calls = iter(range(1_000))

        async def traffic(
            calls: Iterator[int] = calls, other: DynamoMoney = other, hold: Hold = hold, moment: int = moment
        ) -> None:
            if next(calls) == moment:
                await getattr(other, step)(hold, *steps[step])

        api.traffic = traffic
        await money.track_spend("acct", KEY, NOW_S)
        for _ in range(moment):
            await traffic()
        api.traffic = None
        assert (await seen(money, "acct")).key_spent == {KEY: counted}


async def test_a_count_passes_over_what_is_left_of_a_hold_that_has_ended(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=10_000)
    hold = await admitted(money, wanted(account_id, 300))
    await money.settle(hold, charge(200), NOW_S)
    await money.park(hold)
    await money.track_spend(account_id, KEY, NOW_S)
    await has_room(money, account_id, 800)


async def test_a_hold_that_is_half_parked_is_counted_once() -> None:
    api = SimulatedDynamoDb(page=3)
    money = DynamoMoney(api, "accounts", "ledger")
    await opened(money, "acct", balance=10_000)
    hold = await admitted(money, wanted("acct", 300))
    await api.call("dynamodb", "UpdateItem", money._own_item(hold))
    await money.track_spend("acct", KEY, NOW_S)
    await has_room(money, "acct", 700)


async def test_each_month_has_a_sum_of_its_own_from_before_its_count(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=10_000)
    await spent(money, account_id, 200)
    await money.track_spend(account_id, KEY, NOW_S)
    hold = await admitted(money, wanted(account_id, 150, NEXT_MONTH_S), NEXT_MONTH_S)
    await money.settle(hold, charge(150), NEXT_MONTH_S)
    await money.track_spend(account_id, KEY, NEXT_MONTH_S)
    await has_room(money, account_id, 850, NEXT_MONTH_S)
