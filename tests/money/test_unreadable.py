"""Tests that items which only another version can read stay with their owner, and hold nothing else back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.canonical.money import Hold
from gateway.logs.metrics import METRIC
from gateway.stores.aws.client import Item
from gateway.stores.aws.deferred_settlements import message_of, settle_batch
from gateway.stores.money.store import DynamoMoney
from gateway.stores.money.sweep import SweepReport, sweep
from tests.money.given import DEADLINE_S, NOW_S, admitted, charge, opened, wanted
from tests.money.simulation.dynamodb import SimulatedDynamoDb
from tests.money.stores import WallClock

pytestmark = pytest.mark.anyio

OVERDUE_S = NOW_S + DEADLINE_S + 1
ACCOUNTS = [f"acct_{number}" for number in range(6)]


def unknown_tier(item: Item) -> None:
    item["checkpoint"]["M"]["tier"] = {"S": "a tier of a later release"}


def no_amount(item: Item) -> None:
    del item["amount"]


def words(item: Item) -> None:
    item["amount"] = {"N": "ten"}


def another_type(item: Item) -> None:
    item["checkpoint"] = {"S": "packed"}


@pytest.fixture
def api() -> SimulatedDynamoDb:
    return SimulatedDynamoDb(page=2)


async def holds(money: DynamoMoney) -> list[Hold]:
    """Returns a parked hold with a checkpoint in each of many accounts, so that several share each shard."""
    made: list[Hold] = []
    for account_id in ACCOUNTS:
        await opened(money, account_id)
        admissions = [await admitted(money, wanted(account_id, 100)) for _ in range(4)]
        made += [await money.checkpoint(hold, charge(40)) for hold in admissions]
    return made


@pytest.mark.parametrize(
    "spoiled", [unknown_tier, no_amount, words, another_type], ids=lambda spoiled: spoiled.__name__
)
async def test_a_hold_that_cannot_be_read_is_counted_and_all_others_are_swept(
    api: SimulatedDynamoDb, spoiled: Callable[[Item], None], caplog: pytest.LogCaptureFixture
) -> None:
    money = DynamoMoney(api, "accounts", "ledger")
    made = await holds(money)
    caplog.set_level("INFO")
    spoiled(api.tables["ledger"].items[made[0].account_id, f"hold#{made[0].hold_id}"])
    assert await sweep(money, OVERDUE_S) == SweepReport(charged=len(made) - 1)
    assert [record.__dict__[METRIC] for record in caplog.records if METRIC in record.__dict__] == [
        {"HoldsUnreadable": 1}
    ]
    left = [key[1] for key in api.tables["ledger"].items if key[1].startswith("hold#")]
    assert left == [f"hold#{made[0].hold_id}"]


async def test_an_account_that_cannot_be_read_holds_no_other_account_back(api: SimulatedDynamoDb) -> None:
    money = DynamoMoney(api, "accounts", "ledger")
    for account_id in ACCOUNTS:
        await opened(money, account_id)
        await admitted(money, wanted(account_id, 100))
    api.tables["accounts"].items[ACCOUNTS[0],]["young"]["M"]["later"] = {"S": "packed"}
    assert await sweep(money, OVERDUE_S) == SweepReport(released=len(ACCOUNTS) - 1)


async def test_a_hold_whose_entry_cannot_be_read_is_left_and_holds_no_other_back(api: SimulatedDynamoDb) -> None:
    money = DynamoMoney(api, "accounts", "ledger")
    made = await holds(money)
    ledger, account_id, hold_id = api.tables["ledger"].items, made[0].account_id, made[0].hold_id
    item = ledger[account_id, f"hold#{hold_id}"]
    await money.settle(made[0], charge(40), NOW_S)
    # The write of its park arrives again.
    ledger[account_id, f"hold#{hold_id}"] = item
    ledger[account_id, f"entry#{hold_id}"]["kind"] = {"S": "a later kind"}
    assert await sweep(money, OVERDUE_S) == SweepReport(charged=len(made) - 1, left=1)


async def test_the_end_of_a_hold_that_cannot_be_read_fails_alone_in_its_batch(api: SimulatedDynamoDb) -> None:
    money = DynamoMoney(api, "accounts", "ledger")
    made = await holds(money)
    unknown_tier(api.tables["ledger"].items[made[0].account_id, f"hold#{made[0].hold_id}"])
    # The message was written before the hold was raised, so its item has to be read.
    ends = [made[0].of(made[0].amount_nanousd - 1), made[1]]
    records = [{"messageId": hold.hold_id, "body": message_of(hold, None)} for hold in ends]
    assert await settle_batch(money, WallClock(), {"Records": records}) == {
        "batchItemFailures": [{"itemIdentifier": made[0].hold_id}]
    }
    left = [key[1] for key in api.tables["ledger"].items if key[1].startswith("hold#")]
    assert left == [f"hold#{hold.hold_id}" for hold in [made[0], *made[2:]]]
