"""Tests that an account asked for 300 times a second degrades to 503, and that its sums are right all the same."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from unittest.mock import patch

import pytest

from gateway.canonical.money import Admission, Hold, HoldRequest
from gateway.errors import ServiceUnavailable
from gateway.ledger.hold_ids import hold_id_at
from gateway.stores.aws import client
from gateway.stores.money.store import DynamoMoney
from gateway.stores.money.sweep import sweep
from gateway.transport import Client
from tests.money.given import NOW_S, charge, seen
from tests.money.simulation.rules import ContendedDynamoDb, Trouble
from tests.money.stores import local_api
from tests.virtual_time import run

PROCESSES = 10
PER_S = 300
AMOUNT, COST = 100, 40
TROUBLE = Trouble(conflict=0.05, throttle=0.02, answer_lost=0.01)


class Outcomes:
    """Counts the outcomes of requests: `admitted`, `refused` by a rule, or a status."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.paid = 0
        self.unsettled: list[Hold] = []


async def served(money: DynamoMoney, asked: HoldRequest, outcomes: Outcomes, now_s: float) -> None:
    """Runs one request: its admission, and its end with a charge where it was admitted."""
    try:
        outcome = await money.admit(asked, now_s)
    except ServiceUnavailable as busy:
        outcomes.counts[str(busy.status)] += 1
        return
    if not isinstance(outcome, Admission):
        outcomes.counts[f"refused: {outcome.by.name}"] += 1
        return
    outcomes.counts["admitted"] += 1
    try:
        await money.settle(outcome.hold, charge(COST), now_s)
        outcomes.paid += 1
    except ServiceUnavailable:
        outcomes.unsettled.append(outcome.hold)


def asked(account_id: str, number: int, now_s: float) -> HoldRequest:
    hold_id = hold_id_at(now_s, number)
    return HoldRequest(account_id, f"key_{number % 7:010d}", hold_id, AMOUNT, int(now_s) + 60, key_rpm_limit=10**6)


async def check_sums(money: DynamoMoney, account_id: str, balance: int, outcomes: Outcomes) -> None:
    """Settles what the queue would, sweeps what was left behind, and compares the account with what was served."""
    for hold in outcomes.unsettled:
        await money.settle(hold, charge(COST), NOW_S + 30)
        outcomes.paid += 1
    # A try whose answer was lost may have left a hold; nothing of it was served.
    await sweep(money, NOW_S + 10_000)
    look = await seen(money, account_id)
    assert (look.free_nanousd, look.held_nanousd) == (balance - outcomes.paid * COST, 0)
    assert outcomes.paid == outcomes.counts["admitted"]


async def hot(processes: Sequence[DynamoMoney], api: ContendedDynamoDb, balance: int) -> Outcomes:
    """Asks for two thirds of a second on the loop's clock, then lets the store calm down and checks the sums."""
    await processes[0].open_account("acct", 10**6)
    await processes[0].credit("acct", balance, once="start", now_s=NOW_S - 100)
    api.trouble = TROUBLE
    outcomes, loop = Outcomes(), asyncio.get_running_loop()
    began_s = loop.time()

    async def request(number: int) -> None:
        await asyncio.sleep(began_s + number / PER_S - loop.time())
        now_s = NOW_S + loop.time() - began_s
        await served(processes[number % PROCESSES], asked("acct", number, now_s), outcomes, now_s)

    await asyncio.gather(*(request(number) for number in range(PER_S * 2 // 3)))
    api.trouble = Trouble()
    await asyncio.sleep(60)
    await check_sums(processes[0], "acct", balance, outcomes)
    return outcomes


@pytest.mark.parametrize(("balance", "beside"), [(10**9, "503"), (30 * AMOUNT, "refused: BALANCE")])
def test_an_account_at_300_requests_a_second_is_503_at_times_and_never_wrong(balance: int, beside: str) -> None:
    api = ContendedDynamoDb(random.Random(11))
    processes = [DynamoMoney(api, "accounts", "ledger") for _ in range(PROCESSES)]
    with patch.object(client, "JITTER", random.Random(11)):
        counts = run(hot(processes, api, balance)).counts
    assert set(counts) <= {"admitted", "503", "refused: BALANCE"}
    assert counts["admitted"] > 0
    assert counts[beside] > 0


@pytest.mark.anyio
async def test_60_at_once_on_dynamodb_local_are_admitted_refused_or_503_and_the_sums_are_right(
    dynamodb_local: str, account_id: str
) -> None:
    http = Client()
    processes = [DynamoMoney(local_api(http, dynamodb_local), "accounts", "ledger") for _ in range(PROCESSES)]
    balance, outcomes = 30 * AMOUNT, Outcomes()
    await processes[0].open_account(account_id, 10**6)
    await processes[0].credit(account_id, balance, once="start", now_s=NOW_S - 100)
    await asyncio.gather(
        *(
            served(processes[number % PROCESSES], asked(account_id, number, NOW_S), outcomes, NOW_S)
            for number in range(60)
        )
    )
    assert set(outcomes.counts) <= {"503", "admitted", "refused: BALANCE"}
    assert outcomes.counts["admitted"] > 0
    await check_sums(processes[0], account_id, balance, outcomes)
    await http.close()
