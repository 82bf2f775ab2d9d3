"""Balance, transactions and usage of an account, from its ledger entries. Amounts leave as decimal text.

A day is a UTC day, and spend belongs to the day of admission, as it does to the month. Usage is added up from the
entries at each call, so it is exact at once. It is also bounded: a range with more entries than `COUNTED_MAX` is
refused whole, because an incomplete sum is worse than none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from msgspec import Struct, field

from gateway.accounts.pages import Page, iso_utc, page_of
from gateway.canonical.money import AccountState, Entry, EntryKind, NanoUsd, Tier
from gateway.canonical.usage import TOKEN_CLASSES, Usage
from gateway.errors import InvalidRequest
from gateway.ledger.hold_ids import admitted_s
from gateway.ledger.money import format_usd
from gateway.ledger.tool_prices import tool_lines
from gateway.ports.money import Money

CURRENCY = "USD"
ENTRY_SCHEMA_VERSION = 1
READ_AT_ONCE = 1_000
COUNTED_MAX = 100_000
# Entry ids carry the time of other machines' clocks, which may be slightly ahead of this one.
CLOCK_SKEW_S = 60
SHOWN_CLASSES = {name: f"{name}_tokens" for name in TOKEN_CLASSES}
NAMED = ("request_id", "generation_id", "user_id", "org_id", "model_requested", "model_used", "tier", "price_version")


def balance_view(state: AccountState) -> dict[str, Any]:
    """The account's balance: `balance_usd` is free to spend and excludes the money held for running requests."""
    return {
        "object": "balance",
        "balance_usd": format_usd(state.free_nanousd),
        "held_usd": format_usd(state.held_nanousd),
        "currency": CURRENCY,
        "suspended": state.disabled,
    }


def entry_view(entry: Entry) -> dict[str, Any]:
    """Shows an entry with every field that the contract names (section 6); charges are negative.

    `tools` has a line for each of the provider's own tools that was paid by use; the rest was paid for tokens.
    """
    charge = entry.charge
    named = {name: None if charge is None else getattr(charge, name) for name in NAMED}
    return {
        "object": "transaction",
        "id": entry.entry_id,
        "kind": entry.kind.value,
        "amount_usd": format_usd(entry.amount_nanousd),
        "currency": CURRENCY,
        "created_at": iso_utc(entry.created_at_s),
        "hold_id": entry.hold_id,
        "key_id": entry.key_id,
        **named,
        "usage": None if charge is None else _tokens(charge.usage),
        "tools": [] if charge is None else tool_lines(charge.tools),
        "estimated": charge is not None and charge.estimated,
        "note": entry.note,
        "schema_version": ENTRY_SCHEMA_VERSION,
    }


async def transactions(money: Money, account_id: str, now_s: float, limit: int, cursor: str | None) -> Page[Entry]:
    """Lists the account's entries, newest first."""
    until_s = now_s + CLOCK_SKEW_S
    found = await money.entries(account_id, since_s=0, until_s=until_s, limit=limit + 1, before=cursor)
    return page_of(found, limit, lambda entry: entry.entry_id)


class Tally(Struct):
    """Requests that were charged, their tokens by class, and their cost after write-offs."""

    requests: int = 0
    cost_nanousd: NanoUsd = 0
    tokens: Counter[str] = field(default_factory=Counter)

    def add(self, entry: Entry, *, corrected: bool) -> None:
        """Counts an entry; a shortfall only corrects the cost of its charge.

        An estimate that a late charge has `corrected` only adds its cost: the late charge names the request and all
        its tokens.
        """
        self.cost_nanousd -= entry.amount_nanousd
        if entry.kind is EntryKind.CHARGE and entry.charge is not None and not corrected:
            self.requests += 1
            self.tokens.update(_tokens(entry.charge.usage))

    def view(self) -> dict[str, Any]:
        """The totals as every row of a usage report shows them."""
        classes = {name: self.tokens[name] for name in SHOWN_CLASSES.values()}
        return {"requests": self.requests, **classes, "cost_usd": format_usd(self.cost_nanousd)}


async def usage_report(money: Money, account_id: str, now_s: float, days: int) -> dict[str, Any]:
    """Reports the last `days` days, today included: a row for each day, one for each tier, and the total."""
    today = datetime.fromtimestamp(now_s, UTC).date()
    dates = [today - timedelta(days=back) for back in reversed(range(days))]
    since_s = datetime.combine(dates[0], time(), UTC).timestamp()
    cells: defaultdict[tuple[str, Tier], Tally] = defaultdict(Tally)
    # A late charge is listed before the estimate that it corrects: its id is the greater one.
    corrected: set[str | None] = set()
    async for entry in _entries(money, account_id, since_s, now_s + CLOCK_SKEW_S):
        if entry.charge is not None:
            admitted = datetime.fromtimestamp(admitted_s(entry.entry_id), UTC).date()
            cell = cells[min(admitted, today).isoformat(), entry.charge.tier]
            cell.add(entry, corrected=entry.provisional and entry.hold_id in corrected)
            if entry.late:
                corrected.add(entry.hold_id)
    return {
        "object": "usage",
        "days": days,
        "currency": CURRENCY,
        "daily": [
            {"date": day, **_sum(cell for (own, _), cell in cells.items() if own == day).view()}
            for day in (date.isoformat() for date in dates)
        ],
        "by_tier": {tier.value: _sum(cell for (_, own), cell in cells.items() if own is tier).view() for tier in Tier},
        "total": _sum(cells.values()).view(),
    }


async def _entries(money: Money, account_id: str, since_s: float, until_s: float) -> AsyncIterator[Entry]:
    before: str | None = None
    for _ in range(0, COUNTED_MAX, READ_AT_ONCE):
        found = await money.entries(account_id, since_s=since_s, until_s=until_s, limit=READ_AT_ONCE, before=before)
        for entry in found:
            yield entry
        if len(found) < READ_AT_ONCE:
            return
        before = found[-1].entry_id
    raise InvalidRequest(
        f"There are more than {COUNTED_MAX} entries in these days; ask for fewer.", param="days", code="range_too_large"
    )


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.requests += tally.requests
        total.cost_nanousd += tally.cost_nanousd
        total.tokens.update(tally.tokens)
    return total


def _tokens(usage: Usage) -> dict[str, int]:
    return {shown: getattr(usage, name) for name, shown in SHOWN_CLASSES.items()}
