"""What an account has and where it went, from the ledger's own entries. Amounts leave as decimal text.

A day is a UTC day, and spend belongs to the day of admission, as it does to the month. Usage is added up from the
entries at each call, so it is exact at once, and bounded: a range with more entries than `COUNTED_MAX` is refused
whole, because a sum that leaves something out is worse than none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from gateway.accounts.pages import Page, iso_utc, page_of
from gateway.canonical.money import AccountState, Entry, EntryKind, NanoUsd, Tier
from gateway.canonical.usage import Usage
from gateway.errors import InvalidRequest
from gateway.ledger.hold_ids import admitted_s
from gateway.ledger.money import format_usd
from gateway.ports import Money

CURRENCY = "USD"
ENTRY_SCHEMA_VERSION = 1
READ_AT_ONCE = 1_000
COUNTED_MAX = 100_000
# Entries are named by other machines' clocks, which may be a little ahead of this one.
CLOCK_SKEW_S = 60
TOKEN_CLASSES = {name: f"{name}_tokens" for name in asdict(Usage())}
NAMED = ("request_id", "generation_id", "user_id", "org_id", "model_requested", "model_used", "tier", "price_version")


def balance_view(state: AccountState) -> dict[str, Any]:
    """`balance_usd` is free to spend; what is held for running requests is beside it, not in it."""
    return {
        "object": "balance",
        "balance_usd": format_usd(state.free_nanousd),
        "held_usd": format_usd(state.held_nanousd),
        "currency": CURRENCY,
        "suspended": state.disabled,
    }


def entry_view(entry: Entry) -> dict[str, Any]:
    """An entry with every field the contract names (section 6); charges are negative."""
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
        "estimated": charge is not None and charge.estimated,
        "note": entry.note,
        "schema_version": ENTRY_SCHEMA_VERSION,
    }


async def transactions(money: Money, account_id: str, now_s: float, limit: int, cursor: str | None) -> Page[Entry]:
    """The account's entries, newest first."""
    until_s = now_s + CLOCK_SKEW_S
    found = await money.entries(account_id, since_s=0, until_s=until_s, limit=limit + 1, before=cursor)
    return page_of(found, limit, lambda entry: entry.entry_id)


@dataclass(slots=True)
class Tally:
    """Requests that were charged, their tokens by class, and what they came to after what was written off."""

    requests: int = 0
    cost_nanousd: NanoUsd = 0
    tokens: Counter[str] = field(default_factory=Counter)

    def add(self, entry: Entry) -> None:
        """Counts an entry; a shortfall only corrects what its charge came to."""
        self.cost_nanousd -= entry.amount_nanousd
        if entry.kind is EntryKind.CHARGE and entry.charge is not None:
            self.requests += 1
            self.tokens.update(_tokens(entry.charge.usage))

    def view(self) -> dict[str, Any]:
        """As every row of a usage report shows it."""
        classes = {name: self.tokens[name] for name in TOKEN_CLASSES.values()}
        return {"requests": self.requests, **classes, "cost_usd": format_usd(self.cost_nanousd)}


async def usage_report(money: Money, account_id: str, now_s: float, days: int) -> dict[str, Any]:
    """The last `days` days, today included: a row for each, one for each tier, and their total."""
    today = datetime.fromtimestamp(now_s, UTC).date()
    dates = [today - timedelta(days=back) for back in reversed(range(days))]
    since_s = datetime.combine(dates[0], time(), UTC).timestamp()
    cells: defaultdict[tuple[str, Tier], Tally] = defaultdict(Tally)
    async for entry in _entries(money, account_id, since_s, now_s + CLOCK_SKEW_S):
        if entry.charge is not None:
            admitted = datetime.fromtimestamp(admitted_s(entry.entry_id), UTC).date()
            cells[min(admitted, today).isoformat(), entry.charge.tier].add(entry)
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
    return {shown: getattr(usage, name) for name, shown in TOKEN_CLASSES.items()}
