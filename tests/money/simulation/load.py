"""Drives a load on one account in virtual time, and measures refusals for contention, cost and latency.

`python -m tests.money.simulation` prints the table that docs/adr/0004-money-mechanism.md uses.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from unittest.mock import patch

from gateway.canonical.money import Hold, HoldRequest
from gateway.errors import ServiceUnavailable
from gateway.ledger.hold_ids import hold_id_at
from gateway.stores.aws import client
from tests.money.simulation.candidates import Mechanism, OneItem, OneTransaction, Purses
from tests.money.simulation.rules import ContendedDynamoDb, Trouble
from tests.virtual_time import run

# us-east-1, on demand, a million units: https://aws.amazon.com/dynamodb/pricing/on-demand/
WRITE_USD, READ_USD = 0.625, 0.125
# A Saturday morning; any time will do.
START_S = 1_795_000_000.0
TROUBLE = Trouble(conflict=0.02, throttle=0.01, answer_lost=0.002)


@dataclass(frozen=True, slots=True)
class Load:
    """A number of requests per minute on one account, the number of its keys, and the duration of each request."""

    per_minute: int = 1_000
    minutes: int = 3
    lasts_s: float = 30.0
    keys: int = 10
    trouble: Trouble = TROUBLE
    seed: int = 7


@dataclass(slots=True)
class Figures:
    """The results of a load. `usd_per_million` is per million requests."""

    name: str
    remaining_known: bool
    requests: int = 0
    refused_for_contention: int = 0
    settled_late: int = 0
    admission_ms: list[float] = field(default_factory=list)
    usd_per_million: float = 0.0
    units_per_request: float = 0.0
    conflicts: int = 0
    account_bytes_max: int = 0

    @property
    def refused_percent(self) -> float:
        return 100 * self.refused_for_contention / self.requests

    def percentile_ms(self, percent: float) -> float:
        ordered = sorted(self.admission_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]

    def row(self) -> str:
        return (
            f"{self.name:44} {self.requests:6} {self.refused_percent:8.3f} {self.usd_per_million:8.2f} "
            f"{self.units_per_request:7.2f} {self.percentile_ms(50):7.1f} {self.percentile_ms(99):7.1f} "
            f"{100 * self.conflicts / self.requests:8.1f} {self.settled_late:5} {self.account_bytes_max:6} "
            f"{'yes' if self.remaining_known else 'no'}"
        )


HEAD = (
    f"{'mechanism and load':44} {'reqs':>6} {'refused%':>8} {'USD/M':>8} {'WU/req':>7} {'p50 ms':>7} {'p99 ms':>7} "
    f"{'confl/100':>8} {'late':>5} {'bytes':>6} left known without a read"
)


def measure(make: Callable[[ContendedDynamoDb], Mechanism], load: Load, label: str = "") -> Figures:
    """Drives the load through a mechanism. It is seeded: the figures are the same every time."""
    with patch.object(client, "JITTER", random.Random(load.seed)):
        return run(_driven(make, load, label))


async def _driven(make: Callable[[ContendedDynamoDb], Mechanism], load: Load, label: str) -> Figures:
    chance = random.Random(load.seed)
    api = ContendedDynamoDb(chance)
    mechanism = make(api)
    await mechanism.open()
    api.write_units, api.read_units = 0, 0.0
    api.met.conflicts = 0
    api.trouble = load.trouble
    figures = Figures(f"{mechanism.name}{label}", mechanism.remaining_known)
    total = load.per_minute * load.minutes
    moments = sorted(chance.uniform(0, 60 * load.minutes) for _ in range(total))
    began_s = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as group:
        for number, moment_s in enumerate(moments):
            group.create_task(_request(mechanism, load, figures, began_s + moment_s, number))
    figures.requests = total
    figures.units_per_request = api.write_units / total
    figures.usd_per_million = (api.write_units * WRITE_USD + api.read_units * READ_USD) / total
    figures.conflicts = api.met.conflicts
    figures.account_bytes_max = api.largest_bytes["accounts"]
    return figures


async def _request(mechanism: Mechanism, load: Load, figures: Figures, at_s: float, number: int) -> None:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(at_s - loop.time())
    arrived_s = loop.time()
    now_s = START_S + arrived_s
    wanted = HoldRequest(
        account_id="acct",
        key_id=f"key_{number % load.keys:010d}",
        hold_id=hold_id_at(now_s, number),
        amount_nanousd=12_345_678,
        deadline_s=int(now_s) + 960,
        key_rpm_limit=100_000,
    )
    try:
        hold = await mechanism.admit(wanted, now_s)
    except ServiceUnavailable:
        figures.refused_for_contention += 1
        return
    figures.admission_ms.append(1000 * (loop.time() - arrived_s))
    if hold is None:
        raise AssertionError("the load is within every limit, so nothing else may refuse it")
    await _settled(mechanism, figures, await mechanism.run(hold, load.lasts_s))


async def _settled(mechanism: Mechanism, figures: Figures, hold: Hold) -> None:
    """Settles as the pipeline's queue does: a failed settlement is tried later."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            return await mechanism.settle(hold, START_S + loop.time())
        except ServiceUnavailable:
            figures.settled_late += 1
            await asyncio.sleep(1)


def table() -> list[Figures]:
    """Measures every mechanism under the load that the bars name, and the one in use under others."""
    bar = Load()
    return [
        measure(OneTransaction, bar, ", 30 s streams"),
        measure(OneItem, bar, ", 30 s streams"),
        measure(Purses, bar, ", 30 s streams"),
        measure(OneItem, Load(trouble=Trouble()), ", 30 s streams, no trouble"),
        measure(OneItem, Load(lasts_s=0.8), ", 0.8 s answers"),
        measure(OneItem, Load(per_minute=100), ", 30 s streams, 100 a minute"),
        measure(OneItem, Load(keys=1), ", 30 s streams, 1 key"),
        measure(OneItem, Load(keys=50), ", 30 s streams, 50 keys"),
        measure(OneItem, Load(keys=500), ", 30 s streams, 500 keys"),
        measure(OneItem, Load(per_minute=3_000), ", 30 s streams, 3,000 a minute"),
    ]


def printed(rows: list[Figures]) -> str:
    """Formats the table as text."""
    return "\n".join([HEAD, *(row.row() for row in rows)])
