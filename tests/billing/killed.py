"""Kills real processes while they take Stripe's events on DynamoDB Local, and checks the books when all are dead.

Each payment tells of itself twice, some are refunded. Every event is delivered at least once to a process that answers:
Stripe sends one again that had no answer. Deliveries are shuffled and repeated, and processes die in the middle of one.

python -m tests.billing PAYMENTS DELIVERIES [SEED]
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import boto3
import orjson

from gateway.billing.events import NANO_PER_CENT
from gateway.ports.payments import Paid, Payment
from gateway.stores.money.payments import DynamoPaymentBooks
from gateway.stores.money.store import DynamoMoney
from gateway.transport import Client
from local.payments.stripe import Stripe
from tests.billing.worker import ANSWERED, Place, served
from tests.hangs import HANGS_AFTER_S
from tests.money.invariants import check
from tests.money.stores import create_tables, local_api
from tests.stores.servers import serving

PROCESSES = 3
ACCOUNTS = ("acct_one", "acct_two")
# A process is killed a moment after the last of so many deliveries has been sent to it: a booking takes some 20 ms.
LIVES, MOMENTS_S = (2, 5, 9), (0.0, 0.002, 0.005, 0.01, 0.02, 0.04)
REFUNDED_EVERY = 10
BOTO = boto3.Session(region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")


class Till:
    """Payments at a simulated Stripe, with what they owe the accounts, and their events."""

    def __init__(self, payments: int, chance: random.Random) -> None:
        self.told: list[dict[str, Any]] = []
        self.stripe = Stripe(self.told.append)
        self.asked: list[Payment] = []
        self.known: dict[str, Paid] = {}
        self.owed: Counter[tuple[str, str]] = Counter()
        self.counts: Counter[tuple[str, str]] = Counter()
        for number in range(payments):
            self._pay(number, chance)

    def _pay(self, number: int, chance: random.Random) -> None:
        account_id, cents = chance.choice(ACCOUNTS), chance.randint(100, 9_999)
        payment = Payment(account_id, f"pay_{number:06}", cents * NANO_PER_CENT, "checkout", int(time.time()))
        metadata = {"account_id": account_id, "payment_id": payment.payment_id}
        asked = {
            "mode": "payment",
            "line_items": {"0": {"quantity": 1, "price_data": {"currency": "usd", "unit_amount": cents}}},
            "client_reference_id": payment.payment_id,
            "metadata": metadata,
            "payment_intent_data": {"metadata": metadata},
            "success_url": "http://console.test",
            "cancel_url": "http://console.test",
        }
        session = self.stripe.create_session(asked, "http://stripe.test")
        self.stripe.pay(session["id"])
        intent = self.stripe.found("checkout.session", session["id"])["payment_intent"]
        self.asked.append(payment)
        self.known[intent] = Paid(intent, True, cents, "usd", account_id, payment.payment_id)
        self._note(account_id, "credit", cents)
        if number % REFUNDED_EVERY == 0:
            self.stripe.create_refund({"payment_intent": intent, "amount": str(cents // 2)})
            self._note(account_id, "refund", -(cents // 2))

    def _note(self, account_id: str, kind: str, cents: int) -> None:
        self.owed[account_id, kind] += cents * NANO_PER_CENT
        self.counts[account_id, kind] += 1

    def deliveries(self, count: int, chance: random.Random) -> list[bytes]:
        """Each event, and repeats of any of them, in any order."""
        events = [orjson.dumps(event) for event in self.told]
        events += chance.choices(events, k=max(0, count - len(events)))
        chance.shuffle(events)
        return events


def killed(endpoint: str, prefix: str, payments: int, deliveries: int, seed: int) -> Counter[str]:
    """Runs the campaign on tables of its own; returns how deliveries ended, raises where the books are wrong."""
    create_tables(BOTO.client("dynamodb", endpoint_url=endpoint), prefix)
    return asyncio.run(_killed(endpoint, prefix, payments, deliveries, random.Random(seed)))


async def _killed(endpoint: str, prefix: str, payments: int, deliveries: int, chance: random.Random) -> Counter[str]:
    till, client = Till(payments, chance), Client()
    place = Place(endpoint, f"{prefix}accounts", f"{prefix}ledger", till.known)
    books, money = place.books(client), DynamoMoney(local_api(client, endpoint), place.accounts, place.ledger)
    for account_id in ACCOUNTS:
        await money.open_account(account_id, 1_000)
    for payment in till.asked:
        await books.open(payment, payment.payment_id)
    waiting, outcomes = till.deliveries(deliveries, chance), Counter[str]()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.billing.worker"])

    async def lives() -> None:
        while waiting:
            pipe, theirs = context.Pipe()
            process = context.Process(target=served, args=(place, theirs))
            process.start()
            theirs.close()
            await _life(process, pipe, waiting, outcomes, chance)

    await asyncio.gather(*(lives() for _ in range(PROCESSES)))
    await _judge(till, books, money)
    await client.close()
    return outcomes


async def _life(
    process: BaseProcess, pipe: Connection, waiting: list[bytes], outcomes: Counter[str], chance: random.Random
) -> None:
    """Delivers events to a process, and kills it within the last of them; one without an answer waits again."""
    try:
        assert await asyncio.to_thread(_heard, pipe) == ANSWERED
        for left in reversed(range(chance.choice(LIVES))):
            if not waiting:
                return
            event = waiting.pop()
            pipe.send_bytes(event)
            if not left:
                await asyncio.sleep(chance.choice(MOMENTS_S))
                process.kill()
            told = await asyncio.to_thread(_heard, pipe)
            outcomes[told.decode() or "died"] += 1
            if told != ANSWERED:
                waiting.insert(chance.randrange(len(waiting) + 1), event)
    finally:
        process.kill()
        await asyncio.to_thread(process.join, HANGS_AFTER_S)
        pipe.close()


def _heard(pipe: Connection) -> bytes:
    """The answer of a process; none of one that died before it."""
    try:
        assert pipe.poll(HANGS_AFTER_S)
        return pipe.recv_bytes()
    except (EOFError, ConnectionResetError):
        return b""


async def _judge(till: Till, books: DynamoPaymentBooks, money: DynamoMoney) -> None:
    """Raises unless each payment was credited once, each refund taken once, and the sums agree."""
    for account_id in ACCOUNTS:
        found = await money.read_account(account_id)
        assert found is not None
        check(found)
        sums, counts = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for entry in found.entries:
            sums[account_id, entry.kind.value] += entry.amount_nanousd
            counts[account_id, entry.kind.value] += 1
        assert sums == {place: sum_ for place, sum_ in till.owed.items() if place[0] == account_id}
        assert counts == {place: count for place, count in till.counts.items() if place[0] == account_id}
        paid = await books.list_paid(account_id, limit=len(till.asked))
        assert all(one.paid_nanousd == one.amount_nanousd for one in paid)
        assert len(paid) == till.counts[account_id, "credit"]


def main(payments: int, deliveries: int, seed: int) -> int:
    """Runs the campaign on a DynamoDB Local of its own; returns 1 if there is no Java for it."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as servers:
        if servers.dynamodb is None:
            sys.stderr.write("DynamoDB Local needs a Java, and there is none.\n")
            return 1
        begun_s = time.monotonic()
        outcomes = killed(servers.dynamodb, f"seed{seed}-", payments, deliveries, seed)
        took_s = time.monotonic() - begun_s
        sys.stdout.write(f"{payments} payments credited once each in {took_s:.0f} s: {dict(outcomes)}\n")
    return 0
