"""Tests of the operator's half of the DynamoDB store: whole reads beside writers, credits, counts, the sweep."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.canonical.alerts import KeySpend
from gateway.canonical.limits import KeyLimits
from gateway.canonical.money import AccountSnapshot, CountedCall
from gateway.errors import NotFound, ServiceUnavailable
from gateway.ledger.hold_ids import hold_id_at
from gateway.ports.money import Money
from gateway.stores.aws.client import Item, TransactionCanceled
from gateway.stores.money.items import HOLD_SHARDS, shard_of
from gateway.stores.money.store import DynamoMoney
from gateway.stores.money.sweep import SweepReport, sweep
from tests.money.given import DEADLINE_S, NOW_S, admitted, charge, opened, seen, wanted
from tests.money.simulation.dynamodb import SimulatedDynamoDb

pytestmark = pytest.mark.anyio

ACCOUNT = "acct_0123456789"
KEY = "key_aaaaaaaaaa"
NEXT_MONTH_S = NOW_S + 86_400 * 20
OVERDUE_S = NOW_S + DEADLINE_S + 1


class InterruptedDynamoDb(SimulatedDynamoDb):
    """The simulation in which another writer's step comes before the call of this number, counted from `begin`."""

    def __init__(self) -> None:
        super().__init__()
        self._step: Callable[[], Awaitable[object]] | None = None
        self._calls_left = 0

    def begin(self, calls: int, step: Callable[[], Awaitable[object]]) -> None:
        """Plans the step; the calls before it are not disturbed."""
        self._calls_left, self._step = calls, step

    async def call(self, service: str, operation: str, payload: Mapping[str, Any]) -> Item:
        step = self._step
        if step is not None:
            if self._calls_left == 0:
                self._step = None
                await step()
            self._calls_left -= 1
        return await super().call(service, operation, payload)


@pytest.fixture
def api() -> InterruptedDynamoDb:
    return InterruptedDynamoDb()


@pytest.fixture
def store(api: InterruptedDynamoDb) -> DynamoMoney:
    return DynamoMoney(api, "accounts", "ledger")


@pytest.fixture
def other(api: InterruptedDynamoDb) -> DynamoMoney:
    return DynamoMoney(api, "accounts", "ledger")


def capped(amount: int, now_s: float = NOW_S) -> Any:
    return replace(wanted(ACCOUNT, amount, now_s), spend_cap_nanousd=1_000)


def version(api: SimulatedDynamoDb) -> int:
    return int(api.tables["accounts"].items[ACCOUNT,]["ver"]["N"])


async def test_a_whole_read_shows_every_part_of_an_account(money: Money, account_id: str) -> None:
    await opened(money, account_id, rpm_limit=7)
    await money.set_account(account_id, disabled=False)
    asked = replace(wanted(account_id, 300), spend_cap_nanousd=900, limits=KeyLimits(max_parallel=2))
    hold = await admitted(money, asked)
    look = await seen(money, account_id)
    assert replace(look, entries=(), holds=()) == AccountSnapshot(
        account_id=account_id,
        free_nanousd=700,
        held_nanousd=300,
        holds=(),
        entries=(),
        rpm_limit=7,
        disabled=False,
        month=202611,
        key_spent={KEY: 300},
        spent_before={},
        minute=int(NOW_S) // 60,
        key_tokens={},
        leases={KEY: {hold.hold_id: int(NOW_S) + DEADLINE_S}},
    )
    await money.set_account(account_id, disabled=True)
    assert (await seen(money, account_id)).disabled


async def test_an_account_may_have_no_requests_a_minute(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    await money.set_account(account_id, rpm_limit=0)
    assert (await seen(money, account_id)).rpm_limit == 0


async def test_every_write_of_an_account_adds_one_to_its_version(api: InterruptedDynamoDb, store: DynamoMoney) -> None:
    await store.open_account(ACCOUNT, 1_000)
    limits = KeyLimits(max_parallel=9)
    young, parked = [replace(wanted(ACCOUNT, 10), limits=limits) for _ in range(2)]
    steps: list[tuple[Callable[[], Awaitable[object]], int]] = [
        (lambda: store.credit(ACCOUNT, 1_000, once="start", now_s=NOW_S), 1),
        (lambda: store.set_account(ACCOUNT, rpm_limit=500, disabled=False), 1),
        (lambda: store.count(CountedCall(ACCOUNT, KEY, 60), NOW_S), 1),
        (lambda: store.count(CountedCall(ACCOUNT, KEY, 60, reads_limit=9), NOW_S), 1),
        (lambda: store.track_spend(ACCOUNT, KEY, NOW_S), 1),
    ]
    for step, writes in steps:
        before = version(api)
        await step()
        assert version(api) == before + writes
    before = version(api)
    hold, other = await admitted(store, young), await admitted(store, parked)
    assert version(api) == before + 2
    other = await store.park(other)
    assert version(api) == before + 3
    longer, longer_parked = await store.extend(hold, 20), await store.extend(other, 20)
    assert version(api) == before + 5
    assert longer
    assert longer_parked
    await store.settle(longer, charge(5), NOW_S)
    await store.release(longer_parked, NOW_S)
    assert version(api) == before + 7


async def test_the_sweepers_writes_add_one_each_to_a_version(api: InterruptedDynamoDb, store: DynamoMoney) -> None:
    await opened(store, ACCOUNT)
    hold = await admitted(store, replace(wanted(ACCOUNT, 10), limits=KeyLimits(max_parallel=9)))
    before = version(api)
    await sweep(store, OVERDUE_S)
    assert version(api) == before + 1
    # The attribute of leases, which is empty now, and the account's place in the index of active ones.
    await sweep(store, NOW_S + 1_200)
    assert version(api) == before + 3
    await store.settle(hold, charge(5), NOW_S + 1_200)
    assert version(api) == before + 4


async def test_a_quiet_account_is_read_once(api: InterruptedDynamoDb, store: DynamoMoney) -> None:
    await opened(store, ACCOUNT)
    api.calls.clear()
    await store.read_account(ACCOUNT)
    assert api.calls == {"GetItem": 2, "Query": 3}


async def test_a_read_that_a_write_came_into_is_read_again(
    api: InterruptedDynamoDb, store: DynamoMoney, other: DynamoMoney
) -> None:
    await opened(store, ACCOUNT)
    for calls in range(5):
        hold = await admitted(other, wanted(ACCOUNT, 10))
        hold = await other.park(hold)
        api.begin(calls, partial(other.settle, hold, charge(10), NOW_S))
        look = await store.read_account(ACCOUNT)
        assert look is not None
        assert (look.balanced, look.free_nanousd, look.held_nanousd) == (True, 990 - 10 * calls, 0)
        assert len(look.entries) == 2 + calls
        # Sums that agree by chance are not enough.
        api.begin(calls, partial(other.set_account, ACCOUNT, rpm_limit=100 + calls))
        look = await store.read_account(ACCOUNT)
        assert look is not None
        assert look.rpm_limit == 100 + calls


async def test_a_key_that_is_not_counted_has_spent_nothing_that_is_known(store: DynamoMoney) -> None:
    await opened(store, ACCOUNT)
    await admitted(store, capped(10))
    assert await store.key_spend(ACCOUNT, "key_other", NOW_S) == KeySpend(202611, 0, 0)


async def test_a_page_of_entries_is_one_query(api: InterruptedDynamoDb, store: DynamoMoney) -> None:
    await opened(store, ACCOUNT)
    for _ in range(4):
        await store.release(await admitted(store, wanted(ACCOUNT)), NOW_S)
    newest = await store.entries(ACCOUNT, since_s=NOW_S, until_s=NOW_S + 1, limit=1)
    api.calls.clear()
    page = await store.entries(ACCOUNT, since_s=NOW_S, until_s=NOW_S + 1, limit=2, before=newest[0].entry_id)
    assert (len(page), api.calls) == (2, {"Query": 1})


async def test_a_credit_whose_entry_has_the_id_of_another_moves_nothing(
    store: DynamoMoney, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.stores.money.state.secrets.randbits", lambda _: 7)
    await store.open_account(ACCOUNT, 1_000)
    await store.credit(ACCOUNT, 100, once="one", now_s=NOW_S)
    with pytest.raises(TransactionCanceled):
        await store.credit(ACCOUNT, 100, once="two", now_s=NOW_S)
    assert (await seen(store, ACCOUNT)).free_nanousd == 100


async def test_a_payment_whose_entry_is_gone_is_not_credited_again(
    api: InterruptedDynamoDb, store: DynamoMoney
) -> None:
    await store.open_account(ACCOUNT, 1_000)
    entry = await store.credit(ACCOUNT, 100, once="one", now_s=NOW_S)
    del api.tables["ledger"].items[ACCOUNT, f"entry#{entry.entry_id}"]
    with pytest.raises(TransactionCanceled):
        await store.credit(ACCOUNT, 100, once="one", now_s=NOW_S)


@pytest.mark.parametrize("unreadable", range(3))
async def test_an_account_that_cannot_be_read_holds_none_of_its_shard_back(
    api: InterruptedDynamoDb, store: DynamoMoney, unreadable: int
) -> None:
    of_shard = [name for name in map("acct_{}".format, range(100)) if shard_of(name) == "0"][:3]
    for name in of_shard:
        await opened(store, name)
        await admitted(store, wanted(name, 100))
    api.tables["accounts"].items[of_shard[unreadable],]["young"]["M"]["later"] = {"S": "packed"}
    assert await sweep(store, OVERDUE_S) == SweepReport(released=2)


async def test_a_key_with_requests_that_run_keeps_no_other_keys_ended_leases(
    api: InterruptedDynamoDb, store: DynamoMoney
) -> None:
    await opened(store, ACCOUNT)
    limits = KeyLimits(max_parallel=9)
    for key_id, lease_s in (("key_a", 5_000), ("key_b", 100)):
        asked = replace(wanted(ACCOUNT, 10), key_id=key_id, limits=limits, lease_until_s=int(NOW_S) + lease_s)
        await admitted(store, asked)
    await sweep(store, NOW_S + 200)
    assert list((await seen(store, ACCOUNT)).leases) == ["key_a"]
    assert api.tables["accounts"].items[ACCOUNT,].keys() & {"lease:a", "lease:b"} == {"lease:a"}


@pytest.mark.parametrize("calls", range(13))
async def test_an_account_that_another_sweeper_or_request_changes_meanwhile_is_swept_all_the_same(
    api: InterruptedDynamoDb, store: DynamoMoney, other: DynamoMoney, calls: int
) -> None:
    await opened(store, ACCOUNT)
    await store.release(await admitted(store, wanted(ACCOUNT)), NOW_S)
    # The queries of parked holds, then those of the account's shard, its item, its write.
    before = HOLD_SHARDS + int(shard_of(ACCOUNT))
    api.begin(before + calls, lambda: sweep(other, NOW_S + 1_300))
    await sweep(store, NOW_S + 1_300)
    assert "active_slot" not in api.tables["accounts"].items[ACCOUNT,]
    await store.release(await admitted(store, wanted(ACCOUNT, 1, NOW_S + 1_300), NOW_S + 1_300), NOW_S + 1_300)
    api.begin(before + calls, lambda: admitted(other, wanted(ACCOUNT, 1, NOW_S + 3_000), NOW_S + 3_000))
    await sweep(store, NOW_S + 3_000)
    assert ("active_slot" in api.tables["accounts"].items[ACCOUNT,]) is (calls < 3)


@pytest.mark.parametrize("looks", [0, 1])
async def test_a_count_that_holds_outrun_says_that_it_is_not_done(
    store: DynamoMoney, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    monkeypatch.setattr("gateway.stores.money.counting.LOOKS_MAX", looks)
    await opened(store, ACCOUNT)
    await admitted(store, wanted(ACCOUNT, 300))
    with pytest.raises(ServiceUnavailable):
        await store.track_spend(ACCOUNT, KEY, NOW_S)


async def test_the_spend_of_an_unknown_account_cannot_be_counted(money: Money, account_id: str) -> None:
    with pytest.raises(NotFound):
        await money.track_spend(account_id, KEY, NOW_S)


@pytest.mark.parametrize("calls", range(7))
async def test_a_count_in_whose_midst_another_count_or_month_begins_is_whole(
    api: InterruptedDynamoDb, store: DynamoMoney, other: DynamoMoney, calls: int
) -> None:
    await opened(store, ACCOUNT)
    await store.settle(await admitted(store, wanted(ACCOUNT, 300)), charge(200), NOW_S)
    api.begin(calls, lambda: other.track_spend(ACCOUNT, KEY, NOW_S))
    await store.track_spend(ACCOUNT, KEY, NOW_S)
    assert (await seen(store, ACCOUNT)).key_spent == {KEY: 200}
    await opened(store, "acct_next")
    await store.settle(await admitted(store, wanted("acct_next", 300)), charge(200), NOW_S)
    first = replace(wanted("acct_next", 1, NEXT_MONTH_S), key_id="key_b", spend_cap_nanousd=9)
    api.begin(calls, lambda: admitted(other, first, NEXT_MONTH_S))
    await store.track_spend("acct_next", KEY, NOW_S)
    assert (await seen(store, "acct_next")).key_spent == {"key_b": 1, KEY: 0}


async def test_a_credit_has_a_note_and_an_id_of_forty_random_bits(
    money: Money, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await money.open_account(account_id, 1_000)
    monkeypatch.setattr("gateway.stores.money.state.secrets.randbits", lambda bits: 2**bits - 1)
    entry = await money.credit(account_id, 5, once="one", now_s=NOW_S, note="invoice 7")
    assert (entry.entry_id, entry.note) == (hold_id_at(NOW_S, 2**40 - 1), "invoice 7")
    assert (await seen(money, account_id)).entries == (entry,)
