"""Books the real end of a hold that the sweeper has ended: one transaction, once.

The hold is gone, so a charge is paid by the balance, and what the balance lacks is written off.
"""

from __future__ import annotations

from gateway.canonical.money import Charge, Entry, EntryKind, Settlement
from gateway.errors import ServiceUnavailable
from gateway.ledger.hold_ids import admitted_s
from gateway.limits.windows import month_of
from gateway.logs.metrics import Metric, measure
from gateway.stores.aws.client import TransactionCanceled
from gateway.stores.money import expressions
from gateway.stores.money.endings import Ending, entry_ids, in_order, late_ending, same_end
from gateway.stores.money.items import ENTRY, Item, entry_item, number, read_entry, seat_names, short, text
from gateway.stores.money.state import Account, late_month
from gateway.stores.money.tables import BUSY, PLANS, MoneyTables, no_account


class LateEnds:
    """The entries of holds that have ended, and the late ends beside them."""

    def __init__(self, tables: MoneyTables) -> None:
        self._tables = tables

    async def entries_of(self, account_id: str, hold_id: str) -> tuple[Entry, ...]:
        """All entries of one hold."""
        found = map(read_entry, await self._tables.items(account_id, ENTRY + hold_id))
        return tuple(entry for entry in found if entry.entry_id in entry_ids(hold_id))

    async def book(self, before: tuple[Entry, ...], charge: Charge | None, now_s: float) -> Settlement:
        """Ends the hold for good, after the provisional end `before`."""
        first = before[0]
        for _ in range(PLANS):
            account = await self._tables.account(first.account_id)
            if account is None:
                raise no_account(first.account_id)
            end = late_ending(before, charge, account.free_nanousd, now_s, late_month(account, first))
            joining: list[Item] = []
            if charge is not None and account.closed_id > first.entry_id:
                from gateway.stores.money.usage import UsageSums  # noqa: PLC0415  # few late ends come so late

                end, joining = UsageSums(self._tables).joining(end, before)
            try:
                await self._tables.transact(*self._parts(account, first, end), *joining)
            except TransactionCanceled as canceled:
                if canceled.reasons[1][1] is not None:
                    entries = await self.entries_of(first.account_id, first.entry_id)
                    return Settlement(same_end(entries, end), entries)
            else:
                count_shortfall(end)
                return Settlement(True, in_order(before, end), alert=end.entries[0].month is not None)
        raise ServiceUnavailable(BUSY)

    def _parts(self, account: Account, before: Entry, end: Ending) -> list[Item]:
        written_off = len(end.entries) > 1
        takes = end.freed_nanousd < 0 or written_off
        rules = (
            expressions.KNOWN,
            expressions.LATE,
            *((expressions.END_BEYOND[written_off],) if takes else ()),
            expressions.LATE_MONTH[end.entries[0].month is not None],
            *(() if before.seat_month is None else (expressions.SEAT_MONTH[account.month > before.seat_month],)),
            *(() if end.entries[0].charge is None else (expressions.CLOSED[end.entries[0].summed],)),
        )
        values = {
            ":one": number(1),
            ":id": text(before.entry_id),
            ":freed": number(end.freed_nanousd),
            ":beyond": number(-end.freed_nanousd),
            ":seen_free": number(account.free_nanousd),
            ":month": number(month_of(admitted_s(before.entry_id))),
            ":seat_month": number(before.seat_month or 0),
            ":spend": number(end.spent_nanousd),
        }
        names = {"#k": short(str(before.key_id)), **seat_names(before.seat)}
        update = self._tables.account_update(account.account_id, rules, values, names)
        return [{"Update": update}, *({"Put": self._tables.put_new(entry_item(entry))} for entry in end.entries)]


def count_shortfall(end: Ending) -> None:
    """Counts what an end has written off."""
    for entry in end.entries:
        if entry.kind is EntryKind.SHORTFALL:
            measure({Metric.SHORTFALLS: 1, Metric.SHORTFALL_NANOUSD: entry.amount_nanousd})
