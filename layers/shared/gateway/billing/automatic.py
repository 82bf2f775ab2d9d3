"""Tops an account up by its saved payment method, once for each time that its balance comes below a threshold.

A top-up is first claimed in the account's terms, under the version that was read: with its id, and with its amount
added to what the month has had. Of many at once one claims, so the month's ceiling holds under any number of triggers.
After a death the next trigger goes on with the claimed one: Stripe takes its id as the idempotency key, for a day.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from gateway.accounts.key_settings import UsdAmount
from gateway.billing.checkout import new_payment_id, payable
from gateway.billing.events import Events
from gateway.billing.settings import AutoTopUp, auto_topup_told
from gateway.billing.terms import changed_terms
from gateway.canonical.money import NanoUsd
from gateway.errors import InvalidRequest
from gateway.limits.windows import month_of
from gateway.ports.clock import Clock
from gateway.ports.payments import Automatic, Payment, PaymentBooks, PaymentRefused, PaymentService

if TYPE_CHECKING:
    from gateway.audit.trail import Trail

# Shorter than Stripe keeps an idempotency key.
PENDING_S_MAX = 20 * 3600
OUTCOME_UNKNOWN = "outcome_unknown"
NO_METHOD = "Save a payment method first: pay by POST /v1/billing/checkout with save_payment_method."


class TopUps(Struct, frozen=True):
    """Automatic top-ups over the books and the payment service."""

    books: PaymentBooks
    service: PaymentService
    events: Events
    clock: Clock

    async def fill(self, account_id: str, balance_nanousd: NanoUsd) -> tuple[bool, str]:
        """Tops the account up if its terms say so at that balance; returns whether it was, and why it failed now."""
        now_s = self.clock.now_s()
        payment_id = new_payment_id(now_s)

        def claimed(terms: Automatic) -> Automatic | None:
            return claim(terms, balance_nanousd, payment_id, now_s)

        terms = await changed_terms(self.books, account_id, claimed)
        if terms is None:
            return False, ""
        if terms.pending is None:
            return False, terms.failed or ""
        asked = Payment(account_id, terms.pending, terms.pending_nanousd, "automatic", terms.pending_s)
        payment = await self.books.open(asked, terms.pending)
        try:
            paid = await self.service.charge(payment, terms.customer or "", terms.method or "")
        except PaymentRefused as refused:
            code = refused.code
            await changed_terms(self.books, account_id, lambda found: given_up(found, payment.payment_id, code))
            return False, code
        return (await self.events.credit(paid) if paid.is_paid else False), ""

    async def change(self, account_id: str, wanted: AutoTopUp, trail: Trail) -> Automatic:
        """Turns the automatic top-up on or off; raises `InvalidRequest` for terms that cannot be."""
        tell = partial(auto_topup_told, trail)
        if not wanted.enabled:
            turned_off = partial(replace, enabled=False, failed=None)
            off = await changed_terms(self.books, account_id, turned_off, tell)
            return off or await self.books.terms(account_id)
        amounts = {
            name: payable(_given(value, name), name)
            for name, value in (
                ("threshold_usd", wanted.threshold_usd),
                ("amount_usd", wanted.amount_usd),
                ("monthly_ceiling_usd", wanted.monthly_ceiling_usd),
            )
        }
        if amounts["monthly_ceiling_usd"] < amounts["amount_usd"]:
            said = "Invalid 'monthly_ceiling_usd': Input should be at least 'amount_usd'."
            raise InvalidRequest(said, param="monthly_ceiling_usd", code="invalid_value")

        def turned_on(terms: Automatic) -> Automatic:
            if terms.method is None:
                raise InvalidRequest(NO_METHOD, param="enabled", code="payment_method_required")
            return replace(
                terms,
                enabled=True,
                failed=None,
                threshold_nanousd=amounts["threshold_usd"],
                amount_nanousd=amounts["amount_usd"],
                ceiling_nanousd=amounts["monthly_ceiling_usd"],
            )

        return await changed_terms(self.books, account_id, turned_on, tell) or await self.books.terms(account_id)


def claim(terms: Automatic, balance_nanousd: NanoUsd, payment_id: str, now_s: float) -> Automatic | None:
    """The terms with a top-up under way; as they are where one is already, and `None` where none is due."""
    if not terms.enabled or terms.failed or terms.method is None or terms.customer is None:
        return None
    if terms.pending is not None:
        is_over = now_s - terms.pending_s > PENDING_S_MAX
        return replace(terms, pending=None, pending_s=0, failed=OUTCOME_UNKNOWN) if is_over else terms
    month = max(month_of(now_s), terms.month)
    spent = (terms.spent_nanousd if terms.month == month else 0) + terms.amount_nanousd
    if balance_nanousd >= terms.threshold_nanousd or spent > terms.ceiling_nanousd:
        return None
    return replace(
        terms,
        month=month,
        spent_nanousd=spent,
        pending=payment_id,
        pending_s=int(now_s),
        pending_nanousd=terms.amount_nanousd,
    )


def given_up(terms: Automatic, payment_id: str, code: str) -> Automatic | None:
    """The terms after a top-up that was refused: its amount is the month's again, and none is tried then."""
    if terms.pending != payment_id:
        return None
    again = terms.pending_nanousd if month_of(terms.pending_s) == terms.month else 0
    return replace(terms, pending=None, pending_s=0, failed=code, spent_nanousd=terms.spent_nanousd - again)


def _given(value: UsdAmount | None, name: str) -> int:
    if value is None:
        raise InvalidRequest(f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")
    return value
