"""Tests of a key's further limits on every store: tokens a minute, requests at once, requests of a user, reads."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from gateway.canonical.limits import KeyLimits, TokenDemand, user_name
from gateway.canonical.money import AccountState, Admission, CountedCall, HoldRequest, Refusal, RefusedBy, Window
from gateway.canonical.usage import Usage
from gateway.ports.money import Money
from gateway.stores.money.store import DynamoMoney
from tests.fakes.money import MemoryMoney
from tests.money.given import NOW_S, admitted, charge, opened, refused, seen, wanted
from tests.money.invariants import Checked
from tests.money.simulation.dynamodb import SimulatedDynamoDb

pytestmark = pytest.mark.anyio

KEY = "key_aaaaaaaaaa"
# The tokens of `given.charge`.
CHARGED = charge(1).usage.total


def limited(
    account_id: str, tokens: TokenDemand | None = None, user: str = "-", lease_s: int = 900, **limits: int | None
) -> HoldRequest:
    """Builds a request of a key with these limits."""
    return replace(
        wanted(account_id, 1),
        limits=KeyLimits(**limits),
        tokens=tokens or TokenDemand(),
        user=user,
        lease_until_s=int(NOW_S) + lease_s,
    )


def tokens(worst: int, likely: int | None = None, most: int | None = None) -> TokenDemand:
    """Builds a demand that is as likely as bad, if nothing else is said."""
    return TokenDemand(worst if likely is None else likely, worst, most)


async def used_tokens(money: Money, account_id: str) -> int:
    """Returns what the key has taken of its minute."""
    return (await seen(money, account_id)).key_tokens.get(KEY, 0)


async def test_the_worst_case_of_running_requests_fills_the_minutes_tokens(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    for _ in range(3):
        await admitted(money, limited(account_id, tokens(30), tpm_limit=100))
    refusal = await refused(money, limited(account_id, tokens(11), tpm_limit=100))
    error = refusal.error()
    assert (refusal.by, error.status, error.code, error.retry_after_s) == (
        RefusedBy.TPM,
        429,
        "rate_limit_exceeded",
        60,
    )
    await admitted(money, limited(account_id, tokens(10), tpm_limit=100))


async def test_what_a_request_did_not_use_returns_to_its_minute(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, limited(account_id, tokens(100), tpm_limit=100))
    await money.settle(hold, charge(1), NOW_S + 1)
    assert await used_tokens(money, account_id) == CHARGED
    await admitted(money, limited(account_id, tokens(100 - CHARGED), tpm_limit=100))


async def test_a_parked_hold_gives_its_tokens_back_too(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await money.park(await admitted(money, limited(account_id, tokens(100), tpm_limit=100)))
    await money.release(hold, NOW_S + 1)
    assert await used_tokens(money, account_id) == 0


async def test_an_end_that_does_not_know_of_the_parking_gives_all_of_it_back(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    asked = replace(limited(account_id, tokens(100), tpm_limit=100, max_parallel=1), spend_cap_nanousd=9)
    hold = await admitted(money, replace(asked, alert_at_nanousd=1))
    await money.park(hold)
    assert (await money.settle(hold, charge(1), NOW_S + 1)).alert
    look = await seen(money, account_id)
    assert (look.key_tokens, {key: dict(held) for key, held in look.leases.items() if held}) == ({KEY: CHARGED}, {})


async def test_tokens_of_a_minute_that_is_over_are_not_given_back_to_the_next(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, limited(account_id, tokens(100), tpm_limit=100))
    later = replace(limited(account_id, tokens(60), tpm_limit=100), lease_until_s=int(NOW_S) + 999)
    await admitted(money, later, NOW_S + 60)
    await money.release(hold, NOW_S + 61)
    assert await used_tokens(money, account_id) == 60


async def test_a_key_without_such_a_limit_begins_a_minute_that_others_count_in(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    await admitted(money, limited(account_id, tokens(100), tpm_limit=100, max_parallel=5, user_rpm_limit=5))
    await admitted(money, replace(wanted(account_id), key_id="key_b"), NOW_S + 60)
    await admitted(money, limited(account_id, tokens(100), tpm_limit=100, max_parallel=5, user_rpm_limit=5), NOW_S + 61)


async def test_an_open_answer_reserves_a_share_of_what_is_left(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    holds = [await admitted(money, limited(account_id, tokens(100, most=600), tpm_limit=1_000)) for _ in range(4)]
    assert [hold.tokens for hold in holds] == [500, 250, 125, 100]
    assert (await refused(money, limited(account_id, tokens(100, most=600), tpm_limit=1_000))).by is RefusedBy.TPM


@pytest.mark.parametrize(("limit", "reserved"), [(1_000, 500), (999, 499)])
async def test_the_first_open_answer_of_a_key_reserves_a_share_of_its_minute(
    money: Money, account_id: str, limit: int, reserved: int
) -> None:
    await opened(money, account_id)
    hold = await admitted(money, limited(account_id, tokens(100, most=600), tpm_limit=limit))
    assert hold.tokens == reserved


async def test_a_prompt_whose_bound_is_above_the_limit_has_the_minute_to_itself(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    large = limited(account_id, tokens(500, likely=90), tpm_limit=100)
    assert (await admitted(money, large)).tokens == 100
    assert (await refused(money, replace(large, hold_id=wanted(account_id).hold_id))).by is RefusedBy.TPM


async def test_a_request_that_takes_more_than_any_minute_has_is_told_so(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    error = (await refused(money, limited(account_id, tokens(101), tpm_limit=100))).error()
    assert (error.status, error.should_retry, error.retry_after_s) == (429, False, None)


async def test_a_request_that_takes_a_whole_minute_is_told_to_wait_for_one(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    await admitted(money, limited(account_id, tokens(1), tpm_limit=100))
    error = (await refused(money, limited(account_id, tokens(100), tpm_limit=100))).error()
    assert (error.status, error.retry_after_s) == (429, 60)
    await admitted(money, limited(account_id, tokens(100), tpm_limit=100), NOW_S + 60)


async def test_a_key_runs_no_more_requests_at_once_than_it_may(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    first, _ = [await admitted(money, limited(account_id, max_parallel=2)) for _ in range(2)]
    refusal = await refused(money, limited(account_id, max_parallel=2))
    error = refusal.error()
    assert (refusal.by, error.status, error.code, error.retry_after_s) == (
        RefusedBy.PARALLEL,
        429,
        "rate_limit_exceeded",
        1,
    )
    await admitted(money, replace(limited(account_id, max_parallel=2), key_id="key_other"))
    await money.settle(first, charge(1), NOW_S + 1)
    await admitted(money, limited(account_id, max_parallel=2))


async def test_a_parked_request_still_runs(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await money.park(await admitted(money, limited(account_id, max_parallel=1)))
    assert (await refused(money, limited(account_id, max_parallel=1))).by is RefusedBy.PARALLEL
    await money.release(hold, NOW_S + 1)
    await admitted(money, limited(account_id, max_parallel=1))


async def test_the_lease_of_a_request_that_died_ends_by_itself(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    dead = await admitted(money, limited(account_id, max_parallel=1, lease_s=30))
    await refused(money, limited(account_id, max_parallel=1), NOW_S + 29)
    running = await admitted(money, limited(account_id, max_parallel=1), NOW_S + 30)
    assert [*(await seen(money, account_id)).leases[KEY]] == [running.hold_id]
    await money.release(dead, NOW_S + 31)
    assert [*(await seen(money, account_id)).leases[KEY]] == [running.hold_id]


async def test_the_sweeper_takes_the_leases_of_a_key_away_that_runs_nothing(money: Money, account_id: str) -> None:
    if isinstance(money, Checked) and isinstance(money._money, MemoryMoney):
        pytest.skip("memory keeps no items")
    await opened(money, account_id)
    dead = await admitted(money, limited(account_id, max_parallel=1, lease_s=30))
    await admitted(money, replace(limited(account_id, max_parallel=1), key_id="key_other"))
    assert [hold async for hold in money.overdue(NOW_S + 60)] == []
    assert [*(await seen(money, account_id)).leases] == ["key_other"]
    await money.settle(dead, charge(1), NOW_S + 61)
    await admitted(money, limited(account_id, max_parallel=1), NOW_S + 61)


async def test_each_user_of_a_key_has_a_window(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    anna, bert = user_name(KEY, "anna"), user_name(KEY, "bert")
    for _ in range(2):
        await admitted(money, limited(account_id, user=anna, user_rpm_limit=2))
    refusal = await refused(money, limited(account_id, user=anna, user_rpm_limit=2))
    assert (refusal.by, refusal.error().retry_after_s) == (RefusedBy.USER_WINDOW, 60)
    await admitted(money, limited(account_id, user=bert, user_rpm_limit=2))
    await admitted(money, limited(account_id, user=anna, user_rpm_limit=2), NOW_S + 60)


async def test_a_refusal_by_one_limit_moves_none_of_the_others(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    await admitted(money, limited(account_id, tokens(10), user="u", tpm_limit=100, max_parallel=1, user_rpm_limit=9))
    before = await seen(money, account_id)
    await refused(money, limited(account_id, tokens(10), user="u", tpm_limit=100, max_parallel=1, user_rpm_limit=9))
    assert await seen(money, account_id) == before


async def test_an_admission_that_is_repeated_reserves_once(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    asked = limited(account_id, tokens(40), tpm_limit=100, max_parallel=1)
    assert await admitted(money, asked) == await admitted(money, asked)
    assert await used_tokens(money, account_id) == 40


async def test_a_disowned_request_leaves_nothing_reserved(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(
        money, replace(limited(account_id, tokens(40), tpm_limit=100, max_parallel=1), amount_nanousd=0)
    )
    unknown = replace(hold, key_id="", amount_nanousd=0, tokens=0, minute=None, lease_until_s=None, admitted_ms=0)
    await money.release(unknown, NOW_S + 1)
    look = await seen(money, account_id)
    assert (look.holds, look.key_tokens.get(KEY, 0), [*look.leases.get(KEY, {})]) == ((), 0, [])


async def test_the_sweepers_end_leaves_nothing_reserved(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, limited(account_id, tokens(40), tpm_limit=100, max_parallel=1))
    await money.expire(hold, NOW_S + 1)
    look = await seen(money, account_id)
    assert (look.key_tokens.get(KEY, 0), [*look.leases.get(KEY, {})]) == (0, [])


@pytest.mark.parametrize("money", ["memory", "simulated", "dynamodb_local"], indirect=True)
@pytest.mark.parametrize(
    "limits", [KeyLimits(tpm_limit=20 * 7), KeyLimits(max_parallel=20), KeyLimits(user_rpm_limit=20)]
)
async def test_of_40_at_once_a_limit_admits_the_20_that_it_has(
    money: Money, account_id: str, limits: KeyLimits
) -> None:
    await opened(money, account_id, balance=10_000)
    asked = [replace(limited(account_id, tokens(7)), limits=limits, key_rpm_limit=1_000) for _ in range(40)]
    if isinstance(money, Checked):
        money.resting = False
    outcomes = await asyncio.gather(*(money.admit(one, NOW_S) for one in asked))
    assert sum(isinstance(outcome, Admission) for outcome in outcomes) == 20


def call(account_id: str, reads_limit: int | None = None, key_rpm_limit: int = 2) -> CountedCall:
    """Builds a call of the key that holds nothing."""
    return CountedCall(account_id, KEY, key_rpm_limit, reads_limit)


async def test_a_call_that_holds_nothing_counts_in_the_windows_of_requests(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    counted = await money.count(call(account_id), NOW_S)
    assert isinstance(counted, AccountState)
    assert counted.window.remaining == 1
    await admitted(money, replace(wanted(account_id), key_rpm_limit=2))
    refusal = await money.count(call(account_id), NOW_S)
    assert isinstance(refusal, Refusal)
    assert refusal.by is RefusedBy.KEY_WINDOW


async def test_a_call_needs_a_balance_and_an_account_that_is_not_suspended(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=0)
    empty = await money.count(call(account_id), NOW_S)
    await money.credit(account_id, 1, once="more", now_s=NOW_S)
    await money.set_account(account_id, disabled=True)
    suspended = await money.count(call(account_id), NOW_S + 6)
    assert isinstance(empty, Refusal)
    assert isinstance(suspended, Refusal)
    assert (empty.by, suspended.by) == (RefusedBy.BALANCE, RefusedBy.SUSPENDED)


async def test_reads_have_a_window_of_their_own(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=0)
    for _ in range(3):
        counted = await money.count(call(account_id, reads_limit=3), NOW_S)
        assert isinstance(counted, AccountState)
        assert counted.window.remaining == 2
    refusal = await money.count(call(account_id, reads_limit=3), NOW_S)
    assert isinstance(refusal, Refusal)
    assert (refusal.by, refusal.window.limit, refusal.error().status) == (RefusedBy.READ_WINDOW, 3, 429)
    assert isinstance(await money.count(call(account_id, reads_limit=3), NOW_S + 60), AccountState)


async def test_a_read_that_begins_a_minute_leaves_its_requests_to_be_counted(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    for _ in range(2):
        await admitted(money, replace(limited(account_id, tokens(100), tpm_limit=200), key_rpm_limit=2))
    await money.count(call(account_id, reads_limit=3), NOW_S + 60)
    for _ in range(2):
        await admitted(money, replace(limited(account_id, tokens(100), tpm_limit=200), key_rpm_limit=2), NOW_S + 61)
    await refused(money, replace(limited(account_id, tokens(1), tpm_limit=200), key_rpm_limit=9), NOW_S + 61)


async def test_a_call_of_an_unknown_account_is_not_counted(money: Money, account_id: str) -> None:
    assert await money.count(call(account_id), NOW_S) is None


async def test_an_end_tells_that_a_keys_spend_has_come_to_where_its_owner_is_told(
    money: Money, account_id: str
) -> None:
    await opened(money, account_id)
    asked = replace(wanted(account_id, 50), spend_cap_nanousd=100, alert_at_nanousd=80)
    first = await admitted(money, asked)
    told = [await money.settle(first, charge(40), NOW_S + 1)]
    second = await admitted(money, replace(asked, hold_id=wanted(account_id).hold_id))
    told.append(await money.settle(second, charge(40), NOW_S + 2))
    assert [(end.applied, end.alert) for end in told] == [(True, False), (True, True)]


async def test_an_end_of_a_key_without_a_cap_tells_nothing(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, replace(wanted(account_id, 50), alert_at_nanousd=1))
    assert (await money.settle(hold, charge(40), NOW_S + 1)).alert is False


def test_tokens_of_a_charge_are_those_of_prompt_and_answer() -> None:
    assert Usage(input=1, cache_read=2, output=4, reasoning=3).total == 7


async def test_a_key_without_reads_left_takes_none_from_another_key(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    one, other = (CountedCall(account_id, key_id, 60, reads_limit=1) for key_id in ("key_a", "key_b"))
    assert isinstance(await money.count(one, NOW_S), AccountState)
    for _ in range(2):
        outcome = await money.count(one, NOW_S)
        assert isinstance(outcome, Refusal)
        assert outcome.by is RefusedBy.READ_WINDOW
    assert isinstance(await money.count(other, NOW_S), AccountState)


async def test_a_request_without_such_limits_leaves_what_others_have_counted(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    asked = limited(account_id, tokens(60), user="anna", tpm_limit=100, user_rpm_limit=1)
    await admitted(money, asked)
    read = CountedCall(account_id, "key_reader", 60, reads_limit=1)
    assert isinstance(await money.count(read, NOW_S), AccountState)
    await admitted(money, replace(wanted(account_id), key_id="key_other"))
    await money.count(CountedCall(account_id, "key_other", 60), NOW_S)
    assert await used_tokens(money, account_id) == 60
    assert (await refused(money, replace(asked, hold_id="2"))).by is RefusedBy.USER_WINDOW
    assert isinstance(await money.count(read, NOW_S), Refusal)


async def test_a_request_fits_by_its_bound_although_it_probably_takes_less(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    await admitted(money, limited(account_id, tokens(50, likely=30), tpm_limit=99))
    assert (await refused(money, limited(account_id, tokens(50, likely=30), tpm_limit=99))).by is RefusedBy.TPM
    await admitted(money, limited(account_id, tokens(49, likely=30), tpm_limit=99))


@pytest.mark.parametrize("reads", [None, 0])
async def test_a_call_of_a_key_without_calls_is_refused_in_every_minute(
    money: Money, account_id: str, reads: int | None
) -> None:
    await opened(money, account_id)
    for now_s in (NOW_S, NOW_S + 60):
        assert isinstance(await money.count(CountedCall(account_id, KEY, 0, reads_limit=reads), now_s), Refusal)


async def test_a_call_that_begins_a_minute_ends_the_counts_of_the_last(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    asked = limited(account_id, tokens(100), user="anna", tpm_limit=100, user_rpm_limit=1)
    await money.release(await admitted(money, asked), NOW_S + 60)
    read = CountedCall(account_id, "key_reader", 60, reads_limit=1)
    assert isinstance(await money.count(read, NOW_S + 1), AccountState)
    assert isinstance(await money.count(CountedCall(account_id, "key_other", 60), NOW_S + 60), AccountState)
    await admitted(money, replace(asked, hold_id="2"), NOW_S + 61)
    assert isinstance(await money.count(read, NOW_S + 61), AccountState)
    assert isinstance(await money.count(read, NOW_S + 62), Refusal)


async def test_reads_beyond_a_full_window_cost_no_call() -> None:
    api = SimulatedDynamoDb()
    money = DynamoMoney(api, "accounts", "ledger")
    await opened(money, "acct")
    read = CountedCall("acct", KEY, 60, reads_limit=1)
    assert isinstance(await money.count(read, NOW_S), AccountState)
    assert isinstance(await money.count(read, NOW_S), Refusal)
    api.calls.clear()
    assert isinstance(await money.count(read, NOW_S + 1), Refusal)
    assert api.calls == {}
    # A limit that was raised meanwhile is asked for.
    assert isinstance(await money.count(replace(read, reads_limit=2), NOW_S + 1), AccountState)


@pytest.mark.parametrize(("balance", "counted"), [(1, True), (0, False)])
async def test_a_call_needs_the_smallest_balance_and_no_more(
    money: Money, account_id: str, balance: int, *, counted: bool
) -> None:
    await opened(money, account_id, balance=balance)
    for now_s in (NOW_S, NOW_S + 1):
        outcome = await money.count(CountedCall(account_id, KEY, 60), now_s)
        assert isinstance(outcome, AccountState) is counted
        assert counted or (isinstance(outcome, Refusal) and outcome.by is RefusedBy.BALANCE)


async def test_a_full_account_refuses_the_calls_of_all_its_keys(money: Money, account_id: str) -> None:
    await opened(money, account_id, rpm_limit=1)
    assert isinstance(await money.count(CountedCall(account_id, KEY, 60), NOW_S), AccountState)
    refusal = await money.count(CountedCall(account_id, "key_other", 60), NOW_S)
    assert isinstance(refusal, Refusal)
    assert refusal.by is RefusedBy.ACCOUNT_WINDOW


async def test_a_keys_only_call_of_a_minute_is_refused_for_the_balance_alone(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=0)
    refusal = await money.count(CountedCall(account_id, KEY, 1), NOW_S)
    assert isinstance(refusal, Refusal)
    assert (refusal.by, refusal.window) == (RefusedBy.BALANCE, Window(1, 1, 60))


async def test_what_is_owed_is_held_for_beyond_full_windows_and_counts_in_none(money: Money, account_id: str) -> None:
    await opened(money, account_id, rpm_limit=2)
    key, account = replace(wanted(account_id), key_rpm_limit=1), replace(wanted(account_id), key_id="key_other")
    await admitted(money, key)
    assert (await refused(money, replace(wanted(account_id), key_rpm_limit=1))).by is RefusedBy.KEY_WINDOW
    await admitted(money, account)
    full = replace(wanted(account_id), key_id="key_other")
    assert (await refused(money, full)).by is RefusedBy.ACCOUNT_WINDOW
    before = await seen(money, account_id)
    for now_s in (NOW_S, NOW_S + 60):
        hold = await admitted(money, replace(wanted(account_id, 0), key_rpm_limit=1, owed=True), now_s)
        assert (await money.settle(hold, charge(20), now_s)).applied
    after = await seen(money, account_id)
    assert before.free_nanousd - after.free_nanousd == 40
    # The next minute has all its requests still.
    await admitted(money, replace(wanted(account_id), key_rpm_limit=1), NOW_S + 60)
