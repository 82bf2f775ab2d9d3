"""Simulates 10,000 requests a second over accounts and keys, and finds the busiest DynamoDB partitions.

`python -m tests.money.simulation.scale` prints the table of docs/scale.md. The real store runs a part of the load on
the same part of the accounts, so that each account is as busy as in the whole. The few partitions that all accounts
share, those of the indexes, take as many times their mean as the part goes into the whole, and what chance adds to the
busiest of them: four standard deviations. Writes do not overlap here: `tests/money/simulation/load.py` is about those.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from gateway.canonical.money import Admission, Hold, HoldRequest
from gateway.ledger.hold_ids import hold_id_at
from gateway.stores.money.items import HOLD_SHARDS, SHARDS
from gateway.stores.money.store import DynamoMoney
from tests.money.simulation.candidates import BALANCE_NANOUSD, RPM, charge_of
from tests.money.simulation.dynamodb import Change, SimulatedDynamoDb, item_bytes, units

WHOLE_PER_S = 10_000
# An item or a partition takes no more a second.
WRITE_UNITS_MAX, READ_UNITS_MAX = 1_000, 3_000
START_S = 1_795_000_000.0
# A process that serves one account's request serves any other's next.
PROCESSES = 8
Partition = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """A distribution of requests: each account's share, its keys, and the length of an answer."""

    name: str
    per_account: tuple[float, ...]
    keys: int
    lasts_s: float
    seconds: int = 14

    @property
    def per_s(self) -> float:
        """The requests of the part that runs."""
        return sum(self.per_account)

    @property
    def times(self) -> float:
        """The number of such parts in the whole."""
        return WHOLE_PER_S / self.per_s


@dataclass(frozen=True, slots=True)
class Busiest:
    """The largest number of units that one partition of each kind took in a second."""

    load: Load
    units: Mapping[str, float]
    per_request: float
    parked: float

    @property
    def within(self) -> bool:
        """True if none is above its limit."""
        most = {"keys": READ_UNITS_MAX}
        return all(value <= most.get(kind, WRITE_UNITS_MAX) for kind, value in self.units.items())


class Metered(SimulatedDynamoDb):
    """The simulation that notes which partition each write unit of a second went to."""

    def __init__(self) -> None:
        super().__init__()
        self.second = 0
        self.taken: Counter[tuple[int, Partition]] = Counter()

    def _count_write(self, change: Change, factor: int) -> None:
        super()._count_write(change, factor)
        table, key = change.address
        written = factor * units(item_bytes(change.before or {}), item_bytes(change.after or {}))
        self.taken[self.second, (table, key[0])] += written

    def _apply(self, change: Change, factor: int) -> None:
        super()._apply(change, factor)
        for name, index in self.tables[change.address[0]].indexes.items():
            entries = [_entry(item, index.partition, index.sort) for item in (change.before, change.after)]
            for entry in entries if entries[0] != entries[1] else ():
                if entry is not None:
                    self.taken[self.second, (name, entry[0])] += 1


def _entry(item: Mapping[str, Any] | None, partition: str, sort: str) -> tuple[str, str] | None:
    if item is None or partition not in item or sort not in item:
        return None
    return item[partition]["S"], item[sort]["N"]


def busiest(load: Load) -> Busiest:
    """Runs the load and finds the busiest partitions, once answers end as often as they begin."""
    return asyncio.run(_busiest(load))


async def _busiest(load: Load) -> Busiest:
    api, chance = Metered(), random.Random(7)
    processes = [DynamoMoney(api, "accounts", "ledger") for _ in range(PROCESSES)]
    for number in range(len(load.per_account)):
        await processes[0].open_account(_account(number), RPM)
        await processes[0].credit(_account(number), BALANCE_NANOUSD, once="start", now_s=START_S - 60)
    api.taken.clear()
    api.write_units = 0
    shares = list(accumulate(load.per_account))
    total = int(load.per_s * load.seconds)
    moments = sorted(chance.uniform(0, load.seconds) for _ in range(total))
    ends: list[tuple[float, int, DynamoMoney, Hold]] = []
    parked, seen = 0, Counter[tuple[int, str]]()
    for number, moment_s in enumerate(moments):
        while ends and ends[0][0] <= moment_s:
            ended_s, _, money, hold = heapq.heappop(ends)
            api.second = int(ended_s)
            await money.settle(hold, charge_of(hold), START_S + ended_s)
        api.second = int(moment_s)
        (account,) = chance.choices(range(len(shares)), cum_weights=shares)
        key = chance.randrange(load.keys)
        money = chance.choice(processes)
        hold = await _admitted(money, _account(account), key, number, START_S + moment_s)
        if hold.crowded:
            hold = await money.park(hold)
            parked += 1
        seen[int(moment_s), f"{account}-{key}"] += 1
        heapq.heappush(ends, (moment_s + load.lasts_s, number, money, hold))
    return Busiest(load, _largest(api, load, seen), api.write_units / total, parked / total)


async def _admitted(money: DynamoMoney, account_id: str, key: int, number: int, now_s: float) -> Hold:
    wanted = HoldRequest(
        account_id=account_id,
        key_id=f"key_{key:010d}",
        hold_id=hold_id_at(now_s, number),
        amount_nanousd=12_345_678,
        deadline_s=int(now_s) + 960,
        key_rpm_limit=RPM,
    )
    answer = await money.admit(wanted, now_s)
    assert isinstance(answer, Admission), answer
    return answer.hold


def _largest(api: Metered, load: Load, seen: Counter[tuple[int, str]]) -> dict[str, float]:
    """The busiest partition of each kind, in a second in which answers end too."""
    steady = range(int(load.lasts_s) + 1, load.seconds)
    largest: dict[str, float] = dict.fromkeys(("accounts", "ledger", "ByActivity", "ByDeadline"), 0.0)
    shared: dict[str, list[float]] = {"ByActivity": [], "ByDeadline": []}
    for (second, (kind, *_)), taken in api.taken.items():
        if second in steady and kind in shared:
            shared[kind].append(taken)
        elif second in steady:
            largest[kind] = max(largest[kind], taken)
    for kind, shards in (("ByActivity", SHARDS), ("ByDeadline", HOLD_SHARDS)):
        mean = sum(shared[kind]) * load.times / len(steady) / shards
        largest[kind] = mean + 4 * mean**0.5
    # Every process reads a key once in five seconds; at the worst each request is another process's.
    largest["keys"] = max(taken for (second, _), taken in seen.items() if second in steady)
    return largest


def _account(number: int) -> str:
    return f"acct_{number:020d}"


def skewed(accounts: int, largest_per_s: float, per_s: float) -> tuple[float, ...]:
    """Shares that fall as the rank's inverse, the largest of them as given."""
    ranks = [1 / rank for rank in range(1, accounts + 1)]
    rest = (per_s - largest_per_s) / sum(ranks[1:])
    return (largest_per_s, *(min(largest_per_s, rest * share) for share in ranks[1:]))


LOADS: tuple[Callable[[], Load], ...] = (
    lambda: Load("10,000 accounts alike, answers of 1 s", (1.0,) * 200, keys=2, lasts_s=1.0, seconds=6),
    lambda: Load("10,000 accounts alike, streams of 10 s", (1.0,) * 200, keys=2, lasts_s=10.0),
    lambda: Load("1,000 accounts alike, streams of 10 s", (10.0,) * 20, keys=10, lasts_s=10.0),
    lambda: Load("the largest of 10,000 takes 1 %", skewed(500, 100.0, 500.0), keys=10, lasts_s=10.0),
    lambda: Load("100 accounts alike, streams of 10 s", (100.0,) * 4, keys=50, lasts_s=10.0),
    lambda: Load("60 accounts alike, answers of 1 s", (167.0,) * 3, keys=50, lasts_s=1.0, seconds=6),
    lambda: Load("one account of 10,000", (500.0,), keys=50, lasts_s=1.0, seconds=4),
)
HEAD = (
    f"{'load':41}{'account':>9}{'ledger':>8}{'ByActivity':>12}{'ByDeadline':>12}{'key, read':>11}"
    f"{'units/request':>15}{'parked':>8}"
)


def row(found: Busiest) -> str:
    """One line of the table."""
    kinds = (("accounts", 9), ("ledger", 8), ("ByActivity", 12), ("ByDeadline", 12), ("keys", 11))
    shown = "".join(f"{found.units[kind]:>{width},.0f}" for kind, width in kinds)
    ends = f"{found.per_request:>15.1f}{100 * found.parked:>6.0f} %{'' if found.within else '  OVER'}"
    return f"{found.load.name:41}{shown}{ends}"


def main() -> None:
    """Prints the table."""
    sys.stdout.write(HEAD + "\n")
    for load in LOADS:
        sys.stdout.write(row(busiest(load())) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
