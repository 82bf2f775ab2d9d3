"""Tests of admission on every store: it takes full effect or none, for every rule that refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from gateway.canonical.money import Admission, HoldRequest, Refusal, RefusedBy, Window
from gateway.errors import Conflict, InsufficientBalance, NotFound, RateLimited
from gateway.limits.windows import month_of
from gateway.ports.money import Money
from tests.money.given import NOW_S, admitted, charge, free_and_held, opened, refused, seen, wanted
from tests.money.invariants import Checked

pytestmark = pytest.mark.anyio

T = TypeVar("T")


async def at_once(money: Money, steps: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Runs the steps side by side; the account is looked at when they have come to rest."""
    if isinstance(money, Checked):
        money.resting = False
    outcomes = await asyncio.gather(*steps)
    if isinstance(money, Checked):
        money.resting = True
    return outcomes


JANUARY_S = 1_798_761_600.0 + 600  # 2027-01-01 00:10 UTC


async def test_an_admission_holds_the_amount_and_tells_what_is_left(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=1_000)
    outcome = await money.admit(wanted(account_id, 300), NOW_S + 12)
    assert isinstance(outcome, Admission)
    assert (outcome.window, outcome.free_nanousd) == (Window(limit=60, remaining=59, reset_s=48), 700)
    assert await free_and_held(money, account_id) == (700, 300)


async def test_the_hold_carries_its_deadline_and_key(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    asked = wanted(account_id, 300)
    await admitted(money, asked)
    (hold,) = (await seen(money, account_id)).holds
    assert (hold.hold_id, hold.key_id, hold.amount_nanousd, hold.deadline_s, hold.tokens) == (
        asked.hold_id,
        asked.key_id,
        300,
        asked.deadline_s,
        0,
    )


async def test_an_admission_repeated_with_its_hold_id_holds_once(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    asked = wanted(account_id, 300)
    assert await admitted(money, asked) == await admitted(money, asked)
    assert await free_and_held(money, account_id) == (700, 300)


async def test_a_balance_that_does_not_cover_the_hold_refuses(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=99)
    refusal = await refused(money, wanted(account_id, 100))
    assert (refusal.by, refusal.free_nanousd) == (RefusedBy.BALANCE, 99)
    assert refusal.error().code == "insufficient_balance"


async def test_an_empty_account_is_suspended(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=0)
    error = (await refused(money, wanted(account_id, 1))).error()
    assert (type(error), error.code) == (InsufficientBalance, "account_suspended")


async def test_an_unknown_account_is_suspended(money: Money, account_id: str) -> None:
    assert (await refused(money, wanted(account_id))).by is RefusedBy.SUSPENDED
    assert await money.read_account(account_id) is None


async def test_a_disabled_account_is_refused_until_it_is_enabled_again(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    await money.set_account(account_id, disabled=True)
    assert (await refused(money, wanted(account_id))).by is RefusedBy.SUSPENDED
    await money.set_account(account_id, disabled=False)
    await admitted(money, wanted(account_id), NOW_S + 6)


async def test_the_keys_window_refuses_its_next_request_and_no_other_keys(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    for _ in range(2):
        await admitted(money, replace(wanted(account_id), key_rpm_limit=2))
    refusal = await refused(money, replace(wanted(account_id), key_rpm_limit=2))
    assert (refusal.by, refusal.window) == (RefusedBy.KEY_WINDOW, Window(limit=2, remaining=0, reset_s=60))
    await admitted(money, replace(wanted(account_id), key_id="key_bbbbbbbbbb", key_rpm_limit=2))


async def test_the_accounts_window_refuses_every_key(money: Money, account_id: str) -> None:
    await opened(money, account_id, rpm_limit=2)
    for key_id in ("key_aaaaaaaaaa", "key_bbbbbbbbbb"):
        await admitted(money, replace(wanted(account_id), key_id=key_id))
    refusal = await refused(money, replace(wanted(account_id), key_id="key_cccccccccc"), NOW_S + 20)
    assert (refusal.by, refusal.window) == (RefusedBy.ACCOUNT_WINDOW, Window(limit=2, remaining=0, reset_s=40))
    error = refusal.error()
    assert (type(error), error.code, error.retry_after_s) == (RateLimited, "rate_limit_exceeded", 40)


async def test_a_window_opens_again_with_the_next_utc_minute(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    last = replace(wanted(account_id, now_s=NOW_S + 59.9), key_rpm_limit=1)
    await admitted(money, last, NOW_S + 59.9)
    await refused(money, replace(wanted(account_id), key_rpm_limit=1), NOW_S + 59.95)
    outcome = await money.admit(replace(wanted(account_id), key_rpm_limit=1), NOW_S + 60)
    assert isinstance(outcome, Admission)
    assert outcome.window == Window(limit=1, remaining=0, reset_s=60)


async def test_a_clock_that_is_behind_counts_in_the_minute_that_was_reached(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    await admitted(money, replace(wanted(account_id), key_rpm_limit=2), NOW_S + 60)
    await admitted(money, replace(wanted(account_id), key_rpm_limit=2), NOW_S + 59)
    assert (await refused(money, replace(wanted(account_id), key_rpm_limit=2), NOW_S + 61)).by is RefusedBy.KEY_WINDOW


async def test_the_tighter_window_is_told(money: Money, account_id: str) -> None:
    await opened(money, account_id, rpm_limit=10)
    outcome = await money.admit(wanted(account_id), NOW_S)
    assert isinstance(outcome, Admission)
    assert outcome.window == Window(limit=10, remaining=9, reset_s=60)


async def test_a_changed_account_limit_holds_from_the_next_request(money: Money, account_id: str) -> None:
    await opened(money, account_id, rpm_limit=1)
    await admitted(money, wanted(account_id))
    await money.set_account(account_id, rpm_limit=2)
    await admitted(money, wanted(account_id))


async def test_open_holds_count_against_the_spend_cap(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    capped = replace(wanted(account_id, 60), spend_cap_nanousd=100)
    await admitted(money, capped)
    refusal = await refused(money, replace(wanted(account_id, 60), spend_cap_nanousd=100))
    error = refusal.error()
    assert (refusal.by, error.code, error.should_retry) == (
        RefusedBy.SPEND_CAP,
        "tenant_monthly_quota_exceeded",
        False,
    )
    assert month_of(NOW_S + (error.retry_after_s or 0) - 1) == month_of(NOW_S)
    assert month_of(NOW_S + (error.retry_after_s or 0)) == month_of(NOW_S) + 1


async def test_what_a_hold_did_not_need_returns_to_the_spend_cap(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, replace(wanted(account_id, 90), spend_cap_nanousd=100))
    await money.settle(hold, charge(40), NOW_S + 1)
    await admitted(money, replace(wanted(account_id, 60), spend_cap_nanousd=100))
    await refused(money, replace(wanted(account_id, 1), spend_cap_nanousd=100))


async def test_a_released_hold_leaves_nothing_on_the_spend_cap(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, replace(wanted(account_id, 100), spend_cap_nanousd=100))
    await money.release(hold, NOW_S + 1)
    await admitted(money, replace(wanted(account_id, 100), spend_cap_nanousd=100))


async def test_a_hold_above_the_whole_spend_cap_is_refused(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    assert (await refused(money, replace(wanted(account_id, 11), spend_cap_nanousd=10))).by is RefusedBy.SPEND_CAP


async def test_the_spend_cap_begins_anew_with_the_month(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    await admitted(money, replace(wanted(account_id, 100), spend_cap_nanousd=100))
    await admitted(money, replace(wanted(account_id, 100, JANUARY_S), spend_cap_nanousd=100), JANUARY_S)


async def test_spend_belongs_to_the_month_of_admission(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    december = await admitted(money, replace(wanted(account_id, 100), spend_cap_nanousd=100))
    january = await admitted(money, replace(wanted(account_id, 60, JANUARY_S), spend_cap_nanousd=100), JANUARY_S)
    await money.settle(december, charge(90), JANUARY_S + 1)
    await money.settle(january, charge(60), JANUARY_S + 1)
    await admitted(money, replace(wanted(account_id, 40, JANUARY_S), spend_cap_nanousd=100), JANUARY_S)
    await refused(money, replace(wanted(account_id, 1, JANUARY_S), spend_cap_nanousd=100), JANUARY_S)


async def test_a_cap_that_is_set_later_counts_what_was_spent_before(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 70))
    await money.settle(hold, charge(70), NOW_S + 1)
    await money.track_spend(account_id, "key_aaaaaaaaaa", NOW_S + 2)
    assert (await refused(money, replace(wanted(account_id, 31), spend_cap_nanousd=100))).by is RefusedBy.SPEND_CAP
    await admitted(money, replace(wanted(account_id, 30), spend_cap_nanousd=100))


@pytest.mark.parametrize("money", ["memory", "simulated", "dynamodb_local"], indirect=True)
async def test_of_200_at_once_the_balance_admits_the_50_that_it_covers(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=50 * 7)
    asked = [replace(wanted(account_id, 7), key_rpm_limit=1_000) for _ in range(200)]
    outcomes = await at_once(money, [money.admit(one, NOW_S) for one in asked])
    holds = [outcome.hold for outcome in outcomes if isinstance(outcome, Admission)]
    assert len(holds) == 50
    assert await free_and_held(money, account_id) == (0, 350)
    await at_once(money, [money.settle(hold, charge(7), NOW_S + 1) for hold in holds])
    assert await free_and_held(money, account_id) == (0, 0)


@pytest.mark.parametrize("money", ["memory", "simulated", "dynamodb_local"], indirect=True)
async def test_of_200_at_once_the_cap_admits_the_50_that_it_covers(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=10_000)
    asked = [replace(wanted(account_id, 7), key_rpm_limit=1_000, spend_cap_nanousd=350) for _ in range(200)]
    outcomes = await at_once(money, [money.admit(one, NOW_S) for one in asked])
    assert sum(isinstance(outcome, Admission) for outcome in outcomes) == 50


@pytest.mark.parametrize("money", ["memory", "simulated", "dynamodb_local"], indirect=True)
async def test_of_200_at_once_the_window_admits_the_50_that_it_has(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=10_000)
    asked = [replace(wanted(account_id, 7), key_rpm_limit=50) for _ in range(200)]
    outcomes = await at_once(money, [money.admit(one, NOW_S) for one in asked])
    admissions = [outcome for outcome in outcomes if isinstance(outcome, Admission)]
    assert sorted(one.window.remaining for one in admissions) == list(range(50))


async def test_an_account_without_requests_is_refused_in_every_minute(money: Money, account_id: str) -> None:
    await opened(money, account_id, rpm_limit=0)
    for now_s in (NOW_S, NOW_S + 60):
        assert (await refused(money, wanted(account_id), now_s)).by is RefusedBy.ACCOUNT_WINDOW


async def test_an_account_is_opened_once(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    with pytest.raises(Conflict):
        await money.open_account(account_id, 1_000)


async def test_an_unknown_account_can_be_neither_set_nor_credited(money: Money, account_id: str) -> None:
    with pytest.raises(NotFound):
        await money.set_account(account_id, disabled=True)
    with pytest.raises(NotFound):
        await money.credit(account_id, 1, once="x", now_s=NOW_S)


def open_ended(account_id: str, least: int, most: int) -> HoldRequest:
    """Builds a request that may cost anything between two amounts."""
    return replace(wanted(account_id, least), most_nanousd=most)


@pytest.mark.parametrize(
    ("balance", "held"), [(1_000, 300), (600, 300), (599, 299), (300, 150), (200, 100), (150, 100), (100, 100)]
)
async def test_a_request_that_may_cost_more_holds_a_share_of_the_balance(
    money: Money, account_id: str, balance: int, held: int
) -> None:
    await opened(money, account_id, balance=balance)
    hold = await admitted(money, open_ended(account_id, 100, 300))
    assert hold.amount_nanousd == held
    assert await free_and_held(money, account_id) == (balance - held, held)


async def test_a_request_that_may_cost_more_holds_a_share_of_the_cap(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=10_000)
    asked = replace(open_ended(account_id, 100, 300), spend_cap_nanousd=700)
    holds = [await admitted(money, replace(asked, hold_id=wanted(account_id).hold_id)) for _ in range(4)]
    assert [hold.amount_nanousd for hold in holds] == [300, 200, 100, 100]
    assert (await refused(money, replace(asked, hold_id=wanted(account_id).hold_id))).by is RefusedBy.SPEND_CAP


@pytest.mark.parametrize(("cap", "held"), [(700, 350), (699, 349)])
async def test_the_first_request_under_a_cap_holds_a_share_of_all_of_it(
    money: Money, account_id: str, cap: int, held: int
) -> None:
    await opened(money, account_id, balance=10_000)
    hold = await admitted(money, replace(open_ended(account_id, 100, 400), spend_cap_nanousd=cap))
    assert hold.amount_nanousd == held


async def test_a_request_whose_least_is_not_covered_is_refused(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=99)
    assert (await refused(money, open_ended(account_id, 100, 300))).by is RefusedBy.BALANCE


async def test_a_refusal_for_more_than_the_balance_stands_in_no_smaller_requests_way(
    money: Money, account_id: str
) -> None:
    await opened(money, account_id, balance=1)
    assert (await refused(money, wanted(account_id, 2))).by is RefusedBy.BALANCE
    await admitted(money, wanted(account_id, 1))


async def test_a_refusal_for_the_balance_leaves_the_keys_only_request_of_a_minute(
    money: Money, account_id: str
) -> None:
    await opened(money, account_id, balance=1)
    refusal = await refused(money, replace(wanted(account_id, 2), key_rpm_limit=1))
    assert refusal == Refusal(RefusedBy.BALANCE, Window(1, 1, 60), 1)


async def test_an_account_that_is_not_there_has_nothing_left(money: Money, account_id: str) -> None:
    assert await refused(money, wanted(account_id)) == Refusal(RefusedBy.SUSPENDED, Window(60, 0, 60), 0)


async def test_an_account_of_one_kilobyte_has_room_for_ten_holds_of_ten_keys(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=10_000)
    holds = [await admitted(money, replace(wanted(account_id), key_id=f"key_{number:010}")) for number in range(11)]
    assert [hold.crowded for hold in holds] == [*[False] * 10, True]


async def test_a_key_without_any_requests_a_minute_has_none_in_a_new_minute_either(
    money: Money, account_id: str
) -> None:
    await opened(money, account_id)
    closed = replace(wanted(account_id), key_rpm_limit=0)
    assert (await refused(money, closed)).by is RefusedBy.KEY_WINDOW
    assert (await refused(money, closed, NOW_S + 60)).by is RefusedBy.KEY_WINDOW
