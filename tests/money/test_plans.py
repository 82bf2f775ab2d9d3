"""Tests of the DynamoDB store's writes: what each assumes, and how it is planned anew after another writer's."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.canonical.limits import KeyLimits, TokenDemand
from gateway.canonical.money import AccountState, CountedCall, EntryKind, Hold, HoldRequest, Refusal, RefusedBy
from gateway.errors import ServiceUnavailable
from gateway.ledger.hold_ids import hold_id_at
from gateway.stores.money.store import DynamoMoney, Seen
from gateway.stores.money.sweep import sweep
from tests.money.given import DEADLINE_S, NOW_S, admitted, charge, free_and_held, opened, refused, seen, wanted
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


async def written_off(money: DynamoMoney) -> Hold:
    """Returns the handle of a hold that the sweeper has charged by its checkpoint, a part of which was written off."""
    await opened(money, ACCOUNT, balance=350)
    hold = await money.checkpoint(await admitted(money, wanted(ACCOUNT, 300)), charge(450))
    await sweep(money, NOW_S + DEADLINE_S)
    return hold


@pytest.mark.parametrize("calls", range(8))
async def test_of_two_late_ends_at_once_one_is_booked_and_both_know_it(
    api: InterruptedDynamoDb, money: DynamoMoney, other: DynamoMoney, calls: int
) -> None:
    hold = await written_off(money)
    await money.credit(ACCOUNT, 500, once="top-up", now_s=NOW_S)
    api.begin(calls, lambda: other.settle(hold, charge(460), NOW_S + DEADLINE_S))
    settled = await money.settle(hold, charge(460), NOW_S + DEADLINE_S)
    assert settled.applied
    assert [entry.entry_id.removeprefix(hold.hold_id) for entry in settled.entries] == ["", "-late", "-shortfall"]
    assert await free_and_held(money, ACCOUNT) == (490, 0)


async def test_a_late_charge_that_the_balance_covers_does_not_mind_a_credit(
    api: InterruptedDynamoDb, money: DynamoMoney, other: DynamoMoney
) -> None:
    await opened(money, ACCOUNT)
    hold = await admitted(money, wanted(ACCOUNT, 300))
    await sweep(money, NOW_S + DEADLINE_S)
    api.calls.clear()
    # The end of an open hold is tried, its entries are read, and the account.
    api.begin(4, lambda: other.credit(ACCOUNT, 1, once="top-up", now_s=NOW_S))
    assert (await money.settle(hold, charge(120), NOW_S + DEADLINE_S)).applied
    assert api.calls["TransactWriteItems"] == 3
    assert await free_and_held(money, ACCOUNT) == (881, 0)


@pytest.mark.parametrize("calls", range(6))
async def test_money_that_comes_in_while_a_late_shortfall_is_written_pays_for_it(
    api: InterruptedDynamoDb, money: DynamoMoney, other: DynamoMoney, calls: int
) -> None:
    hold = await written_off(money)
    api.begin(calls, lambda: other.credit(ACCOUNT, 500, once="top-up", now_s=NOW_S))
    settled = await money.settle(hold, charge(470), NOW_S + DEADLINE_S)
    assert [entry.amount_nanousd for entry in settled.entries if entry.late] == [-20]
    assert await free_and_held(money, ACCOUNT) == (480, 0)


@pytest.mark.parametrize(("used", "later_s", "turned"), [(2, 30, 1), (1, 30, 0), (1, 59, 0), (120, 1, 1), (2, 0, 0)])
def test_the_minute_is_taken_for_turned_once_the_accounts_pace_has_brought_a_request(
    used: int, later_s: int, turned: int
) -> None:
    minute = int(NOW_S) // 60
    seen_before = Seen(minute, used, 202611, 0, {})
    assert seen_before.guess(NOW_S + 60 + later_s).minute == minute + turned


async def test_an_admission_is_stamped_with_its_time_in_milliseconds(money: DynamoMoney) -> None:
    await opened(money, ACCOUNT)
    assert (await admitted(money, wanted(ACCOUNT), NOW_S + 0.25)).admitted_ms == 1_795_243_200_250


async def test_a_call_after_another_is_one_write(api: InterruptedDynamoDb, money: DynamoMoney) -> None:
    await opened(money, ACCOUNT)
    for call in (CountedCall(ACCOUNT, KEY, 60), CountedCall(ACCOUNT, KEY, 60, reads_limit=9)):
        await money.count(call, NOW_S)
        api.calls.clear()
        await money.count(call, NOW_S)
        assert api.calls == {"UpdateItem": 1}


async def test_a_full_window_of_reads_refuses_no_request_and_the_other_way_round(money: DynamoMoney) -> None:
    await opened(money, ACCOUNT)
    read, request = CountedCall(ACCOUNT, KEY, 1, reads_limit=1), CountedCall(ACCOUNT, KEY, 1)
    outcomes = [await money.count(call, NOW_S) for call in (read, read, request, request)]
    assert [isinstance(outcome, Refusal) for outcome in outcomes] == [False, True, False, True]
    other_key = CountedCall(ACCOUNT, "key_b", 1), CountedCall(ACCOUNT, "key_b", 1, reads_limit=1)
    outcomes = [await money.count(other_key[at], NOW_S) for at in (0, 0, 1, 1)]
    assert [isinstance(outcome, Refusal) for outcome in outcomes] == [False, True, False, True]


@pytest.mark.parametrize("beginner", ["admission", "call", "read"])
async def test_each_limit_of_a_key_counts_in_a_minute_that_something_else_began(
    money: DynamoMoney, other: DynamoMoney, beginner: str
) -> None:
    await opened(money, ACCOUNT)
    begun: dict[str, Any] = {
        "admission": lambda: admitted(other, replace(wanted(ACCOUNT, 1), key_id="key_b")),
        "call": lambda: other.count(CountedCall(ACCOUNT, "key_b", 9), NOW_S),
        "read": lambda: other.count(CountedCall(ACCOUNT, "key_b", 9, reads_limit=9), NOW_S),
    }
    await begun[beginner]()
    limits = {
        RefusedBy.TPM: KeyLimits(tpm_limit=10),
        RefusedBy.USER_WINDOW: KeyLimits(user_rpm_limit=1),
        RefusedBy.PARALLEL: KeyLimits(max_parallel=1),
    }
    for number, (rule, limit) in enumerate(limits.items()):
        asked = replace(wanted(ACCOUNT, 1), key_id=f"key_{number}", limits=limit, tokens=TokenDemand(6, 6))
        await admitted(money, asked)
        assert (await refused(money, replace(asked, hold_id=wanted(ACCOUNT).hold_id))).by is rule
    read = CountedCall(ACCOUNT, KEY, 9, reads_limit=1)
    assert isinstance(await money.count(read, NOW_S), AccountState)
    assert isinstance(await money.count(read, NOW_S), Refusal)


@pytest.mark.parametrize("calls", range(7))
async def test_a_late_charge_in_whose_midst_a_count_begins_is_counted_once(
    api: InterruptedDynamoDb, money: DynamoMoney, other: DynamoMoney, calls: int
) -> None:
    await opened(money, ACCOUNT)
    hold = await admitted(money, wanted(ACCOUNT, 300))
    await sweep(money, NOW_S + DEADLINE_S)
    api.begin(calls, lambda: other.track_spend(ACCOUNT, KEY, NOW_S))
    await money.settle(hold, charge(120), NOW_S + DEADLINE_S)
    if KEY not in (await seen(money, ACCOUNT)).key_spent:
        await other.track_spend(ACCOUNT, KEY, NOW_S)
    assert (await seen(money, ACCOUNT)).key_spent == {KEY: 120}
