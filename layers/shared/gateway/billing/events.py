"""Takes the payment service's events: in any order, any number of times, each with one effect at most.

An event says of which account and payment it is, and proves nothing by that: the payment must be one that we noted for
that account before we asked for it. What is credited is what was paid. The event and its movement are one transaction,
and the answer is sent after it, so an event that met a death comes again; a movement has a fence of its own
(`Booking.once`), so two events of one payment credit it once.
https://docs.stripe.com/webhooks
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import replace

from gateway.billing.refusals import not_configured
from gateway.billing.signature import verify
from gateway.billing.terms import changed_terms
from gateway.canonical.money import EntryKind
from gateway.errors import InvalidRequest, NotFound
from gateway.ledger.money import NANO_PER_USD
from gateway.logs.metrics import Metric, count
from gateway.ports.clock import Clock
from gateway.ports.payments import Automatic, Booking, Paid, Payment, PaymentBooks, PaymentService

NANO_PER_CENT = NANO_PER_USD // 100
CURRENCY = "usd"
# Money of a refund is on its way from its creation on.
REFUNDED = frozenset({"pending", "succeeded", "requires_action"})
NOT_REFUNDED = frozenset({"failed", "canceled"})

log = logging.getLogger(__name__)


class Told(Struct, frozen=True):
    """One event: its id, its type, and the object that it is about."""

    event_id: str
    kind: str
    about: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A member of the object that is a text; empty where it is none."""
        value = self.about.get(name)
        return value if isinstance(value, str) else ""

    def cents(self, name: str) -> int:
        """A member of the object that is an amount; 0 where it is none."""
        value = self.about.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


class Events(Struct, frozen=True):
    """Books what the service's events say."""

    books: PaymentBooks
    service: PaymentService
    clock: Clock

    async def take(self, header: str, body: bytes) -> dict[str, Any]:
        """Books one event; raises `AuthenticationFailed` for one that the service has not signed.

        Raises `ServiceUnavailable` where it has to come again.
        """
        secrets = await self.service.secrets()
        if not secrets:
            raise not_configured()
        verify(secrets, header, body, self.clock.now_s())
        told = read_event(body)
        taken = _KINDS.get(told.kind)
        try:
            is_booked = taken is not None and await taken(self, told)
        except NotFound:
            is_booked = _unmatched(told, "its account is gone")
        return {"received": True, "booked": is_booked}

    async def session(self, told: Told) -> bool:
        """A page was completed; one that is paid later, such as by bank transfer, tells of that in another event."""
        if told.text("payment_status") != "paid":
            return False
        account_id, payment_id = _named(told.about)
        if payment_id and told.text("client_reference_id") != payment_id:
            return _unmatched(told, "its reference and its metadata differ")
        paid = Paid(
            told.text("payment_intent"), True, told.cents("amount_total"), told.text("currency"), account_id, payment_id
        )
        return await self.credit(paid, told)

    async def intent(self, told: Told) -> bool:
        """A payment has succeeded; the method that made it is kept where it was saved for the account's customer."""
        account_id, payment_id = _named(told.about)
        paid = Paid(told.text("id"), True, told.cents("amount_received"), told.text("currency"), account_id, payment_id)
        is_booked = await self.credit(paid, told)
        if is_booked and told.text("setup_future_usage") == "off_session" and told.text("payment_method"):
            await self._keep_method(account_id, told.text("customer"), told.text("payment_method"))
        return is_booked

    async def charge(self, told: Told) -> bool:
        """A charge has a receipt."""
        account_id, payment_id = _named(told.about)
        payment = await self.books.find(account_id, payment_id) if payment_id else None
        if payment is None or not told.text("receipt_url").startswith("https://"):
            return False
        await self.books.note(payment, receipt_url=told.text("receipt_url"))
        return True

    async def refund(self, told: Told) -> bool:
        """A refund takes a payment back, or has failed and gives it again."""
        once, status = once_of(told.text("id")), told.text("status")
        if status in REFUNDED:
            return await self._taken(told, EntryKind.REFUND, once, sign=-1)
        if status not in NOT_REFUNDED:
            return False
        booking = await self._movement(told, EntryKind.REFUND, once, sign=1)
        if booking is None:
            return False
        # One that failed before it was booked never is.
        if await self.books.bar(booking):
            return True
        await self.books.book(replace(booking, once=f"{once}:failed"), self.clock.now_s())
        return True

    async def withdrawn(self, told: Told) -> bool:
        """A dispute takes a payment back."""
        return await self._taken(told, EntryKind.DISPUTE, once_of(told.text("id")), sign=-1)

    async def reinstated(self, told: Told) -> bool:
        """A dispute was won: the payment is given again."""
        return await self._taken(told, EntryKind.DISPUTE, f"{once_of(told.text('id'))}:won", sign=1)

    async def credit(self, paid: Paid, told: Told | None = None) -> bool:
        """Credits a payment, once, with what was paid; false for one that is none of ours."""
        payment = await self.books.find(paid.account_id, paid.payment_id) if paid.payment_id else None
        if payment is None:
            return _unmatched(told, "no such payment was asked for") if paid.payment_id else False
        if not paid.is_paid or paid.currency != CURRENCY or paid.amount <= 0:
            return _unmatched(told, "it was paid in another currency, or not at all")
        if paid.amount * NANO_PER_CENT != payment.amount_nanousd:
            log.warning("%s was asked for another amount than was paid; what was paid counts", payment.payment_id)
        booking = Booking(
            payment.account_id,
            payment.payment_id,
            EntryKind.CREDIT,
            paid.amount * NANO_PER_CENT,
            once=once_of(payment.payment_id),
            event_id=None if told is None else told.event_id,
            intent=paid.intent,
            note=payment.payment_id,
        )
        await self.books.book(booking, self.clock.now_s())
        await self._rest(payment)
        return True

    async def _taken(self, told: Told, kind: EntryKind, once: str, *, sign: int) -> bool:
        booking = await self._movement(told, kind, once, sign=sign)
        if booking is None:
            return False
        return await self.books.book(booking, self.clock.now_s()) is not None

    async def _movement(self, told: Told, kind: EntryKind, once: str, *, sign: int) -> Booking | None:
        """The movement of a refund or a dispute; its payment is credited first, whose own event may be on its way."""
        intent, amount = told.text("payment_intent"), told.cents("amount")
        owner = await self.books.owner(intent) if intent else None
        if owner is None and intent and await self.credit(await self.service.look(intent)):
            owner = await self.books.owner(intent)
        if owner is None:
            return None
        if told.text("currency") != CURRENCY or not amount or not told.text("id"):
            _unmatched(told, "it is in another currency, or of no amount")
            return None
        account_id, payment_id = owner
        note = f"{payment_id} {told.text('reason')}".strip()
        return Booking(account_id, payment_id, kind, sign * amount * NANO_PER_CENT, once, told.event_id, note=note)

    async def _keep_method(self, account_id: str, customer: str, method: str) -> None:
        def kept(terms: Automatic) -> Automatic | None:
            return replace(terms, method=method, failed=None) if terms.customer == customer else None

        await changed_terms(self.books, account_id, kept)

    async def _rest(self, payment: Payment) -> None:
        """Ends an automatic top-up that was under way, and has a low balance told of anew."""

        def rested(terms: Automatic) -> Automatic:
            ended = replace(terms, told_s=0)
            return replace(ended, pending=None, pending_s=0) if terms.pending == payment.payment_id else ended

        await changed_terms(self.books, payment.account_id, rested)


Taken = Callable[[Events, Told], Awaitable[bool]]
_KINDS: Mapping[str, Taken] = {
    "checkout.session.completed": Events.session,
    "checkout.session.async_payment_succeeded": Events.session,
    "payment_intent.succeeded": Events.intent,
    "charge.succeeded": Events.charge,
    "charge.updated": Events.charge,
    "refund.created": Events.refund,
    "refund.updated": Events.refund,
    "refund.failed": Events.refund,
    "charge.refund.updated": Events.refund,
    "charge.dispute.funds_withdrawn": Events.withdrawn,
    "charge.dispute.funds_reinstated": Events.reinstated,
}
KINDS = tuple(_KINDS)


def once_of(own_id: str) -> str:
    """The fence of what the payment service names by an id, or of the payment that we named to it."""
    return f"stripe:{own_id}"


def read_event(body: bytes) -> Told:
    """The event of a signed body; raises `InvalidRequest` for what is none."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    match document:
        case {"id": str(event_id), "type": str(kind), "data": {"object": dict(about)}} if event_id:
            return Told(event_id, kind, about)
    raise InvalidRequest("The body is not an event of the payment service.", code="invalid_body")


def _named(about: Mapping[str, Any]) -> tuple[str, str]:
    """The account and the payment that an object's metadata names; empty where it names none."""
    match about.get("metadata"):
        case {"account_id": str(account_id), "payment_id": str(payment_id)} if account_id:
            return account_id, payment_id
    return "", ""


def _unmatched(told: Told | None, why: str) -> bool:
    """Counts money that moved at the service and not here; the operator has to look."""
    log.warning("the payment service's event %s is not booked: %s", told.event_id if told else "-", why)
    count(Metric.PAYMENTS_UNMATCHED)
    return False
