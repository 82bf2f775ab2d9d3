"""Builds what accounts pay by; the functions that only show money build none of it."""

from __future__ import annotations

from functools import cache

from msgspec import Struct

from gateway.billing.automatic import TopUps
from gateway.billing.checkout import Checkouts
from gateway.billing.events import Events
from gateway.ports.payments import PaymentBooks, PaymentService
from gateway.stores.aws.provider_credentials import SecretCredentials
from gateway.stores.money.payments import DynamoPaymentBooks
from gateway.stores.stripe import StripePayments
from gateway.wiring.process import Process, process

# Where the operator names no console, a browser that has paid is sent to the gateway's own root.
RETURN_PATH = "/billing"


class Paying(Struct, frozen=True):
    """The services by which accounts pay."""

    books: PaymentBooks
    service: PaymentService
    checkouts: Checkouts
    events: Events
    top_ups: TopUps


@cache
def paying() -> Paying:
    """Paying over the tables, and the payment service, that this process's settings name."""
    on = process()
    books, service = payment_books(on), payment_service(on)
    events = Events(books, service, on.clock)
    return Paying(
        books,
        service,
        Checkouts(books, service, on.clock, on.settings.console_url.rstrip("/") + RETURN_PATH),
        events,
        TopUps(books, service, events, on.clock),
    )


def payment_books(on: Process) -> DynamoPaymentBooks:
    """The payments of a process's tables."""
    return DynamoPaymentBooks(on.aws, on.settings.accounts_table, on.settings.ledger_table)


def payment_service(on: Process) -> StripePayments:
    """The payment service of a process's secret; without a value there, it is not configured."""
    secret, ttl_s = on.settings.billing_secret, on.settings.providers_secret_ttl_s
    credentials = SecretCredentials(on.aws, on.clock, secret, ttl_s, keyless=True)
    return StripePayments(on.client, credentials, on.settings.stripe_api_base)
