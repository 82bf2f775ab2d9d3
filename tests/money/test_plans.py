"""Tests of the DynamoDB store's writes: what each assumes, and how it is planned anew after another writer's."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.canonical.money import CountedCall, EntryKind, Hold, HoldRequest
from gateway.errors import ServiceUnavailable
from gateway.ledger.hold_ids import hold_id_at
from gateway.stores.money.store import DynamoMoney
from gateway.stores.money.sweep import sweep
from tests.money.given import DEADLINE_S, NOW_S, admitted, charge, free_and_held, opened, seen, wanted
from tests.money.test_books import ACCOUNT, KEY, NEXT_MONTH_S, InterruptedDynamoDb, version

pytestmark = pytest.mark.anyio


@pytest.fixture
def api() -> InterruptedDynamoDb:
    return InterruptedDynamoDb()


@pytest.fixture
def money(api: InterruptedDynamoDb) -> DynamoMoney:
    return DynamoMoney(api, "accounts", "ledger")


@pytest.fixture
def other(api: InterruptedDynamoDb) -> DynamoMoney:
    return DynamoMoney(api, "accounts", "ledger")


def capped(amount: int, now_s: float = NOW_S) -> HoldRequest:
    return replace(wanted(ACCOUNT, amount, now_s), spend_cap_nanousd=1_000)


async def test_a_park_is_two_writes_and_a_look(api: InterruptedDynamoDb, money: DynamoMoney) -> None:
    await opened(money, ACCOUNT)
    hold = replace(await admitted(money, wanted(ACCOUNT)), crowded=True)
    api.calls.clear()
    assert await money.park(hold) == replace(hold, parked=True, crowded=False)
    assert api.calls == {"UpdateItem": 2, "GetItem": 1}


async def test_a_park_of_a_hold_that_had_ended_gives_its_amount_back(
    api: InterruptedDynamoDb, money: DynamoMoney
) -> None:
    await opened(money, ACCOUNT)
    await money.release(Hold(ACCOUNT, hold_id_at(NOW_S, 2), "", 0, 0), NOW_S)
    before = version(api)
    await money.park(await admitted(money, replace(wanted(ACCOUNT), hold_id=hold_id_at(NOW_S, 2))))
    assert version(api) == before + 2
    assert await free_and_held(money, ACCOUNT) == (1_000, 0)
    assert not [key for key in api.tables["ledger"].items if key[1].startswith("hold#")]


async def test_a_park_by_a_process_that_does_not_know_of_an_extension_leaves_it(
    money: DynamoMoney, other: DynamoMoney
) -> None:
    await opened(money, ACCOUNT)
    hold = await admitted(money, wanted(ACCOUNT, 300))
    await other.extend(hold, 400)
    parked = await money.park(hold)
    assert await free_and_held(money, ACCOUNT) == (600, 400)
    assert (await money.settle(parked, charge(350), NOW_S)).applied
    assert await free_and_held(money, ACCOUNT) == (650, 0)


@pytest.mark.parametrize("parked", [False, True])
async def test_an_extension_to_what_is_held_is_no_call(
    api: InterruptedDynamoDb, money: DynamoMoney, *, parked: bool
) -> None:
    await opened(money, ACCOUNT)
    hold = await admitted(money, wanted(ACCOUNT, 300))
    hold = await money.park(hold) if parked else hold
    api.calls.clear()
    assert await money.extend(hold, 300) == hold
    assert not api.calls


@pytest.mark.parametrize("parked", [False, True])
async def test_an_extension_in_a_later_month_leaves_that_months_spend(money: DynamoMoney, *, parked: bool) -> None:
    await opened(money, ACCOUNT)
    hold = await admitted(money, capped(300))
    hold = await money.park(hold) if parked else hold
    await admitted(money, capped(20, NEXT_MONTH_S), NEXT_MONTH_S)
    extended = await money.extend(hold, 400, spend_cap_nanousd=1_000)
    assert extended is not None
    assert (extended.amount_nanousd, (await seen(money, ACCOUNT)).key_spent) == (400, {KEY: 20})


async def test_an_end_that_is_planned_anew_tells_nothing_below_the_share(
    money: DynamoMoney, other: DynamoMoney
) -> None:
    await opened(money, ACCOUNT)
    hold = await admitted(money, replace(capped(500), alert_at_nanousd=800))
    await other.park(hold)
    settled = await money.settle(hold, charge(100), NOW_S)
    assert (settled.applied, settled.alert) == (True, False)


async def test_an_end_tells_nothing_of_a_month_that_is_over(money: DynamoMoney) -> None:
    await opened(money, ACCOUNT, balance=10_000)
    hold = await admitted(money, replace(capped(900), alert_at_nanousd=800))
    await admitted(money, capped(900, NEXT_MONTH_S), NEXT_MONTH_S)
    settled = await money.settle(hold, charge(850), NEXT_MONTH_S)
    assert (settled.applied, settled.alert) == (True, False)


async def test_a_step_that_others_outrun_says_that_the_account_is_busy(
    money: DynamoMoney, monkeypatch: pytest.MonkeyPatch
) -> None:
    await opened(money, ACCOUNT)
    hold, late = await admitted(money, wanted(ACCOUNT, 100)), await admitted(money, wanted(ACCOUNT, 100))
    await money.expire(late, NOW_S + DEADLINE_S)
    for module in ("holds", "late", "store"):
        monkeypatch.setattr(f"gateway.stores.money.{module}.PLANS", 0)
    steps: list[Any] = [
        money.admit(wanted(ACCOUNT), NOW_S),
        money.count(CountedCall(ACCOUNT, KEY, 60), NOW_S),
        money.park(hold),
        money.extend(hold, 200),
        money.settle(hold, charge(50), NOW_S),
        money.release(hold, NOW_S),
    ]
    for step in steps:
        with pytest.raises(ServiceUnavailable):
            await step
    monkeypatch.setattr("gateway.stores.money.holds.PLANS", 1)
    with pytest.raises(ServiceUnavailable):
        await money.settle(late, charge(50), NOW_S + DEADLINE_S)
    assert await free_and_held(money, ACCOUNT) == (900, 100)
    monkeypatch.undo()
    await sweep(money, NOW_S + DEADLINE_S)
    assert await free_and_held(money, ACCOUNT) == (1_000, 0)


@pytest.mark.parametrize("parked", [False, True])
async def test_an_end_within_the_hold_needs_no_free_balance(
    api: InterruptedDynamoDb, money: DynamoMoney, *, parked: bool
) -> None:
    await opened(money, ACCOUNT, balance=200)
    holds = [await admitted(money, wanted(ACCOUNT, 100)) for _ in range(2)]
    holds = [await money.park(hold) if parked else hold for hold in holds]
    api.calls.clear()
    assert (await money.settle(holds[0], charge(100), NOW_S)).applied
    assert (await money.release(holds[1], NOW_S)).applied
    assert api.calls == {"TransactWriteItems": 2}


async def test_a_release_of_a_hold_that_was_not_made_is_a_fence(api: InterruptedDynamoDb, money: DynamoMoney) -> None:
    await opened(money, ACCOUNT)
    api.calls.clear()
    released = await money.release(Hold(ACCOUNT, hold_id_at(NOW_S, 2), "", 0, 0), NOW_S)
    assert (released.applied, [entry.kind for entry in released.entries]) == (True, [EntryKind.RELEASE])
    # Neither inside the account nor beside it.
    assert api.calls == {"TransactWriteItems": 3}


@pytest.mark.parametrize("calls", [0, 1, 2])
@pytest.mark.parametrize("parked", [False, True])
async def test_a_release_in_whose_midst_the_hold_is_made_releases_it(
    api: InterruptedDynamoDb, money: DynamoMoney, other: DynamoMoney, calls: int, *, parked: bool
) -> None:
    await opened(money, ACCOUNT)

    async def made() -> None:
        hold = await admitted(other, replace(wanted(ACCOUNT), hold_id=hold_id_at(NOW_S, 2)))
        _ = await other.park(hold) if parked else hold

    api.begin(calls, made)
    assert (await money.release(Hold(ACCOUNT, hold_id_at(NOW_S, 2), "", 0, 0), NOW_S)).applied
    assert await free_and_held(money, ACCOUNT) == (1_000, 0)
