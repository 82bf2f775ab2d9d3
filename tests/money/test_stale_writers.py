"""Tests of processes that have seen an account before others have changed it: none takes back what those counted."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gateway.canonical.limits import KeyLimits, TokenDemand
from gateway.canonical.money import AccountState, CountedCall, HoldRequest, Refusal, RefusedBy
from gateway.stores.money.store import DynamoMoney
from gateway.stores.money.sweep import sweep
from tests.money.given import NOW_S, admitted, charge, opened, refused, seen, wanted
from tests.money.test_books import ACCOUNT, KEY, InterruptedDynamoDb

pytestmark = pytest.mark.anyio

LATER_S = NOW_S + 60
READ = CountedCall(ACCOUNT, KEY, 9, reads_limit=2)


@pytest.fixture
def api() -> InterruptedDynamoDb:
    return InterruptedDynamoDb()


@pytest.fixture
def money(api: InterruptedDynamoDb) -> DynamoMoney:
    return DynamoMoney(api, "accounts", "ledger")


@pytest.fixture
def other(api: InterruptedDynamoDb) -> DynamoMoney:
    return DynamoMoney(api, "accounts", "ledger")


def small(**settings: object) -> HoldRequest:
    return replace(wanted(ACCOUNT, 1), **settings)


async def test_a_first_lease_leaves_the_one_that_another_process_has_made(
    money: DynamoMoney, other: DynamoMoney
) -> None:
    await opened(money, ACCOUNT)
    await admitted(money, small())
    limits = KeyLimits(max_parallel=2)
    await admitted(other, small(limits=limits))
    await admitted(money, small(limits=limits))
    assert (await refused(money, small(limits=limits))).by is RefusedBy.PARALLEL


async def test_a_first_read_counts_beside_that_of_another_process(money: DynamoMoney, other: DynamoMoney) -> None:
    await opened(money, ACCOUNT)
    await money.count(CountedCall(ACCOUNT, KEY, 9), NOW_S)
    assert isinstance(await other.count(READ, NOW_S), AccountState)
    assert isinstance(await money.count(READ, NOW_S), AccountState)
    assert isinstance(await money.count(READ, NOW_S), Refusal)


async def test_a_read_leaves_the_requests_of_a_minute_that_another_process_began(
    money: DynamoMoney, other: DynamoMoney
) -> None:
    await opened(money, ACCOUNT)
    await money.count(READ, NOW_S)
    for _ in range(3):
        await admitted(other, small(key_rpm_limit=4), LATER_S)
    assert isinstance(await money.count(READ, LATER_S), AccountState)
    await admitted(other, small(key_rpm_limit=4), LATER_S)
    assert (await refused(other, small(key_rpm_limit=4), LATER_S)).by is RefusedBy.KEY_WINDOW


async def test_a_read_that_begins_a_minute_begins_those_of_users_and_tokens(money: DynamoMoney) -> None:
    await opened(money, ACCOUNT)
    limits = KeyLimits(tpm_limit=10, user_rpm_limit=1)
    for now_s in (NOW_S, LATER_S):
        await money.count(READ, now_s)
        await admitted(money, small(limits=limits, tokens=TokenDemand(8, 8)), now_s)


async def test_tokens_return_to_their_minute_as_long_as_no_request_has_begun_another(money: DynamoMoney) -> None:
    await opened(money, ACCOUNT)
    hold = await admitted(money, small(limits=KeyLimits(tpm_limit=100), tokens=TokenDemand(40, 40)))
    await money.settle(hold, charge(1), LATER_S)
    assert (await seen(money, ACCOUNT)).key_tokens == {KEY: charge(1).usage.total} == {KEY: 18}


# The sweeper looks into 40 partitions, then at the account.
@pytest.mark.parametrize("calls", range(30, 43))
async def test_an_account_that_admits_while_the_sweeper_leaves_it_stays_in_its_index(
    api: InterruptedDynamoDb, money: DynamoMoney, other: DynamoMoney, calls: int
) -> None:
    await opened(money, ACCOUNT)
    await money.release(await admitted(money, wanted(ACCOUNT)), NOW_S)
    # Its clock is behind, so that it is in the slot that the sweeper leaves.
    asked = replace(wanted(ACCOUNT), deadline_s=int(NOW_S) + 9_000)
    api.begin(calls, lambda: admitted(other, asked, NOW_S))
    await sweep(money, NOW_S + 1_200)
    assert (await seen(money, ACCOUNT)).held_nanousd == 100
    assert "active_slot" in api.tables["accounts"].items[ACCOUNT,]
