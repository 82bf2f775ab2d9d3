"""Tops an account up by its saved payment method, once for each time that its balance comes below a threshold.

A top-up is first claimed in the account's terms, under the version that was read: with its id, and with its amount
added to what the month has had. Of many at once one claims, so the month's ceiling holds under any number of triggers.
The balance is read after the terms: a top-up that ended before has been credited then, and one that ends later changes
the terms. After a death the next trigger goes on with the claimed one: Stripe takes its id as the idempotency key, for
a day. One that goes on in the next month counts in that one too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from gateway.accounts.key_settings import UsdAmount
from gateway.billing.checkout import new_payment_id, payable
from gateway.billing.events import Events
from gateway.billing.refusals import changed_meanwhile
from gateway.billing.settings import AutoTopUp, auto_topup_told
from gateway.billing.terms import TRIES, changed_terms
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

    async def fill(self, account_id: str, balance: Callable[[], Awaitable[NanoUsd]]) -> bool:
        """Tops the account up if its terms say so at the balance that is read now; returns whether it was.

        Terms whose top-up was refused, or has an unknown outcome, say why from then on.
        """
        terms = await self._claimed(account_id, balance)
        if terms is None or terms.pending is None:
            return False
        asked = Payment(account_id, terms.pending, terms.pending_nanousd, "automatic", terms.pending_s)
        payment = await self.books.open(asked, terms.pending)
        try:
            paid = await self.service.charge(payment, terms.customer or "", terms.method or "")
        except PaymentRefused as refused:
            code = refused.code
            await changed_terms(self.books, account_id, lambda found: given_up(found, payment.payment_id, code))
            return False
        return await self.events.credit(paid) if paid.is_paid else False

    async def _claimed(self, account_id: str, balance: Callable[[], Awaitable[NanoUsd]]) -> Automatic | None:
        """The terms with a top-up to be made, or with why it is made no more; `None` where none is due."""
        now_s = self.clock.now_s()
        payment_id = new_payment_id(now_s)
        for _ in range(TRIES):
            stands = await self.books.terms(account_id)
            wanted = claim(stands, await balance(), payment_id, now_s)
            if wanted is None or wanted == stands or await self.books.set_terms(wanted):
                return wanted
        raise changed_meanwhile()

    async def change(self, account_id: str, wanted: AutoTopUp, trail: Trail) -> Automatic:
        """Turns the automatic top-up on or off; raises `InvalidRequest` for terms that cannot be."""
        tell = partial(auto_topup_told, trail)
        if not wanted.enabled:
            off = await changed_terms(self.books, account_id, lambda found: let_go(replace(found, enabled=False)), tell)
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
            # One of another amount was claimed by terms that the owner does not want any more.
            goes_on = terms.pending_nanousd == amounts["amount_usd"]
            return replace(
                terms if goes_on else let_go(terms),
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
    month = max(month_of(now_s), terms.month)
    if terms.pending is not None and now_s - terms.pending_s > PENDING_S_MAX:
        return _failed(terms, OUTCOME_UNKNOWN)
    if terms.pending is not None:
        # What it was claimed for may have been paid for in another way.
        if balance_nanousd >= terms.threshold_nanousd:
            return None
        return terms if terms.month == month else replace(terms, month=month, spent_nanousd=terms.pending_nanousd)
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
    return replace(_failed(terms, code), spent_nanousd=terms.spent_nanousd - terms.pending_nanousd)


def let_go(terms: Automatic) -> Automatic:
    """The terms without the top-up that is under way: it may be made still, so its amount stays the month's."""
    return replace(terms, pending=None, pending_s=0, pending_nanousd=0, failed=None)


def _failed(terms: Automatic, code: str) -> Automatic:
    """The terms after a top-up that failed, of which the owner is to be told."""
    return replace(terms, pending=None, pending_s=0, failed=code, failed_told_s=0)


def _given(value: UsdAmount | None, name: str) -> int:
    if value is None:
        raise InvalidRequest(f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")
    return value
