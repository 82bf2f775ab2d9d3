"""Watches balances: fills one up that its owner wants filled, and tells its owner of a low one, once a day at most.

A look notes that it begins to tell, puts what is to be told into the queue and mails it, then notes that it is told. Of
looks at once one tells, and a death in between has it told again after a minute: twice at most, never not at all.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any, Protocol

from msgspec.structs import replace

from gateway.billing.automatic import TopUps
from gateway.billing.terms import changed_terms
from gateway.canonical.alerts import LowBalance
from gateway.canonical.money import NanoUsd
from gateway.errors import ServiceUnavailable
from gateway.ledger.money import format_usd
from gateway.people import letters
from gateway.ports.clock import Clock
from gateway.ports.mail import Mail
from gateway.ports.money import Money
from gateway.ports.payments import Automatic, PaymentBooks
from gateway.ports.people import PeopleStore
from gateway.webhooks.posting import Event, Posting, TryResult, result_of

EVENT, FAILED_EVENT = "billing.balance_low", "billing.topup_failed"
AGAIN_S = 24 * 3600
# So long another look leaves the telling to the one that has begun it.
TELLING_S = 60
# Later than any moment: the owner is told of a failure once.
TOLD = 2**40

log = logging.getLogger(__name__)


class LowQueue(Protocol):
    """The queue of what is to be told."""

    async def put_low(self, low: LowBalance) -> None: ...


class BalanceWatch:
    """Looks at balances, and delivers what owners are to be told."""

    def __init__(
        self,
        money: Money,
        books: PaymentBooks,
        top_ups: TopUps,
        people: PeopleStore,
        mail: Mail,
        queue: LowQueue,
        posting: Posting,
        clock: Clock,
        console_url: str,
    ) -> None:
        self._money = money
        self._books = books
        self._top_ups = top_ups
        self._people = people
        self._mail = mail
        self._queue = queue
        self._posting = posting
        self._clock = clock
        self._console_url = console_url

    async def look(self, account_id: str) -> None:
        """Fills the balance up, or tells of it, as the account's terms say. What is held counts as there still."""
        now_s = self._clock.now_s()
        state = await self._money.state(account_id, "", 1, now_s)
        # A suspended one is not topped up by itself: its payments may just have been disputed.
        if state is None or state.disabled:
            return
        is_filled = await self._top_ups.fill(account_id, partial(self._balance, account_id))
        balance = await self._balance(account_id)
        await self._tell_failure(account_id, balance, int(now_s))
        if not is_filled:
            await self._tell_low(account_id, balance, int(now_s))

    async def _balance(self, account_id: str) -> NanoUsd:
        state = await self._money.state(account_id, "", 1, self._clock.now_s())
        return 0 if state is None else state.free_nanousd + state.held_nanousd

    async def _tell_failure(self, account_id: str, balance: NanoUsd, now_s: int) -> None:
        """Tells of a top-up that failed, once."""

        def begun(terms: Automatic) -> Automatic | None:
            is_due = terms.failed is not None and terms.failed_told_s + TELLING_S <= now_s
            return replace(terms, failed_told_s=now_s) if is_due else None

        terms = await changed_terms(self._books, account_id, begun)
        if terms is None or terms.failed is None:
            return
        await self._tell(terms, LowBalance(account_id, balance, terms.threshold_nanousd, now_s, terms.failed))
        failed = terms.failed

        def told(found: Automatic) -> Automatic | None:
            return replace(found, failed_told_s=TOLD) if found.failed == failed and found.failed_told_s else None

        await changed_terms(self._books, account_id, told)

    async def _tell_low(self, account_id: str, balance: NanoUsd, now_s: int) -> None:
        """Tells of a low balance, once a day."""
        begun_s = now_s - AGAIN_S + TELLING_S

        def begun(terms: Automatic) -> Automatic | None:
            is_low = terms.low_nanousd is not None and balance < terms.low_nanousd
            return replace(terms, told_s=begun_s) if is_low and now_s - terms.told_s >= AGAIN_S else None

        terms = await changed_terms(self._books, account_id, begun)
        if terms is None or terms.low_nanousd is None:
            return
        await self._tell(terms, LowBalance(account_id, balance, terms.low_nanousd, now_s))
        # A credit that came meanwhile, or a new mark, has it told anew.
        await changed_terms(
            self._books,
            account_id,
            lambda found: replace(found, told_s=now_s) if found.told_s == begun_s else None,
        )

    async def deliver(self, low: LowBalance, number: int) -> TryResult:
        """Makes the `number`th try, from 1, at the account's webhook; does nothing for an account that has none."""
        url = (await self._books.terms(low.account_id)).webhook_url
        if url is None:
            return TryResult(delivered=True)
        kind = FAILED_EVENT if low.failed else EVENT
        message_id = f"msg_{kind.rpartition('.')[2]}_{low.account_id}_{low.at_s}"
        event = Event(low.account_id, message_id, kind, low.at_s, _view(low))
        return result_of(await self._posting.post(event, url, number))

    async def _tell(self, terms: Automatic, low: LowBalance) -> None:
        if terms.webhook_url is not None:
            await self._queue.put_low(low)
        user_id = await self._people.owner_of(low.account_id) if self._mail.is_configured else None
        user = None if user_id is None else await self._people.user(user_id)
        if user is None or user.deactivated:
            return
        usd = (format_usd(low.balance_nanousd), format_usd(low.threshold_nanousd))
        try:
            await self._mail.send(letters.low_balance(user.email, *usd, low.failed, self._console_url))
        except ServiceUnavailable:
            # The webhook tells of it too, and a letter comes again tomorrow.
            log.warning("the owner of %s was not mailed", low.account_id)


def _view(low: LowBalance) -> dict[str, Any]:
    return {
        "object": "topup_failure" if low.failed else "low_balance",
        "account_id": low.account_id,
        "balance_usd": format_usd(low.balance_nanousd),
        "threshold_usd": format_usd(low.threshold_nanousd),
        "reason": low.failed or None,
    }
