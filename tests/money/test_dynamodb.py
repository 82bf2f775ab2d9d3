"""Tests of the DynamoDB store alone: its number of calls and writes, and its behaviour when calls fail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.canonical.limits import KeyLimits, TokenDemand
from gateway.canonical.money import Admission, Charge, RefusedBy
from gateway.canonical.usage import Usage
from gateway.errors import ServiceUnavailable
from gateway.ledger.hold_ids import hold_id_at
from gateway.logs.metrics import METRIC
from gateway.stores.aws.client import (
    AwsError,
    ConditionFailed,
    Contended,
    Item,
    Throttled,
    TransactionCanceled,
    Unanswered,
)
from gateway.stores.money.items import read_account
from gateway.stores.money.state import BASE_BYTES, CAP_BYTES, HOLD_BYTES, KEY_BYTES, Account, bytes_of
from gateway.stores.money.store import DynamoMoney
from gateway.stores.money.sweep import sweep
from tests.money.given import DEADLINE_S, NOW_S, admitted, charge, free_and_held, opened, refused, seen, wanted
from tests.money.simulation.dynamodb import SimulatedDynamoDb, item_bytes

pytestmark = pytest.mark.anyio

ACCOUNT = "acct_0123456789"
NOTHING_DONE: list[AwsError] = [
    Contended("TransactionConflictException", ""),
    Throttled("ThrottlingException", ""),
    TransactionCanceled("", [("TransactionConflict", None), ("None", None)]),
]


class TroubledDynamoDb(SimulatedDynamoDb):
    """The simulation, which fails the calls it is told to: before their effect, or after it (`lost`).

    `meanwhile` runs after a cancelled transaction, before its writer can try again.
    """

    def __init__(self) -> None:
        super().__init__()
        self.failing: list[AwsError] = []
        self.lost: list[AwsError] = []
        self.meanwhile: list[Callable[[], Awaitable[object]]] = []

    async def call(self, service: str, operation: str, payload: Mapping[str, Any]) -> Item:
        if self.failing:
            raise self.failing.pop()
        try:
            answer = await super().call(service, operation, payload)
        except TransactionCanceled:
            if self.meanwhile:
                await self.meanwhile.pop()()
            raise
        if self.lost:
            raise self.lost.pop()
        return answer


def tapped(api: TroubledDynamoDb) -> list[tuple[str, Mapping[str, Any]]]:
    """Returns the list to which each later call is added, so that a test can deliver the same bytes again."""
    sent: list[tuple[str, Mapping[str, Any]]] = []
    plain_call = api.call

    async def recorded(service: str, operation: str, payload: Mapping[str, Any]) -> Item:
        sent.append((operation, payload))
        return await plain_call(service, operation, payload)

    api.call = recorded  # type: ignore[method-assign]  # the wire is tapped
    return sent


@pytest.fixture
def api() -> TroubledDynamoDb:
    return TroubledDynamoDb()


@pytest.fixture
def money(api: TroubledDynamoDb) -> DynamoMoney:
    return DynamoMoney(api, "accounts", "ledger")


async def test_a_warm_request_is_two_calls_one_of_them_before_the_upstream(
    api: TroubledDynamoDb, money: DynamoMoney
) -> None:
    await opened(money, ACCOUNT)
    await admitted(money, wanted(ACCOUNT))
    api.calls.clear()
    hold = await admitted(money, wanted(ACCOUNT))
    assert api.calls == {"UpdateItem": 1}
    await money.settle(hold, charge(10), NOW_S + 1)
    assert api.calls == {"UpdateItem": 1, "TransactWriteItems": 1}


async def test_a_lone_writer_turns_the_minute_in_its_first_call(api: TroubledDynamoDb, money: DynamoMoney) -> None:
    await opened(money, ACCOUNT)
    await admitted(money, wanted(ACCOUNT), NOW_S)
    api.calls.clear()
    await admitted(money, wanted(ACCOUNT), NOW_S + 61)
    assert api.calls == {"UpdateItem": 1}


async def test_a_writer_of_a_busy_account_takes_its_minute_for_turned(api: TroubledDynamoDb) -> None:
    one, other = (DynamoMoney(api, "accounts", "ledger") for _ in range(2))
    await opened(one, ACCOUNT)
    for _ in range(30):
        await admitted(one, wanted(ACCOUNT, 1), NOW_S)
    await admitted(other, wanted(ACCOUNT, 1), NOW_S + 60)
    api.calls.clear()
    await admitted(one, wanted(ACCOUNT, 1), NOW_S + 70)
    assert api.calls == {"UpdateItem": 1}


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        (replace(wanted(ACCOUNT, 10), key_rpm_limit=3), RefusedBy.KEY_WINDOW),
        (replace(wanted(ACCOUNT, 10), key_id="key_bbbbbbbbbb"), RefusedBy.ACCOUNT_WINDOW),
        (replace(wanted(ACCOUNT, 10), key_id="key_bbbbbbbbbb", spend_cap_nanousd=9), RefusedBy.ACCOUNT_WINDOW),
    ],
)
async def test_a_refusal_by_a_window_leaves_the_item_as_it_was(
    api: TroubledDynamoDb, money: DynamoMoney, asked: Any, rule: RefusedBy
) -> None:
    await opened(money, ACCOUNT, rpm_limit=3)
    for _ in range(3):
        await admitted(money, wanted(ACCOUNT, 10))
    before = deepcopy(api.tables)
    assert (await refused(money, asked)).by is rule
    assert api.tables == before


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        (wanted(ACCOUNT, 701), RefusedBy.BALANCE),
        (replace(wanted(ACCOUNT, 201), spend_cap_nanousd=500), RefusedBy.SPEND_CAP),
        (replace(wanted(ACCOUNT, 200), spend_cap_nanousd=100), RefusedBy.SPEND_CAP),
    ],
)
async def test_a_refusal_by_money_leaves_the_item_as_it_was(
    api: TroubledDynamoDb, money: DynamoMoney, asked: Any, rule: RefusedBy
) -> None:
    await opened(money, ACCOUNT)
    await admitted(money, replace(wanted(ACCOUNT, 300), spend_cap_nanousd=500))
    before = deepcopy(api.tables)
    assert (await refused(money, asked)).by is rule
    assert api.tables == before


async def test_a_full_window_is_asked_once_and_then_remembered_until_it_turns(
    api: TroubledDynamoDb, money: DynamoMoney
) -> None:
    await opened(money, ACCOUNT)
    await admitted(money, replace(wanted(ACCOUNT), key_rpm_limit=1))
    await refused(money, replace(wanted(ACCOUNT), key_rpm_limit=1))
    api.calls.clear()
    for second in range(60):
        refusal = await refused(money, replace(wanted(ACCOUNT), key_rpm_limit=1), NOW_S + second)
        assert refusal.window.reset_s == 60 - second
    assert not api.calls
    await admitted(money, replace(wanted(ACCOUNT), key_rpm_limit=1), NOW_S + 60)


async def test_an_empty_account_is_asked_once_in_five_seconds(api: TroubledDynamoDb, money: DynamoMoney) -> None:
    await opened(money, ACCOUNT, balance=0)
    await refused(money, wanted(ACCOUNT))
    api.calls.clear()
    await refused(money, wanted(ACCOUNT), NOW_S + 4.9)
    assert not api.calls
    await money.credit(ACCOUNT, 1_000, once="top-up", now_s=NOW_S)
    await admitted(money, wanted(ACCOUNT), NOW_S + 5)


async def test_a_balance_that_releases_may_fill_again_is_asked_each_time(money: DynamoMoney) -> None:
    await opened(money, ACCOUNT, balance=100)
    hold = await admitted(money, wanted(ACCOUNT, 100))
    await refused(money, wanted(ACCOUNT, 100))
    await money.release(hold, NOW_S)
    await admitted(money, wanted(ACCOUNT, 100))


@pytest.mark.parametrize("error", NOTHING_DONE, ids=lambda error: error.code)
async def test_a_step_that_met_contention_is_done_again(
    api: TroubledDynamoDb, money: DynamoMoney, error: AwsError
) -> None:
    await opened(money, ACCOUNT)
    api.failing = [error] * 2
    hold = await admitted(money, wanted(ACCOUNT, 300))
    api.failing = [error] * 2
    assert (await money.settle(hold, charge(120), NOW_S + 1)).applied
    assert await free_and_held(money, ACCOUNT) == (880, 0)


@pytest.mark.parametrize("parked", [False, True])
async def test_a_step_whose_answer_was_lost_has_happened_once(
    api: TroubledDynamoDb, money: DynamoMoney, *, parked: bool
) -> None:
    await opened(money, ACCOUNT)
    api.lost = [Unanswered("TimedOut", "")]
    hold = await admitted(money, replace(wanted(ACCOUNT, 300), spend_cap_nanousd=900))
    if parked:
        api.lost = [Unanswered("TimedOut", "")]
        hold = await money.park(hold)
    api.lost = [Unanswered("TimedOut", "")]
    extended = await money.extend(hold, 400, spend_cap_nanousd=900)
    assert extended is not None
    api.lost = [Unanswered("TimedOut", "")]
    assert (await money.settle(extended, charge(390), NOW_S + 1)).applied
    assert await free_and_held(money, ACCOUNT) == (610, 0)


async def test_money_that_comes_in_while_a_shortfall_is_written_pays_for_it(
    api: TroubledDynamoDb, money: DynamoMoney
) -> None:
    await opened(money, ACCOUNT, balance=350)
    hold = await admitted(money, wanted(ACCOUNT, 300))
    api.meanwhile = [lambda: money.credit(ACCOUNT, 500, once="top-up", now_s=NOW_S)]
    settled = await money.settle(hold, charge(450), NOW_S + 1)
    assert [entry.amount_nanousd for entry in settled.entries] == [-450]
    assert await free_and_held(money, ACCOUNT) == (400, 0)


async def test_a_store_that_stays_out_of_reach_is_a_503_and_moves_nothing(
    api: TroubledDynamoDb, money: DynamoMoney, monkeypatch: pytest.MonkeyPatch
) -> None:
    await opened(money, ACCOUNT)
    monkeypatch.setattr("gateway.stores.money.tables.BASE_S", 0.0)
    api.failing = [Throttled("ThrottlingException", "")] * 100
    with pytest.raises(ServiceUnavailable):
        await money.admit(wanted(ACCOUNT), NOW_S)
    api.failing = []
    assert await free_and_held(money, ACCOUNT) == (1_000, 0)


async def test_an_admission_that_arrives_after_its_hold_has_ended_is_given_back(
    api: TroubledDynamoDb, money: DynamoMoney
) -> None:
    await opened(money, ACCOUNT)
    sent = tapped(api)
    capped = replace(wanted(ACCOUNT, 300), spend_cap_nanousd=300)
    await money.release(await admitted(money, replace(capped, hold_id=hold_id_at(NOW_S, 0))), NOW_S)
    hold = await admitted(money, capped)
    late = sent[-1]
    await money.settle(hold, charge(0), NOW_S + 1)
    api.done(*late)
    assert (await seen(money, ACCOUNT)).held_nanousd == 300
    await sweep(money, NOW_S + DEADLINE_S + 1)
    assert await free_and_held(money, ACCOUNT) == (1_000, 0)
    await admitted(money, replace(wanted(ACCOUNT, 300), spend_cap_nanousd=300), NOW_S)


@pytest.mark.parametrize("later_s", [0, 61])
async def test_an_admission_that_arrives_again_after_its_hold_was_parked_moves_nothing(
    api: TroubledDynamoDb, money: DynamoMoney, later_s: int
) -> None:
    await opened(money, ACCOUNT)
    await money.release(await admitted(money, wanted(ACCOUNT, 1)), NOW_S)
    sent = tapped(api)
    hold = await admitted(money, wanted(ACCOUNT, 300))
    late = sent[-1]
    parked = await money.park(hold)
    with pytest.raises(ConditionFailed):
        api.done(*late)
    await admitted(money, wanted(ACCOUNT, 50, NOW_S + later_s), NOW_S + later_s)
    with pytest.raises(ConditionFailed):
        api.done(*late)
    assert await free_and_held(money, ACCOUNT) == (650, 350)
    await money.settle(parked, charge(120), NOW_S + 70)
    assert await free_and_held(money, ACCOUNT) == (830, 50)


async def test_every_try_of_an_admission_is_barred_by_its_park(api: TroubledDynamoDb, money: DynamoMoney) -> None:
    await opened(money, ACCOUNT)
    other = DynamoMoney(api, "accounts", "ledger")
    await money.park(await admitted(money, wanted(ACCOUNT, 10), NOW_S + 5))
    sent = tapped(api)
    api.lost = [Unanswered("TimedOut", "")]
    hold = await admitted(other, wanted(ACCOUNT, 300), NOW_S)
    tries = [call for call in sent if call[0] == "UpdateItem"]
    await other.park(hold)
    for late in tries:
        with pytest.raises(ConditionFailed):
            api.done(*late)
    assert await free_and_held(money, ACCOUNT) == (690, 310)


async def test_parks_in_any_order_bar_the_latest_admission(api: TroubledDynamoDb, money: DynamoMoney) -> None:
    await opened(money, ACCOUNT)
    await money.release(await admitted(money, wanted(ACCOUNT, 1)), NOW_S)
    sent = tapped(api)
    first, second = [await admitted(money, wanted(ACCOUNT, 100), NOW_S + later) for later in (1, 2)]
    late = sent[-1]
    await money.park(second)
    await money.park(first)
    with pytest.raises(ConditionFailed):
        api.done(*late)
    assert not api.tables["accounts"].items[ACCOUNT,]["young"]["M"]


async def test_a_clock_that_is_behind_is_admitted_after_a_park(money: DynamoMoney) -> None:
    await opened(money, ACCOUNT)
    await money.park(await admitted(money, wanted(ACCOUNT, 10), NOW_S + 30))
    await admitted(money, wanted(ACCOUNT, 10), NOW_S)
    assert await free_and_held(money, ACCOUNT) == (980, 20)


async def test_a_parker_that_dies_between_its_writes_leaves_one_hold(
    api: TroubledDynamoDb, money: DynamoMoney, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.stores.money.tables.TRIES", 1)
    await opened(money, ACCOUNT)
    hold = await admitted(money, wanted(ACCOUNT, 300))
    api.lost = [Unanswered("Killed", "")]
    with pytest.raises(ServiceUnavailable):
        await money.park(hold)
    assert len((await seen(money, ACCOUNT)).holds) == 1
    await sweep(money, NOW_S + DEADLINE_S + 1)
    assert await free_and_held(money, ACCOUNT) == (1_000, 0)
    await sweep(money, NOW_S + DEADLINE_S + 1)
    assert not [key for key in api.tables["ledger"].items if key[1].startswith("hold#")]


async def test_an_account_without_holds_leaves_the_sweepers_index_and_comes_back(
    api: TroubledDynamoDb, money: DynamoMoney
) -> None:
    await opened(money, ACCOUNT)
    await money.release(await admitted(money, wanted(ACCOUNT)), NOW_S)
    await sweep(money, NOW_S + 1_199)
    assert "active_slot" in api.tables["accounts"].items[ACCOUNT,]
    await sweep(money, NOW_S + 1_200)
    assert "active_slot" not in api.tables["accounts"].items[ACCOUNT,]
    await admitted(money, wanted(ACCOUNT), NOW_S + 1_400)
    assert "active_slot" in api.tables["accounts"].items[ACCOUNT,]


@pytest.mark.parametrize(
    ("keys", "holds", "capped"), [(1, 0, False), (1, 16, False), (50, 1, False), (500, 1, False), (20, 1, True)]
)
async def test_the_items_size_is_known_within_a_tenth(
    api: TroubledDynamoDb, money: DynamoMoney, keys: int, holds: int, *, capped: bool
) -> None:
    await opened(money, ACCOUNT, balance=10**12)
    await money.release(await money.park(await admitted(money, wanted(ACCOUNT))), NOW_S)
    cap = 10**12 if capped else None
    for number in range(max(keys, holds)):
        key_id = f"key_{number % keys:010d}"
        asked = replace(wanted(ACCOUNT, 12_345_678), key_id=key_id, spend_cap_nanousd=cap)
        hold = await admitted(money, asked)
        if number >= holds:
            await money.settle(hold, charge(1_234_567), NOW_S)
    expected = BASE_BYTES + KEY_BYTES * keys + HOLD_BYTES * holds + CAP_BYTES * keys * capped
    assert item_bytes(api.tables["accounts"].items[ACCOUNT,]) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(("holds", "running"), [(16, 16), (40, 1)])
async def test_the_size_of_an_item_with_further_limits_is_known_within_a_tenth(
    api: TroubledDynamoDb, money: DynamoMoney, holds: int, running: int
) -> None:
    await opened(money, ACCOUNT, balance=10**12)
    await money.release(await money.park(await admitted(money, wanted(ACCOUNT))), NOW_S)
    limits = KeyLimits(tpm_limit=10**9, max_parallel=1_000, user_rpm_limit=9)
    for number in range(holds):
        asked = replace(wanted(ACCOUNT, 12_345_678), limits=limits, tokens=TokenDemand(9_999, 9_999))
        asked = replace(asked, user=f"{number:010x}", lease_until_s=int(NOW_S) + 900, key_rpm_limit=1_000)
        hold = await admitted(money, asked)
        if number >= running:
            await money.release(hold, NOW_S)
    account = read_account(api.tables["accounts"].items[ACCOUNT,])
    assert item_bytes(api.tables["accounts"].items[ACCOUNT,]) == pytest.approx(bytes_of(account), rel=0.1)


async def test_the_largest_usual_entry_is_one_write_unit(api: TroubledDynamoDb, money: DynamoMoney) -> None:
    await opened(money, ACCOUNT, balance=10**12)
    many = 1_000_000
    full = Charge(
        **{
            **{name: getattr(charge(10**11), name) for name in Charge.__struct_fields__},
            "usage": Usage(many, many, many, many, many, many, many, many),
            "model_requested": "anthropic/claude-sonnet-4-5-20250929:quality",
            "generation_id": f"gen-nxn-{hold_id_at(NOW_S, 1)}",
            "request_id": "0f8b7c1e-5d1c-4f6e-9d57-2f6a3f1f1b7a",
            "estimated": True,
            "cache": "semantic",
        }
    )
    hold = await admitted(money, wanted(ACCOUNT, 10**11))
    await money.settle(hold, full, NOW_S)
    assert item_bytes(api.tables["ledger"].items[ACCOUNT, f"entry#{hold.hold_id}"]) <= 1_024


async def test_what_admission_answers_is_all_that_headers_and_errors_need(money: DynamoMoney) -> None:
    await opened(money, ACCOUNT, rpm_limit=2)
    outcome = await money.admit(wanted(ACCOUNT), NOW_S + 30)
    assert isinstance(outcome, Admission)
    assert outcome.window.headers == {
        "X-RateLimit-Limit": "2",
        "X-RateLimit-Remaining": "1",
        "X-RateLimit-Reset": "30",
    }


def test_a_process_remembers_ten_thousand_accounts_and_no_more(money: DynamoMoney) -> None:
    for number in range(10_000):
        money._see(Account(f"acct_{number}"))
    # One that is seen again takes no other's place, and is the last to go.
    money._see(Account("acct_1"))
    assert len(money._seen) == 10_000
    for number in (10_000, 10_001):
        money._see(Account(f"acct_{number}"))
    gone = [number for number in range(4) if f"acct_{number}" not in money._seen]
    assert (len(money._seen), gone) == (10_000, [0, 2])


@pytest.mark.parametrize("late", [False, True])
async def test_what_is_written_off_is_counted(
    money: DynamoMoney, caplog: pytest.LogCaptureFixture, *, late: bool
) -> None:
    caplog.set_level("INFO")
    await opened(money, ACCOUNT, balance=100)
    hold = await admitted(money, wanted(ACCOUNT, 100))
    if late:
        await sweep(money, NOW_S + DEADLINE_S)
    await money.settle(hold, charge(130), NOW_S + DEADLINE_S)
    assert {"Shortfalls": 1, "ShortfallNanoUsd": 30} in [record.__dict__.get(METRIC) for record in caplog.records]


async def test_every_read_of_an_account_and_of_its_ledger_is_consistent(
    api: TroubledDynamoDb, money: DynamoMoney
) -> None:
    sent = tapped(api)
    await opened(money, ACCOUNT)
    hold = await money.checkpoint(await admitted(money, wanted(ACCOUNT)), charge(5))
    await sweep(money, NOW_S + DEADLINE_S)
    await money.settle(hold, charge(10), NOW_S + DEADLINE_S)
    await money.track_spend(ACCOUNT, hold.key_id, NOW_S)
    await money.read_account(ACCOUNT)
    await money.key_spend(ACCOUNT, hold.key_id, NOW_S)
    await money.entries(ACCOUNT, since_s=0, until_s=NOW_S, limit=5)
    reads = [payload for operation, payload in sent if operation in {"GetItem", "Query"} and "IndexName" not in payload]
    assert len(reads) > 10
    assert all(payload.get("ConsistentRead") for payload in reads)


async def test_a_store_that_refuses_us_is_unavailable(api: TroubledDynamoDb, money: DynamoMoney) -> None:
    await opened(money, ACCOUNT)
    api.failing = [AwsError("ExpiredTokenException", "The security token included in the request is expired")]
    with pytest.raises(ServiceUnavailable):
        await money.admit(wanted(ACCOUNT), NOW_S)
    assert await free_and_held(money, ACCOUNT) == (1_000, 0)


async def test_an_item_of_a_hold_that_has_ended_is_not_extended(api: TroubledDynamoDb, money: DynamoMoney) -> None:
    await opened(money, ACCOUNT)
    hold = await admitted(money, wanted(ACCOUNT, 300))
    await money.settle(hold, charge(120), NOW_S)
    await api.call("dynamodb", "UpdateItem", money._own_item(hold))
    assert await money.extend(replace(hold, parked=True), 500) is None
    assert await free_and_held(money, ACCOUNT) == (880, 0)
