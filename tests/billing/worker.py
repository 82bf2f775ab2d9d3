"""A real process of the campaign on DynamoDB Local: it takes Stripe's events until it is killed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from typing import NoReturn

from msgspec import Struct

from gateway.billing.events import Events
from gateway.errors import GatewayError
from gateway.ports.payments import Paid, Payment
from gateway.stores.money.payments import DynamoPaymentBooks
from gateway.transport import Client
from local.payments.deliveries import signature
from local.payments.serving import WEBHOOK_SECRET
from tests.money.stores import WallClock, local_api

ANSWERED, AGAIN = b"answered", b"again"


class Place(Struct, frozen=True):
    """The place that the processes share: DynamoDB Local, the tables, and what Stripe knows of each payment."""

    endpoint: str
    accounts: str
    ledger: str
    known: Mapping[str, Paid]

    def books(self, client: Client) -> DynamoPaymentBooks:
        return DynamoPaymentBooks(local_api(client, self.endpoint), self.accounts, self.ledger)


class Looking(Struct, frozen=True):
    """A payment service that is only looked at: no event has it make anything."""

    known: Mapping[str, Paid]

    async def secrets(self) -> Sequence[str]:
        return (WEBHOOK_SECRET,)

    async def look(self, intent: str) -> Paid:
        return self.known[intent]

    async def checkout(self, payment: Payment, return_url: str, *, customer: str | None, saves: bool) -> NoReturn:
        raise AssertionError((payment, return_url, customer, saves))

    async def customer(self, account_id: str) -> NoReturn:
        raise AssertionError(account_id)

    async def charge(self, payment: Payment, customer: str, method: str) -> NoReturn:
        raise AssertionError((payment, customer, method))


def served(place: Place, pipe: Connection) -> None:
    """Takes events from a pipe, as a function's process takes them from API Gateway, until it is killed."""
    asyncio.run(_served(place, pipe))


async def _served(place: Place, pipe: Connection) -> None:
    client = Client()
    events = Events(place.books(client), Looking(place.known), WallClock())
    pipe.send_bytes(ANSWERED)
    while True:
        body = pipe.recv_bytes()
        try:
            await events.take(signature(WEBHOOK_SECRET, body, int(time.time())), body)
        except GatewayError:
            pipe.send_bytes(AGAIN)
        else:
            pipe.send_bytes(ANSWERED)
