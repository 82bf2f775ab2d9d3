"""Tests the webhook under fire: shuffled, repeated and stale deliveries to processes that die at any call."""

from __future__ import annotations

import random
from collections import Counter

import orjson
import pytest

from gateway.billing.events import Events
from gateway.canonical.money import EntryKind
from gateway.stores.money.payments import DynamoPaymentBooks
from local.payments.deliveries import signature
from local.payments.serving import WEBHOOK_SECRET
from tests.billing.harness import DeadStore, Died, Till
from tests.control_plane.harness import ACCOUNT, NOW_S, OTHER_ACCOUNT, OTHER_KEY

pytestmark = pytest.mark.anyio
PAYMENTS, DELIVERIES = 200, 1_000


async def test_credits_equal_payments_after_a_thousand_deliveries_to_dying_processes(till: Till) -> None:
    chance = random.Random(15)
    owed: Counter[str] = Counter()
    till.nexgate.reads_rpm = 10_000
    for number in range(PAYMENTS):
        account_id, key = chance.choice([(ACCOUNT, {}), (OTHER_ACCOUNT, {"key": OTHER_KEY})])
        cents = chance.randint(100, 9_999)
        usd = f"{cents // 100}.{cents % 100:02}"
        page = await till.ask("POST", "checkout", {"amount_usd": usd, "idempotency_key": f"key-{number}"}, **key)
        till.pay(page.json())
        owed[account_id] += cents
    events = [event for event in till.new_events() if event["type"] != "charge.succeeded"]
    # Each event comes at least once to a process that lives: Stripe sends one again that was not answered.
    waiting = [*events, *chance.choices(events, k=DELIVERIES - len(events))]
    chance.shuffle(waiting)
    outcomes: Counter[str] = Counter()
    while waiting:
        event = waiting.pop()
        store = DeadStore(till.dynamodb)
        store.left, store.after = chance.choice(
            [(-1, False), *((n, after) for n in (1, 2, 3) for after in (True, False))]
        )
        body = orjson.dumps(event)
        process = Events(DynamoPaymentBooks(store, "accounts", "ledger"), till.service, till.clock)
        try:
            await process.take(signature(WEBHOOK_SECRET, body, int(NOW_S)), body)
            outcomes["answered"] += 1
        except Died:
            outcomes["died"] += 1
            waiting.insert(chance.randrange(len(waiting) + 1), event)
    assert outcomes["answered"] >= DELIVERIES
    assert outcomes["died"] > 100, outcomes
    booked = 0
    for account_id, cents in owed.items():
        found = [one for one in (await till.look(account_id)).entries if one.note != "a gift"]
        assert {one.kind for one in found} == {EntryKind.CREDIT}
        assert sum(one.amount_nanousd for one in found) == cents * 10**7
        booked += len(found)
    assert booked == PAYMENTS
