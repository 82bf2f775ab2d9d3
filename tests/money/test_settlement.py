"""Tests of the ends of a hold on every store: each takes effect exactly once, for every order and number of calls."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gateway.canonical.money import EntryKind, Settlement
from gateway.ports.money import Money
from gateway.stores.money.sweep import SweepReport, sweep
from tests.money.given import DEADLINE_S, FAILURE, NOW_S, admitted, charge, free_and_held, opened, seen, wanted

pytestmark = pytest.mark.anyio

OVERDUE_S = NOW_S + DEADLINE_S + 1


async def test_a_settlement_charges_the_cost_and_gives_back_the_rest(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    await money.settle(hold, charge(120), NOW_S + 5)
    assert await free_and_held(money, account_id) == (880, 0)


async def test_the_entry_names_everything_it_was_for(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    await money.settle(hold, charge(120), NOW_S + 5)
    entry = (await seen(money, account_id)).entries[-1]
    assert (entry.kind, entry.amount_nanousd, entry.charge) == (EntryKind.CHARGE, -120, charge(120))
    assert (entry.hold_id, entry.key_id, entry.created_at_s) == (hold.hold_id, hold.key_id, int(NOW_S) + 5)


@pytest.mark.parametrize("parked", [False, True])
async def test_the_entry_of_a_release_names_the_request_that_failed_and_its_tries(
    money: Money, account_id: str, *, parked: bool
) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    # A stale handle learns where the hold is, and the entry has the failure all the same.
    if parked:
        await money.park(hold)
    await money.release(hold, NOW_S + 5, FAILURE)
    entry = (await seen(money, account_id)).entries[-1]
    assert (entry.kind, entry.amount_nanousd, entry.charge, entry.failure) == (EntryKind.RELEASE, 0, None, FAILURE)
    assert (await money.release(hold, NOW_S + 6)).entries == (entry,)


async def test_a_cost_of_nothing_is_settled_as_any_other(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    await money.settle(hold, charge(0), NOW_S + 5)
    assert await free_and_held(money, account_id) == (1_000, 0)


async def test_a_hold_of_nothing_is_held_and_released(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 0))
    assert (await money.release(hold, NOW_S + 1)).applied
    assert await free_and_held(money, account_id) == (1_000, 0)


@pytest.mark.parametrize("parked", [False, True])
async def test_settling_twice_charges_once(money: Money, account_id: str, *, parked: bool) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    hold = await money.park(hold) if parked else hold
    first = await money.settle(hold, charge(120), NOW_S + 5)
    again = await money.settle(hold, charge(120), NOW_S + 9)
    assert first.applied
    assert again.entries == first.entries
    assert await free_and_held(money, account_id) == (880, 0)


async def test_a_settlement_after_a_release_changes_nothing_and_says_so(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    released = await money.release(hold, NOW_S + 5)
    late = await money.settle(hold, charge(120), NOW_S + 6)
    assert late == Settlement(applied=False, entries=released.entries)
    assert await free_and_held(money, account_id) == (1_000, 0)


async def test_a_release_after_a_settlement_changes_nothing_and_says_so(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    settled = await money.settle(hold, charge(120), NOW_S + 5)
    assert await money.release(hold, NOW_S + 6) == Settlement(applied=False, entries=settled.entries)
    assert await free_and_held(money, account_id) == (880, 0)


async def test_a_hold_that_never_was_has_no_end(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    stranger = replace(hold, hold_id="0000000000000000")
    assert await money.settle(stranger, charge(120), NOW_S) == Settlement(applied=False, entries=())
    assert await free_and_held(money, account_id) == (700, 300)


async def test_cost_beyond_the_hold_is_taken_from_the_balance(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    await money.settle(hold, charge(450), NOW_S + 5)
    assert await free_and_held(money, account_id) == (550, 0)


@pytest.mark.parametrize("parked", [False, True])
async def test_cost_beyond_hold_and_balance_is_written_off_in_sight(
    money: Money, account_id: str, *, parked: bool
) -> None:
    await opened(money, account_id, balance=350)
    hold = await admitted(money, wanted(account_id, 300))
    hold = await money.park(hold) if parked else hold
    await money.settle(hold, charge(450), NOW_S + 5)
    look = await seen(money, account_id)
    assert [(entry.kind, entry.amount_nanousd) for entry in look.entries[1:]] == [
        (EntryKind.CHARGE, -450),
        (EntryKind.SHORTFALL, 100),
    ]
    assert (look.free_nanousd, look.held_nanousd) == (0, 0)


async def test_a_shortfall_settled_twice_is_written_off_once(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=350)
    hold = await admitted(money, wanted(account_id, 300))
    first = await money.settle(hold, charge(450), NOW_S + 5)
    assert await money.settle(hold, charge(450), NOW_S + 6) == first
    assert await free_and_held(money, account_id) == (0, 0)


async def test_a_parked_hold_is_the_same_hold(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await money.park(await admitted(money, wanted(account_id, 300)))
    look = await seen(money, account_id)
    assert [(found.hold_id, found.amount_nanousd) for found in look.holds] == [(hold.hold_id, 300)]
    await money.settle(hold, charge(120), NOW_S + 5)
    assert await free_and_held(money, account_id) == (880, 0)


async def test_parking_twice_parks_once(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    assert await money.park(hold) == await money.park(hold)
    assert await free_and_held(money, account_id) == (700, 300)


async def test_an_end_that_does_not_know_of_the_parking_ends_a_parked_hold(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    await money.park(hold)
    assert (await money.settle(hold, charge(120), NOW_S + 5)).applied
    look = await seen(money, account_id)
    assert (look.free_nanousd, look.holds) == (880, ())


async def test_a_park_that_comes_after_the_end_brings_no_hold_back(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    await money.settle(hold, charge(120), NOW_S + 5)
    await money.park(hold)
    await sweep(money, OVERDUE_S)
    look = await seen(money, account_id)
    assert (look.free_nanousd, look.holds) == (880, ())


@pytest.mark.parametrize("parked", [False, True])
async def test_an_extension_takes_the_difference_from_the_balance(
    money: Money, account_id: str, *, parked: bool
) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    hold = await money.park(hold) if parked else hold
    extended = await money.extend(hold, 500)
    assert extended is not None
    assert await free_and_held(money, account_id) == (500, 500)
    await money.settle(extended, charge(480), NOW_S + 5)
    assert await free_and_held(money, account_id) == (520, 0)


@pytest.mark.parametrize("parked", [False, True])
async def test_an_extension_repeated_is_made_once(money: Money, account_id: str, *, parked: bool) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    hold = await money.park(hold) if parked else hold
    assert await money.extend(hold, 500) is not None
    assert await money.extend(hold, 500) is not None
    assert await free_and_held(money, account_id) == (500, 500)


@pytest.mark.parametrize("parked", [False, True])
async def test_an_extension_beyond_the_balance_is_refused_and_moves_nothing(
    money: Money, account_id: str, *, parked: bool
) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    hold = await money.park(hold) if parked else hold
    assert await money.extend(hold, 1_001) is None
    assert await free_and_held(money, account_id) == (700, 300)


@pytest.mark.parametrize("parked", [False, True])
async def test_an_extension_beyond_the_spend_cap_is_refused(money: Money, account_id: str, *, parked: bool) -> None:
    await opened(money, account_id)
    hold = await admitted(money, replace(wanted(account_id, 300), spend_cap_nanousd=400))
    hold = await money.park(hold) if parked else hold
    assert await money.extend(hold, 401, spend_cap_nanousd=400) is None
    assert await money.extend(hold, 400, spend_cap_nanousd=400) is not None


async def test_what_is_left_of_a_hold_that_has_ended_is_not_extended(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    await money.settle(hold, charge(120), NOW_S)
    parked = await money.park(hold)
    assert await money.extend(parked, 500) is None
    assert await free_and_held(money, account_id) == (880, 0)


async def test_an_extension_that_does_not_know_of_the_parking_may_take_all_that_is_left(
    money: Money, account_id: str
) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    await money.park(hold)
    assert await money.extend(hold, 1_001) is None
    assert await money.extend(hold, 1_000) is not None
    assert await free_and_held(money, account_id) == (0, 1_000)


async def test_an_extension_that_does_not_know_of_the_parking_may_take_all_of_the_cap(
    money: Money, account_id: str
) -> None:
    await opened(money, account_id)
    hold = await admitted(money, replace(wanted(account_id, 300), spend_cap_nanousd=400))
    await money.park(hold)
    assert await money.extend(hold, 401, spend_cap_nanousd=400) is None
    assert await money.extend(hold, 400, spend_cap_nanousd=400) is not None
    assert await free_and_held(money, account_id) == (600, 400)


async def test_a_hold_of_another_month_is_extended_although_this_months_cap_is_spent(
    money: Money, account_id: str
) -> None:
    await opened(money, account_id)
    hold = await admitted(money, replace(wanted(account_id, 300), spend_cap_nanousd=400))
    next_month_s = NOW_S + 86_400 * 20
    await admitted(money, replace(wanted(account_id, 400, next_month_s), spend_cap_nanousd=400), next_month_s)
    assert await money.extend(hold, 350, spend_cap_nanousd=400) is not None
    assert await free_and_held(money, account_id) == (250, 750)


@pytest.mark.parametrize("parked", [False, True])
async def test_a_hold_that_has_ended_is_not_extended(money: Money, account_id: str, *, parked: bool) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    hold = await money.park(hold) if parked else hold
    await money.release(hold, NOW_S + 1)
    assert await money.extend(hold, 500) is None
    assert await free_and_held(money, account_id) == (1_000, 0)


@pytest.mark.parametrize("parked", [False, True])
async def test_the_sweeper_gives_back_a_hold_whose_deadline_is_over(
    money: Money, account_id: str, *, parked: bool
) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    _ = await money.park(hold) if parked else hold
    await sweep(money, NOW_S + DEADLINE_S)
    look = await seen(money, account_id)
    assert (look.free_nanousd, look.holds, look.entries[-1].kind) == (1_000, (), EntryKind.RELEASE)


@pytest.mark.parametrize("parked", [False, True])
async def test_the_sweeper_leaves_a_hold_whose_deadline_is_to_come(
    money: Money, account_id: str, *, parked: bool
) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    _ = await money.park(hold) if parked else hold
    await sweep(money, NOW_S + DEADLINE_S - 1)
    assert await free_and_held(money, account_id) == (700, 300)


async def test_the_sweeper_charges_the_last_checkpoint_as_an_estimate(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    hold = await money.checkpoint(hold, charge(50))
    await money.checkpoint(hold, charge(80))
    await sweep(money, OVERDUE_S)
    look = await seen(money, account_id)
    assert (look.free_nanousd, look.entries[-1].charge) == (920, replace(charge(80), estimated=True))


async def test_a_checkpoint_that_arrives_late_does_not_replace_a_larger_one(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    hold = await money.checkpoint(hold, charge(80))
    await money.checkpoint(hold, charge(50))
    await sweep(money, OVERDUE_S)
    assert await free_and_held(money, account_id) == (920, 0)


async def test_of_two_checkpoints_of_one_cost_the_later_is_charged(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    hold = await money.checkpoint(hold, charge(80))
    later = replace(charge(80), generation_id="gen-nxn-2")
    await money.checkpoint(hold, later)
    await sweep(money, OVERDUE_S)
    assert (await seen(money, account_id)).entries[-1].charge == replace(later, estimated=True)


async def test_a_second_sweep_finds_nothing(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    await admitted(money, wanted(account_id, 300))
    await money.park(await admitted(money, wanted(account_id, 300)))
    await sweep(money, OVERDUE_S)
    assert await sweep(money, OVERDUE_S) == SweepReport()


async def test_a_checkpoint_after_the_end_brings_no_hold_back(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    await money.release(hold, NOW_S + 1)
    await money.checkpoint(hold, charge(50))
    await sweep(money, OVERDUE_S)
    assert await free_and_held(money, account_id) == (1_000, 0)


async def test_a_payment_is_credited_once(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=0)
    first = await money.credit(account_id, 70, once="evt_1", now_s=NOW_S, note="top-up")
    again = await money.credit(account_id, 70, once="evt_1", now_s=NOW_S + 9)
    assert again == first
    await money.credit(account_id, 5, once="evt_2", now_s=NOW_S)
    assert await free_and_held(money, account_id) == (75, 0)


async def test_a_billion_dollars_can_be_credited(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=0)
    await money.credit(account_id, 10**18, once="evt_1", now_s=NOW_S)
    assert await free_and_held(money, account_id) == (10**18, 0)


@pytest.mark.parametrize("amount", [0, -1, 10**18 + 1])
async def test_what_is_no_money_coming_in_is_not_credited(money: Money, account_id: str, amount: int) -> None:
    await opened(money, account_id, balance=0)
    with pytest.raises(ValueError, match="credit"):
        await money.credit(account_id, amount, once="evt_1", now_s=NOW_S)


async def test_entries_are_listed_newest_first_within_their_time(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    for minute in range(4):
        now_s = NOW_S + 60 * minute
        hold = await admitted(money, wanted(account_id, 10, now_s), now_s)
        await money.settle(hold, charge(minute), now_s + 1)
    listed = await money.entries(account_id, since_s=NOW_S + 60, until_s=NOW_S + 180, limit=10)
    assert [entry.amount_nanousd for entry in listed] == [-2, -1]
    assert len(await money.entries(account_id, since_s=0, until_s=NOW_S + 999, limit=2)) == 2
