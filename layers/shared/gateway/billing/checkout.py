"""Top-ups on a page of the payment service: noted first, then asked for, so that its event finds what it pays."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import replace

from gateway.accounts.key_settings import UsdAmount
from gateway.accounts.pages import iso_utc
from gateway.billing.refusals import not_configured
from gateway.billing.terms import changed_terms
from gateway.errors import InvalidRequest
from gateway.ledger.hold_ids import hold_id_at
from gateway.ledger.money import NANO_PER_USD, format_usd
from gateway.ports.clock import Clock
from gateway.ports.payments import Automatic, Payment, PaymentBooks, PaymentService
from gateway.protocols.shared.body import Body

if TYPE_CHECKING:
    from gateway.audit.trail import Trail

NANO_PER_CENT = NANO_PER_USD // 100
TOPUP_USD_MIN, TOPUP_USD_MAX = 1, 10_000
PAYMENT_PREFIX = "pay_"
# A page of the service can be paid on for a day; a later repeat of its key makes no second one.
KEY_CHARACTERS_MAX = 255
NO_KEY = "Missing required parameter: 'idempotency_key'."
BOUNDS = (
    f"Invalid '{{}}': Input should be whole cents, from {TOPUP_USD_MIN} to {TOPUP_USD_MAX} USD, "
    "as decimal text like '20'."
)


class TopUp(Body, frozen=True, kw_only=True):
    """A payment to be made on a page: the amount, and the key under which a repeat makes no second payment."""

    amount_usd: UsdAmount
    idempotency_key: Annotated[str, Meta(min_length=1, max_length=KEY_CHARACTERS_MAX)] | None = None
    save_payment_method: bool = False


class Checkouts(Struct, frozen=True):
    """Opens pages on which accounts are topped up."""

    books: PaymentBooks
    service: PaymentService
    clock: Clock
    return_url: str

    async def open(self, account_id: str, wanted: TopUp, header_key: str | None, trail: Trail) -> dict[str, Any]:
        """A page for the amount; the same one under the same key."""
        amount = payable(wanted.amount_usd, "amount_usd")
        key = wanted.idempotency_key or header_key
        if key is None:
            raise InvalidRequest(NO_KEY, param="idempotency_key", code="missing_required_parameter")
        if not await self.service.secrets():
            raise not_configured()
        now_s = self.clock.now_s()
        payment_id = new_payment_id(now_s)
        asked = Payment(account_id, payment_id, amount, "checkout", int(now_s))
        told = trail.entry("billing.checkout_opened", target=payment_id, after={"amount_usd": format_usd(amount)})
        payment = await self.books.open(asked, hashlib.sha256(key.encode()).hexdigest(), told)
        if payment.url is None:
            payment = await self._with_page(payment, saves=wanted.save_payment_method)
        return checkout_view(payment)

    async def _with_page(self, payment: Payment, *, saves: bool) -> Payment:
        customer = (await self.books.terms(payment.account_id)).customer
        if saves and customer is None:
            customer = await self._customer(payment.account_id)
        url = await self.service.checkout(payment, self.return_url, customer=customer, saves=saves)
        await self.books.note(payment, url=url)
        return replace(payment, url=url)

    async def _customer(self, account_id: str) -> str:
        """The service's customer of the account, which has one from now on."""
        made = await self.service.customer(account_id)

        def named(terms: Automatic) -> Automatic:
            return terms if terms.customer else replace(terms, customer=made)

        terms = await changed_terms(self.books, account_id, named)
        return (terms.customer if terms else None) or made


def payable(amount: int, param: str) -> int:
    """The amount in nano-USD; raises `InvalidRequest` for one that no page may ask for."""
    if amount % NANO_PER_CENT or not TOPUP_USD_MIN <= amount / NANO_PER_USD <= TOPUP_USD_MAX:
        raise InvalidRequest(BOUNDS.format(param), param=param, code="invalid_value")
    return int(amount)


def new_payment_id(now_s: float) -> str:
    """A new id, which sorts by time."""
    return PAYMENT_PREFIX + hold_id_at(now_s, secrets.randbits(40))


def checkout_view(payment: Payment) -> dict[str, Any]:
    """A page to be paid on."""
    return {
        "object": "checkout",
        "payment_id": payment.payment_id,
        "checkout_url": payment.url,
        "amount_usd": format_usd(payment.amount_nanousd),
        "currency": "USD",
        "created_at": iso_utc(payment.at_s),
    }


def receipt_view(payment: Payment) -> dict[str, Any]:
    """A payment that was made; what was returned by refunds and disputes stands beside it."""
    return {
        "object": "receipt",
        "payment_id": payment.payment_id,
        "amount_usd": format_usd(payment.paid_nanousd),
        "returned_usd": format_usd(payment.returned_nanousd),
        "currency": "USD",
        "source": payment.source,
        "paid_at": None if payment.paid_at_s is None else iso_utc(payment.paid_at_s),
        "receipt_url": payment.receipt_url,
    }
