"""Tests of an owner's reads on every store: the account's state in one read, its entries page by page."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gateway.canonical.alerts import KeySpend
from gateway.canonical.money import AccountState, HoldRequest, Window
from gateway.ports.money import Money
from tests.money.given import NOW_S, admitted, charge, opened, wanted

pytestmark = pytest.mark.anyio

KEY_ID = "key_aaaaaaaaaa"


async def test_the_state_is_the_balance_and_the_keys_window(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=1_000)
    await admitted(money, wanted(account_id, 300))
    seen = await money.state(account_id, KEY_ID, 60, NOW_S + 20)
    assert seen == AccountState(700, 300, disabled=False, window=Window(limit=60, remaining=59, reset_s=40))


async def test_a_minute_that_is_over_leaves_the_window_whole(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    await admitted(money, wanted(account_id))
    seen = await money.state(account_id, KEY_ID, 60, NOW_S + 60)
    assert seen is not None
    assert seen.window == Window(limit=60, remaining=60, reset_s=60)


async def test_the_accounts_window_shows_where_it_is_the_tighter_one(money: Money, account_id: str) -> None:
    await opened(money, account_id, rpm_limit=5)
    await admitted(money, wanted(account_id))
    seen = await money.state(account_id, "key_other", 60, NOW_S)
    assert seen is not None
    assert (seen.window.limit, seen.window.remaining) == (5, 4)


async def test_to_look_counts_in_no_window(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    looks = [await money.state(account_id, KEY_ID, 60, NOW_S) for _ in range(3)]
    assert [look.window.remaining for look in looks if look] == [60, 60, 60]


async def test_a_disabled_account_says_so(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    await money.set_account(account_id, disabled=True)
    seen = await money.state(account_id, KEY_ID, 60, NOW_S)
    assert seen is not None
    assert seen.disabled


async def test_an_unknown_account_has_no_state(money: Money, account_id: str) -> None:
    assert await money.state(account_id, KEY_ID, 60, NOW_S) is None


async def test_pages_of_entries_follow_each_other_without_gap_or_repeat(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    # Three of one millisecond, and one with a shortfall, whose id begins as its charge's does.
    for second in (0, 1, 1, 1, 2):
        hold = await admitted(money, wanted(account_id, 10, NOW_S + second), NOW_S + second)
        await money.settle(hold, charge(2_000 if second == 2 else 10), NOW_S + second)
    whole = [e.entry_id for e in await money.entries(account_id, since_s=NOW_S, until_s=NOW_S + 60, limit=100)]
    paged: list[str] = []
    while True:
        before = paged[-1] if paged else None
        page = await money.entries(account_id, since_s=NOW_S, until_s=NOW_S + 60, limit=2, before=before)
        if not page:
            break
        paged += [entry.entry_id for entry in page]
    assert paged == whole
    assert len(set(whole)) == 6


@pytest.mark.parametrize("before", ["0", "-", "00"])
async def test_a_place_before_all_entries_has_none_before_it(money: Money, account_id: str, before: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 10, NOW_S), NOW_S)
    await money.settle(hold, charge(10), NOW_S)
    assert await money.entries(account_id, since_s=0, until_s=NOW_S + 60, limit=2, before=before) == []


async def test_entries_end_where_the_range_ends(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    for second in (0, 1, 2):
        hold = await admitted(money, wanted(account_id, 10, NOW_S + second), NOW_S + second)
        await money.settle(hold, charge(10 + second), NOW_S + 9)
    found = await money.entries(account_id, since_s=NOW_S + 1, until_s=NOW_S + 2, limit=10)
    assert [entry.amount_nanousd for entry in found] == [-11]


async def test_the_state_has_what_a_counted_key_has_spent_and_holds(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    await money.track_spend(account_id, "key_aaaaaaaaaa", NOW_S)
    hold = await admitted(money, wanted(account_id, 70))
    await admitted(money, wanted(account_id, 5))
    await money.settle(hold, charge(60), NOW_S + 1)
    spent = [await money.state(account_id, key_id, 60, NOW_S + 2) for key_id in ("key_aaaaaaaaaa", "key_bbbbbbbbbb")]
    assert [state and state.spent_nanousd for state in spent] == [65, 0]


def capped(account_id: str, amount: int, now_s: float = NOW_S) -> HoldRequest:
    return replace(wanted(account_id, amount, now_s), spend_cap_nanousd=1_000)


@pytest.mark.parametrize("parked", [False, True])
async def test_a_keys_spend_is_told_apart_from_what_its_requests_hold(
    money: Money, account_id: str, *, parked: bool
) -> None:
    await opened(money, account_id)
    await money.settle(await admitted(money, capped(account_id, 100)), charge(90), NOW_S)
    hold = await admitted(money, capped(account_id, 200))
    hold = await money.park(hold) if parked else hold
    await admitted(money, replace(capped(account_id, 50), key_id="key_other"))
    assert await money.key_spend(account_id, KEY_ID, NOW_S) == KeySpend(202611, 90, 200)
    await money.settle(hold, charge(150), NOW_S)
    assert await money.key_spend(account_id, KEY_ID, NOW_S) == KeySpend(202611, 240, 0)


async def test_what_is_left_of_a_hold_that_has_ended_is_not_held(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, capped(account_id, 100))
    await money.settle(hold, charge(90), NOW_S)
    await money.park(hold)
    assert await money.key_spend(account_id, KEY_ID, NOW_S) == KeySpend(202611, 90, 0)


@pytest.mark.parametrize("parked", [False, True])
async def test_a_keys_spend_begins_anew_with_the_month(money: Money, account_id: str, *, parked: bool) -> None:
    await opened(money, account_id)
    hold = await admitted(money, capped(account_id, 100))
    _ = await money.park(hold) if parked else hold
    next_month_s = NOW_S + 86_400 * 20
    assert await money.key_spend(account_id, KEY_ID, next_month_s) == KeySpend(202612, 0, 0)
    await admitted(money, capped(account_id, 30, next_month_s), next_month_s)
    assert await money.key_spend(account_id, KEY_ID, next_month_s) == KeySpend(202612, 0, 30)
    # A clock that is slow is asked about the month that others have reached.
    assert await money.key_spend(account_id, KEY_ID, NOW_S) == KeySpend(202612, 0, 30)


async def test_an_account_that_is_not_there_has_spent_nothing_that_can_be_told(money: Money, account_id: str) -> None:
    assert await money.key_spend(account_id, KEY_ID, NOW_S) is None


async def test_a_key_of_another_form_is_not_taken_for_one_of_ours(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    await admitted(money, replace(wanted(account_id), key_id="admin"))
    states = [await money.state(account_id, key_id, 60, NOW_S) for key_id in ("admin", "key_admin", "=admin")]
    assert [state.window.remaining for state in states if state] == [59, 60, 60]
