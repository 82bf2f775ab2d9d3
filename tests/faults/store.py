"""A simulated DynamoDB, and a queue, whose calls meet the faults of a schedule; the books are checked at each write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from gateway.canonical.money import AccountSnapshot, Entry
from gateway.stores.aws.client import AwsError, Item, Unanswered
from gateway.stores.money.books import snapshot
from gateway.stores.money.items import ENTRY, HOLD, SPEND, USAGE, read_account, read_entry
from gateway.stores.money.store import DynamoMoney
from tests.faults.faults import HANG_S, NOT_DONE, PROCESS, STEP, Fault, Faults, Kind, Process
from tests.money.simulation.dynamodb import Change, SimulatedDynamoDb

READS = frozenset({"GetItem", "Query"})
STEPS = ("admit", "park", "extend", "checkpoint", "settle", "release", "expire", "track_spend", "credit")


class FaultyDynamoDb(SimulatedDynamoDb):
    """The simulation, and the queue of settlements.

    `written` is called after each write that has an effect, at once or late.
    """

    def __init__(self, faults: Faults, delay_s: float, written: Callable[[], None]) -> None:
        super().__init__(page=2)
        self.faults = faults
        self.delay_s = delay_s
        self.messages: list[str] = []
        self._written = written
        # Entries by their items, which are never changed in place; the item is kept so that its id stays its own.
        self._entries: dict[int, tuple[Item, Entry]] = {}

    def _count_read(self, items: list[Item], *, consistent: bool) -> None:
        """Leaves the units out, which take time and are not asked for here."""

    def _apply(self, change: Change, factor: int) -> None:
        """Applies the change alone: its units are not asked for."""
        del factor
        table = self.tables[change.address[0]]
        if change.after is None:
            table.items.pop(change.address[1], None)
        else:
            table.items[change.address[1]] = change.after

    def _count_write(self, change: Change, factor: int) -> None:
        """Leaves the units out."""

    async def call(self, service: str, operation: str, payload: Mapping[str, Any]) -> Item:
        kind = Kind.STORE if service == "dynamodb" else Kind.QUEUE
        process = PROCESS.get(None)
        if process is None or _is_further_shard(payload):
            return self._done(kind, operation, payload)
        fault = await self.faults.begin(process, f"{STEP.get()}: {operation}", kind)
        if fault is None:
            return self._done(kind, operation, payload)
        return await self._troubled(process, fault, kind, operation, payload)

    async def _troubled(
        self, process: Process, fault: Fault, kind: Kind, operation: str, payload: Mapping[str, Any]
    ) -> Item:
        if fault in NOT_DONE:
            error = NOT_DONE[fault]()
            raise error
        if fault is Fault.HANGS:
            self._later(kind, operation, payload)
            await asyncio.sleep(HANG_S)
            raise Unanswered("TimedOut", "")
        answer = self._done(kind, operation, payload)
        if fault is Fault.ARRIVES_AGAIN:
            self._later(kind, operation, payload)
        if fault is Fault.LOST_AFTER:
            raise Unanswered("TimedOut", "")
        self.faults.end(process, fault)
        return answer

    def _later(self, kind: Kind, operation: str, payload: Mapping[str, Any]) -> None:
        def arrive() -> None:
            with suppress(AwsError):
                self._done(kind, operation, payload)

        if operation not in READS:
            asyncio.get_running_loop().call_later(self.delay_s, arrive)

    def _done(self, kind: Kind, operation: str, payload: Mapping[str, Any]) -> Item:
        if kind is Kind.QUEUE:
            self.messages.append(payload["MessageBody"])
            return {}
        answer = self.done(operation, payload)
        if operation not in READS:
            self._written()
        return answer

    def look(self, account_id: str) -> AccountSnapshot | None:
        """The account as it stands, read past the calls; `None` before it is opened."""
        account = self.tables["accounts"].items.get((account_id,))
        if account is None:
            return None
        parts: dict[str, list[Item]] = {HOLD: [], ENTRY: [], SPEND: []}
        for (owner, sort), item in sorted(self.tables["ledger"].items.items()):
            kind = sort[: sort.index("#") + 1]
            if owner == account_id and kind in parts:
                parts[kind].append(item)
        entries = [self._entry(item) for item in parts[ENTRY]]
        return snapshot(read_account(account), parts[HOLD], entries, parts[SPEND])

    def usage(self, account_id: str) -> list[Item]:
        """The items of the account's sums of usage as they stand."""
        items = self.tables["ledger"].items.items()
        return [item for (owner, sort), item in items if owner == account_id and sort.startswith(USAGE)]

    def _entry(self, item: Item) -> Entry:
        kept = self._entries.get(id(item))
        if kept is None:
            kept = self._entries[id(item)] = (item, read_entry(item))
        return kept[1]


def _is_further_shard(payload: Mapping[str, Any]) -> bool:
    """True for a query of the sweeper's in a shard that is not its first: they are alike, and many."""
    shard = payload.get("ExpressionAttributeValues", {}).get(":shard")
    return "IndexName" in payload and shard is not None and shard["S"] != "0"


def _named(step: str) -> Any:
    async def named(*given: Any, **members: Any) -> Any:
        token = STEP.set(step)
        try:
            return await getattr(DynamoMoney, step)(*given, **members)
        finally:
            STEP.reset(token)

    return named


class SteppedMoney(DynamoMoney):
    """`Money` whose calls to the store tell the step that they belong to."""


for _step in STEPS:
    setattr(SteppedMoney, _step, _named(_step))
