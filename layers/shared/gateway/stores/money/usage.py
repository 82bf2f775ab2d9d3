"""Sums of usage beside the entries that they are of, so that a report reads a page of sums and the newest entries.

Every charged entry is in the sums exactly once. Entries are summed up in the order of their ids, range after range. A
range is *closed* first: the account's item says below which id. An end writes that item too, so each end knows on which
side of the bound it is. Above it, its entries are summed up later, with their range. Below it, they are marked as
`summed` and added by the end's own transaction. So the unmarked entries of a closed range never change, and one
transaction adds them and moves `done`, the id up to which a day's entries are in its sums.

| item | attributes |
|---|---|
| `usage#<day>#<digest>` | the cell's names: `t` tier, `m` model, `k` key, `u` user, `o` organization; |
| | its sums: `r` requests, `c` cost, tokens by class; `x`: the stamps of all writes, added up |
| `usage#<day>~` | `x`: the stamps of all cells of the day; `done`; `since`: the `done` of the day before |

A query may see half of a transaction. Each write adds a random stamp to each of its cells, and all of them to the day:
what was read is whole if the stamps agree. The mechanism and its alternatives are docs/adr/0037-usage-sums.md.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import date, timedelta
from hashlib import blake2b
from itertools import groupby, pairwise

import orjson
from msgspec import Struct, field
from msgspec.structs import replace

from gateway.canonical.money import Entry, Tier
from gateway.canonical.tallies import Cell, Tallies, Tally, merge
from gateway.canonical.usage import TOKEN_CLASSES
from gateway.errors import ServiceUnavailable
from gateway.ledger.hold_ids import END_OF_IDS, ID_PLACES, id_floor
from gateway.ledger.usage_sums import added, day_floor, day_of, difference, summed, without_empty
from gateway.stores.aws.client import ConditionFailed, TransactionCanceled
from gateway.stores.money import expressions
from gateway.stores.money.endings import Ending
from gateway.stores.money.items import ENTRY, SHARDS, USAGE, Item, ledger_key, number, read_entry, text
from gateway.stores.money.tables import BUSY, MoneyTables

# Entries younger than this are not summed up: few requests last longer, and an end below the bound costs more.
SETTLED_S = 300
# Fewer entries are not worth the writes: a report reads them as they are.
WORTH = 200
READ_AT_ONCE = 1_000
# A transaction takes a hundred writes; one is the day's.
CELLS_MAX = 90
# Entries beyond the sums that a report reads. A busy account has a thousand; more means that nothing is summed up.
TAIL_MAX = 100_000
BEHIND = "The usage of these days is still being added up; please try again in a few minutes."
# Reads race with writes of the account's sums, of which there are few; so many failures in a row mean a fault.
READS_MAX = 20
STAMP_BITS = 40
DAY_PLACES = len("2026-11-30")
DAY_END = "~"
NAMES = {"t": "tier", "m": "model", "k": "key_id", "u": "user_id", "o": "org_id"}

log = logging.getLogger(__name__)


class Day(Struct):
    """Tells how far the entries of a day are summed up. Its stamp agrees with those of its cells."""

    stamp: int = 0
    done: str = ""
    since: str = ""


class Sums(Struct):
    """Sums as they were read, by their days."""

    cells: Tallies = field(default_factory=dict)
    stamps: Counter[str] = field(default_factory=Counter)
    days: dict[str, Day] = field(default_factory=dict)

    def add(self, item: Item) -> None:
        """Adds an item that was read."""
        day, stamp = _day(item), int(item["x"]["N"])
        if item["sk"]["S"].endswith(DAY_END):
            done, since = (item[name]["S"] if name in item else "" for name in ("done", "since"))
            self.days[day] = Day(stamp, done, since)
        else:
            self.stamps[day] += stamp
            self.cells[_cell(item)] = _tally(item)

    def exact(self, newest: Iterable[Entry]) -> Tallies:
        """The sums with the entries from `done` on."""
        sums = summed([entry for entry in newest if not entry.summed])
        merge(sums, self.cells)
        return without_empty(sums)

    @property
    def whole(self) -> bool:
        """True if no half of a transaction was seen."""
        moved = [self.days[day] for day in sorted(self.days) if self.days[day].done]
        return (
            all(self.stamps[day] == found.stamp for day, found in self.days.items())
            and self.stamps.keys() <= self.days.keys()
            and all(later.since == earlier.done for earlier, later in pairwise(moved))
        )

    @property
    def done(self) -> str:
        """The id up to which entries are in these sums; empty if none are."""
        return max((day.done for day in self.days.values()), default="")


class Place(Struct, frozen=True):
    """The place to go on from: the newest `done`, and its day. Both are empty where nothing is summed up."""

    day: str = ""
    done: str = ""


class Chunk(Struct):
    """Entries of one day that are added to its sums at once, all before `done`."""

    day: str
    sums: Tallies = field(default_factory=dict)
    done: str = ""
    entries: int = 0


class UsageSums:
    """The sums of accounts' usage."""

    def __init__(self, tables: MoneyTables) -> None:
        self._tables = tables

    async def read(self, account_id: str, first_day: str) -> Tallies:
        """The sums from a day on, with all that is not summed up yet."""
        sums = await self._whole(account_id, first_day, END_OF_IDS)
        newest: list[Entry] = []
        async for entry in self._entries(account_id, max(sums.done, day_floor(first_day)), END_OF_IDS):
            newest.append(entry)
            if len(newest) > TAIL_MAX:
                raise ServiceUnavailable(BEHIND)
        return sums.exact(newest)

    async def sum_up(self, account_id: str, until_s: float, *, at_least: int = WORTH, chunks_max: int = 100) -> int:
        """Adds the entries of requests that were admitted before a time; answers how many it has taken.

        It leaves fewer than `at_least` for later. It can be repeated, stopped, and run beside itself.
        """
        bound, place = id_floor(until_s), await self._place(account_id)
        if len(await self._some(account_id, place.done, bound, at_least)) < at_least:
            return 0
        await self._close(account_id, bound)
        taken = 0
        for _ in range(chunks_max):
            entries = await self._some(account_id, place.done, bound, READ_AT_ONCE)
            if not entries:
                break
            chunk = _chunk(entries, is_last=len(entries) < READ_AT_ONCE)
            if not await self._add(account_id, chunk, place):
                break  # Another has come first.
            place, taken = Place(chunk.day, chunk.done), taken + chunk.entries
        return taken

    async def mend(self, account_id: str, day: str) -> int:
        """Adds to the sums of a day what its entries come to beyond them; answers how many cells were wrong.

        All entries of the day have to be summed up. Sums lack those that a release ended which does not know of sums.
        """
        for _ in range(READS_MAX):
            sums = await self._whole(account_id, day, day + DAY_END)
            next_day = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
            entries = [one async for one in self._entries(account_id, day_floor(day), day_floor(next_day))]
            lacking = difference(summed(entries), sums.cells)
            if not lacking:
                return 0
            # The first that fit into one write; a repeat finds the others.
            first = dict(list(lacking.items())[:CELLS_MAX])
            *cells, of_day = self._writes(account_id, day, first)
            seen = sums.days.get(day)
            update = of_day["Update"]
            update["ConditionExpression"] = "attribute_not_exists(#x)" if seen is None else "#x = :seen"
            if seen is not None:
                update["ExpressionAttributeValues"] |= {":seen": number(seen.stamp)}
            try:
                await self._tables.transact(*cells, of_day)
            except TransactionCanceled:
                continue  # An end has joined the sums meanwhile.
            return len(first) + (await self.mend(account_id, day) if len(first) < len(lacking) else 0)
        raise ServiceUnavailable(BUSY)

    def joining(self, end: Ending, before: Sequence[Entry] = ()) -> tuple[Ending, list[Item]]:
        """An end below the bound, whose entries are marked, and the writes that add them to the sums.

        `before` are the entries that its hold has had.
        """
        first = end.entries[0]
        marked = replace(end, entries=tuple(replace(entry, summed=True) for entry in end.entries))
        return marked, self._writes(first.account_id, day_of(first.entry_id), added(before, end.entries))

    async def active(self, shard: int) -> AsyncIterator[str]:
        """The accounts of one shard that were active lately."""
        query = {
            "TableName": self._tables.accounts,
            "IndexName": "ByActivity",
            "KeyConditionExpression": "active_shard = :shard",
            "ExpressionAttributeValues": {":shard": text(str(shard))},
        }
        async for key in self._tables.query(query):
            yield key["account_id"]["S"]

    async def _place(self, account_id: str) -> Place:
        async for item in self._between(account_id, USAGE, USAGE + END_OF_IDS, backwards=True):
            if "done" in item:
                return Place(_day(item), item["done"]["S"])
        return Place()

    async def _close(self, account_id: str, bound: str) -> None:
        values = {":one": number(1), ":closed": text(bound)}
        try:
            await self._tables.update_account(account_id, (expressions.KNOWN, expressions.CLOSE), values, {})
        except ConditionFailed:
            return  # It is closed as far as this, or farther.

    async def _add(self, account_id: str, chunk: Chunk, place: Place) -> bool:
        """Adds a chunk that begins at this place; false if another writer has moved on from there."""
        *cells, day = self._writes(account_id, chunk.day, chunk.sums)
        update = day["Update"]
        update["UpdateExpression"] += ", done = :done"
        values = update["ExpressionAttributeValues"]
        values |= {":done": text(chunk.done)}
        if place.day == chunk.day:
            update["ConditionExpression"] = "done = :before"
            values |= {":before": text(place.done)}
        else:
            update["ConditionExpression"] = "attribute_not_exists(done)"
            update["UpdateExpression"] += ", since = :since"
            values |= {":since": text(place.done)}
        try:
            await self._tables.transact(*cells, day)
        except TransactionCanceled:
            return False
        return True

    def _writes(self, account_id: str, day: str, sums: Tallies) -> list[Item]:
        """The writes that add to the sums of one day: one for each cell, and the day's."""
        stamps = {cell: secrets.randbits(STAMP_BITS) + 1 for cell in sums}
        cells = [self._add_to(account_id, cell, sums[cell], stamp) for cell, stamp in stamps.items()]
        return [*cells, self._update(account_id, day + DAY_END, {}, {"x": sum(stamps.values())})]

    def _add_to(self, account_id: str, cell: Cell, tally: Tally, stamp: int) -> Item:
        names = {short: getattr(cell, name) for short, name in NAMES.items()}
        sums = {"r": tally.requests, "c": tally.cost_nanousd, "x": stamp, **tally.tokens}
        return self._update(account_id, f"{cell.day}#{_digest(cell)}", names, sums)

    def _update(self, account_id: str, identity: str, names: dict[str, str], sums: dict[str, int]) -> Item:
        """An update that sets names and adds to sums; what is empty or nothing is left out."""
        names = {name: value for name, value in names.items() if value}
        sums = {name: value for name, value in sums.items() if value or name == "x"}
        sets = [f"#{name} = :{name}" for name in names]
        sets += [f"#{name} = if_not_exists(#{name}, :zero) + :{name}" for name in sums]
        return {
            "Update": {
                "TableName": self._tables.ledger,
                "Key": ledger_key(account_id, USAGE, identity),
                "UpdateExpression": "SET " + ", ".join(sets),
                "ExpressionAttributeNames": {f"#{name}": name for name in (*names, *sums)},
                "ExpressionAttributeValues": {
                    ":zero": number(0),
                    **{f":{name}": text(value) for name, value in names.items()},
                    **{f":{name}": number(value) for name, value in sums.items()},
                },
            }
        }

    async def _whole(self, account_id: str, first_day: str, last_day: str) -> Sums:
        for _ in range(READS_MAX):
            sums = Sums()
            async for item in self._between(account_id, USAGE + first_day, USAGE + last_day):
                sums.add(item)
            if sums.whole:
                return sums
        raise ServiceUnavailable(BUSY)

    async def _some(self, account_id: str, first: str, bound: str, limit: int) -> list[Entry]:
        found: list[Entry] = []
        async for entry in self._entries(account_id, first, bound, limit):
            found.append(entry)
            if len(found) == limit:
                break
        return found

    async def _entries(self, account_id: str, first: str, bound: str, limit: int | None = None) -> AsyncIterator[Entry]:
        # No entry has the id of a bound: BETWEEN includes both ends.
        async for item in self._between(account_id, ENTRY + first, ENTRY + bound, limit=limit):
            yield read_entry(item)

    async def _between(
        self, account_id: str, first: str, last: str, *, backwards: bool = False, limit: int | None = None
    ) -> AsyncIterator[Item]:
        if last < first:
            return
        query = {
            "TableName": self._tables.ledger,
            "KeyConditionExpression": "account_id = :account AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": {":account": text(account_id), ":first": text(first), ":last": text(last)},
            "ScanIndexForward": not backwards,
            "ConsistentRead": True,
            **({} if limit is None else {"Limit": limit}),
        }
        async for item in self._tables.query(query):
            yield item


class SummedUp(Struct):
    """The work of one run: accounts looked at, entries taken, accounts that failed."""

    accounts: int = 0
    entries: int = 0
    failed: int = 0


async def sum_up_active(sums: UsageSums, now_s: Callable[[], float], until_s: float) -> SummedUp:
    """Sums up the usage of all accounts that were active lately, until a time; the rest is the next run's."""
    report = SummedUp()

    async def run(shard: int) -> None:
        async for account_id in sums.active(shard):
            if now_s() >= until_s:
                return
            report.accounts += 1
            try:
                report.entries += await sums.sum_up(account_id, now_s() - SETTLED_S)
            except (ServiceUnavailable, ValueError):
                log.exception("the usage of an account was not summed up", extra={"account_id": account_id})
                report.failed += 1

    await asyncio.gather(*map(run, range(SHARDS)))
    return report


def _chunk(entries: Sequence[Entry], *, is_last: bool) -> Chunk:
    """The first of these entries that fit into one write. Those of one hold stay together."""
    holds = [list(group) for _, group in groupby(entries, key=lambda entry: entry.entry_id[:ID_PLACES])]
    # More entries of the last one may follow.
    holds = holds if is_last or len(holds) == 1 else holds[:-1]
    chunk = Chunk(day_of(holds[0][0].entry_id))
    for hold in holds:
        sums = summed([entry for entry in hold if not entry.summed])
        hold_id = hold[0].entry_id[:ID_PLACES]
        if day_of(hold_id) != chunk.day or len(chunk.sums.keys() | sums.keys()) > CELLS_MAX:
            break
        merge(chunk.sums, sums)
        chunk.done = hold_id + END_OF_IDS
        chunk.entries += len(hold)
    chunk.sums = without_empty(chunk.sums)
    return chunk


def _cell(item: Item) -> Cell:
    names = {name: item[short]["S"] for short, name in NAMES.items() if short in item and short != "t"}
    return Cell(day=_day(item), tier=Tier(item["t"]["S"]), **names)


def _tally(item: Item) -> Tally:
    tokens = Counter({name: int(item[name]["N"]) for name in TOKEN_CLASSES if name in item})
    requests, cost = (int(item[name]["N"]) if name in item else 0 for name in ("r", "c"))
    return Tally(requests, cost, tokens)


def _day(item: Item) -> str:
    day: str = item["sk"]["S"][len(USAGE) :][:DAY_PLACES]
    return day


def _digest(cell: Cell) -> str:
    """Names a cell in its key: names may be long, and of any characters."""
    return blake2b(orjson.dumps([getattr(cell, name) for name in NAMES.values()]), digest_size=9).hexdigest()
