"""Money in DynamoDB: one plain write admits, one transaction ends; what dies in between leaves a hold to be
found.

The mechanism and its figures are docs/adr/0004-money-mechanism.md. A hold lives inside its account's item,
and leaves it for an item of its own where the account is crowded. Its end is one transaction with its entry,
and the entry is the fence: a hold whose entry stands has ended, whatever else still stands, so a late write
finds nothing left to do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.canonical.money import (
    Admission,
    Refusal,
    Wanted,
)
from gateway.errors import ServiceUnavailable
from gateway.limits.refusals import Refusals
from gateway.limits.windows import minute_of, month_of
from gateway.stores import money_phrases as phrases
from gateway.stores.aws import ConditionFailed
from gateway.stores.money_books import Books
from gateway.stores.money_holds import PLANS, Holds
from gateway.stores.money_items import (
    mapping,
    number,
    read_account,
    shard_of,
    short,
    slot_of,
    text,
    young,
)
from gateway.stores.money_state import (
    Account,
    admission,
    concerned,
    hold_for,
    judge,
    lasts_until_s,
    unknown,
)
from gateway.stores.money_tables import BUSY, DynamoDb, MoneyTables

# Accounts whose last sight is kept; a process rarely serves so many.
SEEN_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Seen:
    """What a process last saw of an account, from which it guesses the form of its next write."""

    minute: int
    used: int
    month: int

    def guess(self, now_s: float) -> Seen:
        """What the next write will find, most likely.

        A minute that nobody has counted in is for the first writer to turn. Somebody has been there already
        if, at the account's own pace, a request has come since the minute began.
        """
        minute = minute_of(now_s)
        expected = self.used * (now_s / 60 - minute)
        return replace(self, minute=max(minute, self.minute)) if expected >= 1 else self


class DynamoMoney(Books, Holds):
    """`Money` in the Accounts and Ledger tables. Remembers nothing but guesses, and refusals that stand."""

    def __init__(self, api: DynamoDb, accounts_table: str, ledger_table: str) -> None:
        super().__init__(MoneyTables(api, accounts_table, ledger_table))
        self._refusals = Refusals()
        self._seen: dict[str, Seen] = {}

    async def admit(self, wanted: Wanted, now_s: float) -> Admission | Refusal:
        standing = self._refusals.recall(wanted.account_id, wanted.key_id, now_s)
        if standing is not None:
            return standing
        # A stranger is taken for idle: then the first write turns its minute.
        seen = self._seen.get(wanted.account_id, Seen(0, 0, month_of(now_s))).guess(now_s)
        for _ in range(PLANS):
            try:
                account = await self._admit_as(seen, wanted, now_s)
            except ConditionFailed as failed:
                if failed.item is None:
                    return self._refuse(unknown(wanted, now_s), None, wanted, now_s)
                account = read_account(failed.item)
            seen = self._see(account)
            if wanted.hold_id in account.young:
                return admission(account, wanted, now_s)
            refusal = judge(account, wanted, now_s)
            if refusal is not None:
                return self._refuse(refusal, account, wanted, now_s)
        raise ServiceUnavailable(BUSY)

    async def _admit_as(self, seen: Seen, wanted: Wanted, now_s: float) -> Account:
        minute, month = max(minute_of(now_s), seen.minute), max(month_of(now_s), seen.month)
        cap, key = wanted.spend_cap_nanousd, short(wanted.key_id)
        said = (
            phrases.ADMIT,
            phrases.ADMIT_MINUTE[minute > seen.minute],
            *(() if cap is None else (phrases.ADMIT_MONTH[month > seen.month],)),
            *(() if _can_pass(wanted) else (phrases.NEVER,)),
        )
        values = {
            ":one": number(1),
            ":zero": number(0),
            ":hold": number(wanted.amount_nanousd),
            ":young": young(hold_for(wanted, month)),
            ":shard": text(shard_of(wanted.account_id)),
            ":slot": number(slot_of(now_s)),
            ":minute": number(minute),
            ":key_rpm": number(wanted.key_rpm_limit),
            ":first_request": mapping({key: number(1)}),
            ":month": number(month),
            ":room": number((cap or 0) - wanted.amount_nanousd),
            ":first_spend": mapping({key: number(wanted.amount_nanousd)}),
        }
        names = {"#h": wanted.hold_id, "#k": key}
        return await self._tables.update_account(wanted.account_id, said, values, names)

    def _see(self, account: Account) -> Seen:
        seen = Seen(account.minute, account.used, account.month)
        self._seen.pop(account.account_id, None)
        if len(self._seen) >= SEEN_MAX:
            del self._seen[next(iter(self._seen))]
        self._seen[account.account_id] = seen
        return seen

    def _refuse(self, refusal: Refusal, account: Account | None, wanted: Wanted, now_s: float) -> Refusal:
        until_s = lasts_until_s(refusal, account, now_s)
        if until_s > now_s:
            self._refusals.remember(concerned(refusal, wanted), refusal, until_s)
        return refusal


def _can_pass(wanted: Wanted) -> bool:
    """Whether the phrases can admit it at all: they take a first request of a window, or a month, for one
    that fits.
    """
    cap = wanted.spend_cap_nanousd
    return wanted.key_rpm_limit >= 1 and (cap is None or wanted.amount_nanousd <= cap)
