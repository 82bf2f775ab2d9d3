"""Tests of the mechanism's bars by measurement: contention, cost, latency, and the facts known without a read."""

from __future__ import annotations

import asyncio
import random
import sys

import pytest
from msgspec.structs import replace

from gateway.canonical.money import Admission, Hold
from gateway.stores.money.store import DynamoMoney
from tests.money.given import NOW_S, wanted
from tests.money.simulation.candidates import OneItem, OneTransaction, Purses
from tests.money.simulation.load import HEAD, Figures, Load, measure, printed
from tests.money.simulation.rules import ContendedDynamoDb, Trouble
from tests.virtual_time import run

BAR = Load(minutes=2)


@pytest.fixture(scope="module")
def rows() -> list[Figures]:
    """Measures the three mechanisms under the load of the bars, with conflicts, throttling and lost answers."""
    return [measure(make, BAR, ", 30 s streams") for make in (OneTransaction, OneItem, Purses)]


def test_the_table_is_printed(rows: list[Figures], capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\n{printed(rows)}\n")
    assert printed(rows).startswith(HEAD)


def test_at_most_one_in_a_thousand_is_refused_for_contention(rows: list[Figures]) -> None:
    assert rows[1].requests == 2_000
    assert rows[1].refused_percent <= 0.1


def test_a_million_requests_cost_at_most_ten_dollars_of_dynamodb(rows: list[Figures]) -> None:
    assert rows[1].usd_per_million <= 10


def test_the_other_mechanisms_fail_a_bar_each(rows: list[Figures]) -> None:
    transaction, chosen, purses = rows
    assert transaction.usd_per_million > 10
    assert [row.remaining_known for row in (transaction, chosen, purses)] == [False, True, False]


def test_the_load_met_the_trouble_that_it_was_to_meet(rows: list[Figures]) -> None:
    assert all(row.conflicts > 100 for row in rows)


async def burst_of(processes: int, api: ContendedDynamoDb) -> list[Hold]:
    """Has each process, all new, admit one request within a second, and park its hold where the account is crowded."""
    moneys = [DynamoMoney(api, "accounts", "ledger") for _ in range(processes)]
    await moneys[0].open_account("acct_a", rpm_limit=100_000)
    await moneys[0].credit("acct_a", 10**12, once="start", now_s=0)

    async def request(number: int) -> Hold:
        now_s = NOW_S + number / processes
        await asyncio.sleep(number / processes)
        asked = replace(wanted("acct_a", now_s=now_s), key_rpm_limit=100_000)
        admission = await moneys[number].admit(asked, now_s)
        assert isinstance(admission, Admission)
        return await moneys[number].park(admission.hold) if admission.hold.crowded else admission.hold

    return await asyncio.gather(*(request(number) for number in range(processes)))


def test_a_burst_of_new_processes_on_a_slow_store_is_admitted_whole() -> None:
    api = ContendedDynamoDb(random.Random(1), times_slower=30)
    holds = run(burst_of(200, api))
    assert len({hold.hold_id for hold in holds}) == 200
    # Otherwise no bar of a parked hold rose while another admission was under way.
    assert sum(hold.parked for hold in holds) > 100


def test_the_same_seed_gives_the_same_figures() -> None:
    load = Load(per_minute=200, minutes=1)
    assert measure(OneItem, load) == measure(OneItem, load)


def test_virtual_hours_pass_in_no_time() -> None:
    async def wait() -> float:
        await asyncio.sleep(3_600)
        return asyncio.get_running_loop().time()

    assert run(wait()) == pytest.approx(3_600)


def test_without_trouble_a_quiet_account_meets_no_conflict() -> None:
    figures = measure(OneItem, Load(per_minute=1, minutes=3, trouble=Trouble()))
    assert (figures.conflicts, figures.settled_late) == (0, 0)


def test_overlapping_writes_conflict_where_one_is_a_transaction() -> None:
    async def overlap() -> list[str]:
        api = ContendedDynamoDb(random.Random(1))
        item = {"account_id": {"S": "a"}}
        put = {"TableName": "accounts", "Item": item}
        calls = [
            api.call("dynamodb", "TransactWriteItems", {"TransactItems": [{"Put": put}]}),
            api.call("dynamodb", "PutItem", put),
        ]
        results = await asyncio.gather(*calls, return_exceptions=True)
        return [type(result).__name__ for result in results]

    assert run(overlap()) == ["dict", "Contended"]


def test_overlapping_plain_writes_do_not_conflict() -> None:
    async def overlap() -> list[str]:
        api = ContendedDynamoDb(random.Random(1))
        put = {"TableName": "accounts", "Item": {"account_id": {"S": "a"}}}
        results = await asyncio.gather(*(api.call("dynamodb", "PutItem", put) for _ in range(3)))
        return [type(result).__name__ for result in results]

    assert run(overlap()) == ["dict"] * 3


def test_an_item_over_its_thousand_units_a_second_is_throttled() -> None:
    async def burst() -> int:
        api = ContendedDynamoDb(random.Random(1))
        put = {"TableName": "accounts", "Item": {"account_id": {"S": "a"}}}
        for _ in range(3):
            calls = (api.call("dynamodb", "PutItem", put) for _ in range(600))
            await asyncio.gather(*calls, return_exceptions=True)
        return api.met.throttles

    assert run(burst()) > 500
