"""Changes an account's terms of payment: what is read, made anew, and written unless another write came first."""

from __future__ import annotations

from collections.abc import Callable

from gateway.billing.refusals import changed_meanwhile
from gateway.ports.audit import AuditEntry
from gateway.ports.payments import Automatic, PaymentBooks

TRIES = 20


async def changed_terms(
    books: PaymentBooks,
    account_id: str,
    change: Callable[[Automatic], Automatic | None],
    tell: Callable[[Automatic, Automatic], AuditEntry] | None = None,
) -> Automatic | None:
    """The terms after the change, or `None` where it declines by returning that.

    `tell` makes the entry of the audit log, of the terms before and after, which is written with them.
    """
    for _ in range(TRIES):
        stands = await books.terms(account_id)
        wanted = change(stands)
        if wanted is None or wanted == stands:
            return wanted
        if await books.set_terms(wanted, None if tell is None else tell(stands, wanted)):
            return wanted
    raise changed_meanwhile()
