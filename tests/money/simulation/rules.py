"""Simulates concurrent DynamoDB writes: latency, conflicts, throttling, lost answers.

Time is virtual and chance is seeded.

- Writes that overlap on an item conflict when either is part of a transaction, and then neither takes effect:
  https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
- An item takes 1,000 write units a second, and a transaction takes two units for each KB:
  https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
- Latencies are lognormal through the median and the 99th percentile that were measured for each kind of call.

Uncertain facts are assumed to be the worse ones: an item is busy for the whole of a call, and a write that was
refused for a conflict costs as much as a completed one.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.stores.aws.client import Contended, Throttled, TransactionCanceled, Unanswered
from tests.money.simulation.dynamodb import Address, SimulatedDynamoDb, check_service
from tests.money.simulation.expressions import Item

Z99 = 2.326
UNITS_PER_S = 1_000.0


@dataclass(frozen=True, slots=True)
class Latency:
    """A lognormal distribution given by two of its points, in milliseconds."""

    p50_ms: float
    p99_ms: float

    def draw_s(self, chance: random.Random) -> float:
        spread = math.log(self.p99_ms / self.p50_ms) / Z99
        return chance.lognormvariate(math.log(self.p50_ms), spread) / 1000


LATENCIES: Mapping[str, Latency] = {
    "GetItem": Latency(3, 11),
    "Query": Latency(5, 15),
    "PutItem": Latency(5, 15),
    "UpdateItem": Latency(5, 15),
    "DeleteItem": Latency(5, 15),
    "TransactWriteItems": Latency(12, 35),
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Probabilities, per write, of errors without a cause that the simulation knows."""

    conflict: float = 0.0
    throttle: float = 0.0
    answer_lost: float = 0.0


@dataclass(slots=True)
class _Item:
    """The running writes of one item, and its remaining units of this second."""

    writers: int = 0
    transactions: int = 0
    units: float = UNITS_PER_S
    at_s: float = 0.0


@dataclass(slots=True)
class Met:
    """The number of errors of each kind that occurred."""

    conflicts: int = 0
    throttles: int = 0
    lost: int = 0


@dataclass(slots=True)
class _Call:
    operation: str
    payload: Mapping[str, Any]
    addresses: list[Address]
    in_transaction: bool = field(init=False)

    def __post_init__(self) -> None:
        self.in_transaction = self.operation == "TransactWriteItems"


class ContendedDynamoDb(SimulatedDynamoDb):
    """The simulation under load. It must run in a `VirtualTimeLoop`."""

    def __init__(self, chance: random.Random, trouble: Trouble | None = None, *, times_slower: float = 1.0) -> None:
        super().__init__()
        self._chance = chance
        self._times_slower = times_slower
        self.trouble = trouble or Trouble()
        self._busy: dict[Address, _Item] = {}
        self.met = Met()

    async def call(self, service: str, operation: str, payload: Mapping[str, Any]) -> Item:
        """Runs the operation after its latency, unless it conflicts with another."""
        check_service(service)
        self.calls[operation] += 1
        call = _Call(operation, payload, self.addresses(operation, payload))
        duration_s = self._times_slower * LATENCIES[operation].draw_s(self._chance)
        if not call.addresses:
            await asyncio.sleep(duration_s)
            return self.done(operation, payload)
        busy = [self._item(address) for address in call.addresses]
        refused = self._throttled(busy) or self._conflicts(call, busy)
        if refused is not None:
            self.write_units += len(busy) * (2 if call.in_transaction else 1)
            await asyncio.sleep(duration_s)
            raise refused
        for item in busy:
            item.writers += 1
            item.transactions += call.in_transaction
        try:
            await asyncio.sleep(duration_s)
        finally:
            for item in busy:
                item.writers -= 1
                item.transactions -= call.in_transaction
        return self._outcome(call, busy)

    def _outcome(self, call: _Call, busy: list[_Item]) -> Item:
        before = self.write_units
        try:
            answer = self.done(call.operation, call.payload)
        finally:
            for item in busy:
                item.units -= (self.write_units - before) / len(busy)
        if self._chance.random() < self.trouble.answer_lost:
            self.met.lost += 1
            raise Unanswered("TimedOut", call.operation)
        return answer

    def _item(self, address: Address) -> _Item:
        return self._busy.setdefault(address, _Item())

    def _throttled(self, busy: list[_Item]) -> Exception | None:
        now_s = asyncio.get_running_loop().time()
        for item in busy:
            item.units = min(UNITS_PER_S, item.units + (now_s - item.at_s) * UNITS_PER_S)
            item.at_s = now_s
        if all(item.units >= 1 for item in busy) and self._chance.random() >= self.trouble.throttle:
            return None
        self.met.throttles += 1
        return Throttled("ProvisionedThroughputExceededException", "over the item's rate")

    def _conflicts(self, call: _Call, busy: list[_Item]) -> Exception | None:
        met = any(item.transactions or (call.in_transaction and item.writers) for item in busy)
        if not met and self._chance.random() >= self.trouble.conflict:
            return None
        self.met.conflicts += 1
        if not call.in_transaction:
            return Contended("TransactionConflictException", "a transaction is under way")
        codes = ["TransactionConflict" if item.writers else "None" for item in busy]
        if "TransactionConflict" not in codes:
            codes[0] = "TransactionConflict"
        return TransactionCanceled("Transaction cancelled", [(code, None) for code in codes])
