"""Tests of members' spend caps on every store: what a member spends in a month never passes its cap, by any key."""

from __future__ import annotations

import asyncio
import random

import pytest
from msgspec.structs import replace

from gateway.canonical.money import Admission, Hold, HoldRequest, RefusedBy, seat_name
from gateway.ports.money import Money
from gateway.stores.money.store import DynamoMoney
from gateway.stores.money.sweep import sweep
from tests.money.given import DEADLINE_S, NOW_S, admitted, charge, opened, refused, seen, wanted
from tests.money.invariants import Checked
from tests.money.simulation.dynamodb import SimulatedDynamoDb

pytestmark = pytest.mark.anyio

CAP = 1_000
OVERDUE_S = NOW_S + DEADLINE_S + 1
NEXT_MONTH_S = NOW_S + 86_400 * 20
OTHER_KEY = "key_bbbbbbbbbb"


def at_seat(account_id: str, amount: int, seat: int = 1, now_s: float = NOW_S, cap: int | None = CAP) -> HoldRequest:
    """Builds a request of a member's key; the member may spend `CAP` a month."""
    return replace(wanted(account_id, amount, now_s), seat=seat, seat_cap_nanousd=cap, key_rpm_limit=1_000)


async def has_room(money: Money, account_id: str, room: int, seat: int = 1, now_s: float = NOW_S) -> None:
    """Checks that the member may spend exactly `room` more in its month, by a key that it has not used yet."""
    beyond = replace(at_seat(account_id, room + 1, seat, now_s), key_id=OTHER_KEY)
    assert (await refused(money, beyond, now_s)).by is RefusedBy.SEAT_CAP
    hold = await admitted(money, replace(at_seat(account_id, room, seat, now_s), key_id=OTHER_KEY), now_s)
    await money.release(hold, now_s)
    await seen(money, account_id)


@pytest.mark.parametrize("parked", [False, True])
async def test_a_member_has_one_cap_for_all_its_keys(money: Money, account_id: str, *, parked: bool) -> None:
    await opened(money, account_id, balance=10_000)
    hold = await admitted(money, at_seat(account_id, 300))
    hold = await money.park(hold) if parked else hold
    await has_room(money, account_id, 700)
    await has_room(money, account_id, CAP, seat=2)
    await money.settle(hold, charge(120), NOW_S + 1)
    await has_room(money, account_id, 880)
    assert await money.seat_spend(account_id, NOW_S) == {1: 120, 2: 0}


async def test_a_refused_member_is_told_when_the_next_month_begins(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=10_000)
    refusal = await refused(money, at_seat(account_id, CAP + 1))
    error = refusal.error()
    assert (error.status, error.code, error.should_retry) == (429, "tenant_monthly_quota_exceeded", False)
    assert error.retry_after_s == 840_000
    assert "member" in error.message


async def test_a_caps_first_month_counts_what_was_spent_before_it_was_set(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=10_000)
    await money.settle(await admitted(money, at_seat(account_id, 200, cap=None)), charge(150), NOW_S)
    await admitted(money, at_seat(account_id, 50, cap=None))
    await has_room(money, account_id, 800)


@pytest.mark.parametrize("capped", [False, True])
async def test_a_month_that_begins_counts_key_and_member_anew(money: Money, account_id: str, *, capped: bool) -> None:
    await opened(money, account_id, balance=10_000)
    cap = 500 if capped else None
    old = await admitted(money, replace(at_seat(account_id, 300), spend_cap_nanousd=cap))
    await refused(money, at_seat(account_id, CAP + 1, now_s=NEXT_MONTH_S), NEXT_MONTH_S)
    asked = replace(at_seat(account_id, 400, now_s=NEXT_MONTH_S), spend_cap_nanousd=cap)
    await admitted(money, asked, NEXT_MONTH_S)
    await money.settle(old, charge(300), NEXT_MONTH_S)
    await has_room(money, account_id, 600, now_s=NEXT_MONTH_S)
    assert await money.seat_spend(account_id, NEXT_MONTH_S) == {1: 400}
    assert (await seen(money, account_id)).key_spent.get("key_aaaaaaaaaa") == (400 if capped else None)


async def test_a_slow_clock_does_not_turn_a_members_month_back(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=10_000)
    await admitted(money, at_seat(account_id, CAP, now_s=NEXT_MONTH_S), NEXT_MONTH_S)
    assert (await refused(money, at_seat(account_id, 1))).by is RefusedBy.SEAT_CAP


async def test_the_tighter_of_both_caps_refuses(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=10_000)
    await admitted(money, replace(at_seat(account_id, 500), spend_cap_nanousd=600))
    assert (await refused(money, replace(at_seat(account_id, 200), spend_cap_nanousd=600))).by is RefusedBy.SPEND_CAP
    assert (await refused(money, replace(at_seat(account_id, 600), spend_cap_nanousd=5_000))).by is RefusedBy.SEAT_CAP
    await admitted(money, replace(at_seat(account_id, 100), spend_cap_nanousd=600))


async def test_a_members_key_gets_a_count_of_its_own_beside_the_members(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=10_000)
    hold = await admitted(money, at_seat(account_id, 300))
    await money.track_spend(account_id, hold.key_id, NOW_S)
    await money.settle(hold, charge(250), NOW_S + 1)
    assert (await seen(money, account_id)).key_spent == {hold.key_id: 250, seat_name(1): 250}


@pytest.mark.parametrize("parked", [False, True])
async def test_a_hold_is_raised_within_the_members_cap(money: Money, account_id: str, *, parked: bool) -> None:
    await opened(money, account_id, balance=10_000)
    await admitted(money, at_seat(account_id, 500))
    hold = await admitted(money, at_seat(account_id, 100))
    hold = await money.park(hold) if parked else hold
    assert await money.extend(hold, 501, seat_cap_nanousd=CAP) is None
    raised = await money.extend(hold, 500, seat_cap_nanousd=CAP)
    assert raised is not None
    await has_room(money, account_id, 0)
    await money.release(raised, NOW_S + 1)
    await has_room(money, account_id, 500)


async def test_a_hold_of_the_most_takes_half_of_what_the_member_has_left(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=10_000)
    await admitted(money, at_seat(account_id, 600))
    hold = await admitted(money, replace(at_seat(account_id, 10), most_nanousd=5_000))
    assert hold.amount_nanousd == 200
    await has_room(money, account_id, 200)


@pytest.mark.parametrize(("checkpoint", "room"), [(None, 880), (80, 880), (200, 880)])
async def test_an_end_after_the_sweeper_corrects_what_the_member_has_spent(
    money: Money, account_id: str, checkpoint: int | None, room: int
) -> None:
    await opened(money, account_id, balance=10_000)
    hold = await admitted(money, at_seat(account_id, 300))
    if checkpoint is not None:
        hold = await money.checkpoint(hold, charge(checkpoint))
    await sweep(money, OVERDUE_S)
    await has_room(money, account_id, CAP - (checkpoint or 0))
    assert (await money.settle(hold, charge(120), OVERDUE_S + 60)).applied
    await has_room(money, account_id, room)


async def test_a_late_end_in_another_month_leaves_that_months_spend(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=10_000)
    hold = await admitted(money, at_seat(account_id, 300))
    await sweep(money, OVERDUE_S)
    await admitted(money, at_seat(account_id, 100, now_s=NEXT_MONTH_S), NEXT_MONTH_S)
    assert (await money.settle(hold, charge(120), NEXT_MONTH_S)).applied
    await has_room(money, account_id, 900, now_s=NEXT_MONTH_S)


async def test_two_members_in_parallel_pass_neither_their_caps_nor_the_balance(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=1_500, rpm_limit=10_000)
    asked = [at_seat(account_id, 170, seat=1 + number % 2) for number in range(24)]
    if isinstance(money, Checked):
        money.resting = False
    outcomes = await asyncio.gather(*(money.admit(one, NOW_S) for one in asked))
    look = await seen(money, account_id)
    holds = [outcome.hold for outcome in outcomes if isinstance(outcome, Admission)]
    assert {hold.hold_id for hold in look.holds} == {hold.hold_id for hold in holds}
    assert look.held_nanousd <= 1_500
    spent = await money.seat_spend(account_id, NOW_S)
    assert sum(spent.values()) == look.held_nanousd == 170 * 8
    assert max(spent.values()) <= CAP


@pytest.mark.parametrize("seed", range(8))
async def test_processes_that_know_nothing_of_each_other_keep_members_within_their_caps(seed: int) -> None:
    chance, api = random.Random(seed), SimulatedDynamoDb(page=3)
    processes = [DynamoMoney(api, "accounts", "ledger") for _ in range(4)]
    await opened(processes[0], "acct", balance=1_700, rpm_limit=10_000)

    async def member(seat: int) -> None:
        for _ in range(25):
            money = chance.choice(processes)
            outcome = await money.admit(at_seat("acct", chance.randint(20, 200), seat), NOW_S)
            if isinstance(outcome, Admission):
                await used(chance.choice(processes), outcome.hold)
            assert all(spent <= CAP for spent in (await money.seat_spend("acct", NOW_S)).values())

    async def used(money: Money, hold: Hold) -> None:
        hold = await money.park(hold) if chance.random() < 0.3 else hold
        raised = await money.extend(hold, hold.amount_nanousd * 2, seat_cap_nanousd=CAP)
        hold = raised or hold
        match chance.randrange(3):
            case 0:
                await money.release(hold, NOW_S)
            case 1:
                await money.settle(hold, charge(chance.randint(0, hold.amount_nanousd)), NOW_S)
            case _:
                await asyncio.sleep(0)

    await asyncio.gather(*(member(seat) for seat in (1, 1, 2, 2)))
    look = await seen(processes[0], "acct")
    assert set(look.key_spent) == {seat_name(1), seat_name(2)}
    assert max(look.key_spent.values()) > CAP // 2
