"""Changes an account's terms of payment: what is read, made anew, and written unless another write came first."""

from __future__ import annotations

from collections.abc import Callable

from gateway.billing.refusals import changed_meanwhile
from gateway.ports.payments import Automatic, PaymentBooks

TRIES = 20


async def changed_terms(
    books: PaymentBooks, account_id: str, change: Callable[[Automatic], Automatic | None]
) -> Automatic | None:
    """The terms after the change, or `None` where it declines by returning that."""
    for _ in range(TRIES):
        stands = await books.terms(account_id)
        wanted = change(stands)
        if wanted is None or wanted == stands:
            return wanted
        if await books.set_terms(wanted):
            return wanted
    raise changed_meanwhile()
