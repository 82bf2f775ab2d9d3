"""Simulates an account of 10,000 requests a second, its balance in purses: what is overdrawn, stranded and refused.

`python -m tests.money.simulation.purses` prints the table of docs/adr/0019-purses.md. Every step is one write that
DynamoDB does whole or not at all, of one item (a purse) or of two in a transaction (a purse and the reservoir). Steps
of different requests interleave by seeded latencies in virtual time, and any request may die between two steps.
"""

from __future__ import annotations

import heapq
import random
import sys
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html: of one item, a second.
UNITS_PER_S = 1_000
# A write of an item of one kilobyte, and the same within a transaction.
PLAIN, TRANSACTIONAL = 1, 2
RESERVOIR = -1
# A gathering may take this long before another process may begin one; its result counts for so long.
GATHER_S, FRESH_S = 2.0, 0.5
# Transactions of a gathering that are sent at the same time.
GATHER_AT_ONCE = 16

# A request's steps: each yields the seconds until the next one.
Steps = Generator[float, None, None]


@dataclass(frozen=True, slots=True)
class Design:
    """One way to keep the balance.

    `grant_s` is how many seconds of its traffic a purse takes out of the reservoir at once; without it the balance is
    split over the purses at the start. Grants that `shrink` are half of the purse's part of what the reservoir has, at
    the most. `tries` purses are asked for one request. A design that `gathers` brings what lies in purses back into the
    reservoir before a request is refused for want of money.
    """

    name: str
    purses: int
    grant_s: float = 0.0
    tries: int = 2
    shrinks: bool = False
    gathers: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """Requests of one account, whose balance covers the part `covered` of what they cost."""

    per_s: int = 10_000
    seconds: float = 1.0
    hold: int = 50_000_000
    cost: int = 20_000_000
    lasts_s: float = 0.1
    covered: float = 0.6
    deaths: float = 0.002
    seed: int = 17

    @property
    def requests(self) -> int:
        return int(self.per_s * self.seconds)

    @property
    def balance(self) -> int:
        return int(self.requests * self.cost * self.covered)


@dataclass(slots=True)
class Figures:
    """The totals of one load, in nano-USD.

    `stranded` lay in purses when the first request was refused for want of money, `left` when all had ended.
    """

    name: str
    outcomes: Counter[str] = field(default_factory=Counter)
    overdrawn: int = 0
    stranded: int = 0
    left: int = 0
    hottest_units: int = 0

    def row(self, load: Load) -> str:
        stranded = 100 * self.stranded / load.balance
        left = 100 * self.left / load.balance
        busy = 100 * self.outcomes["503"] / load.requests
        return (
            f"{self.name:28} {self.outcomes['admitted']:7} {self.overdrawn:5} {stranded:9.1f} {left:7.1f} "
            f"{busy:6.1f} {self.hottest_units:6}"
        )


HEAD = f"{'design':28} {'admit.':>7} {'over':>5} {'strand.%':>9} {'left %':>7} {'503%':>6} {'units':>6}"


class Account:
    """The items of one account, the reservoir and its purses, and what is held and paid. Each change is one write."""

    def __init__(self, design: Design, load: Load) -> None:
        self.load, self.design = load, design
        share = 0 if design.grant_s else load.balance // design.purses
        self.purses = [share] * design.purses
        self.reservoir = load.balance - share * design.purses
        self.held = self.paid = 0
        self.grant = int(design.grant_s * load.per_s / design.purses * load.hold)
        self.figures = Figures(design.name)
        self._units: Counter[tuple[int, int]] = Counter()

    @property
    def free(self) -> int:
        return self.reservoir + sum(self.purses)

    def written(self, item: int, now_s: float, units: int) -> bool:
        """False if the item is over its units of this second: then nothing is written."""
        place = (item, int(now_s))
        if self._units[place] + units > UNITS_PER_S:
            return False
        self._units[place] += units
        self.figures.hottest_units = max(self.figures.hottest_units, self._units[place])
        return True

    def take(self, purse: int, amount: int) -> bool:
        """Moves the amount from the purse to what is held, if the purse covers it: the write's own condition."""
        if self.purses[purse] < amount:
            return False
        self._move(purse, -amount)
        self.held += amount
        return True

    def refill(self, purse: int, amount: int) -> None:
        """Moves a grant from the reservoir to the purse, in one transaction: what is there at the most."""
        most = self.grant if not self.design.shrinks else min(self.grant, self.reservoir // (2 * len(self.purses)))
        moved = min(self.reservoir, max(amount, most))
        self.reservoir -= moved
        self._move(purse, moved)

    def bring_back(self, purse: int) -> None:
        """Moves all that lies in the purse to the reservoir, in one transaction."""
        moved = self.purses[purse]
        self._move(purse, -moved)
        self.reservoir += moved

    def settle(self, purse: int, amount: int, cost: int) -> None:
        """Ends a hold: its cost is paid, the rest returns to its purse."""
        self.held -= amount
        self.paid += cost
        self._move(purse, amount - cost)

    def refuse(self) -> None:
        """Counts a refusal for want of money, and what lay in purses meanwhile."""
        if not self.figures.outcomes["402"]:
            self.figures.stranded = sum(self.purses)
        self.figures.outcomes["402"] += 1

    def _move(self, purse: int, amount: int) -> None:
        self.purses[purse] += amount
        self.figures.overdrawn = max(self.figures.overdrawn, -self.purses[purse], -self.reservoir)


class Simulation:
    """Runs the steps of all requests in the order of their times."""

    def __init__(self, design: Design, load: Load) -> None:
        self.account, self.design, self.load = Account(design, load), design, load
        self.chance = random.Random(load.seed)
        self.now_s = 0.0
        # The reservoir's own attribute: until when a gathering is under way, or its result is fresh.
        self.gathered_until_s = self.fresh_until_s = 0.0
        self._numbers = iter(range(sys.maxsize))
        self._steps: list[tuple[float, int, Steps]] = []

    def run(self) -> Figures:
        """Runs all requests to their ends; what the dead held comes back at its deadline, as the sweeper does it."""
        for number in range(self.load.requests):
            self._push(number / self.load.per_s, self._request())
        while self._steps:
            self.now_s, _, steps = heapq.heappop(self._steps)
            pause_s = next(steps, None)
            if pause_s is not None:
                self._push(self.now_s + pause_s, steps)
        account = self.account
        if account.free + account.paid != self.load.balance or account.held:
            raise AssertionError("a nano-dollar has come or gone")
        account.figures.left = account.free
        return account.figures

    def _push(self, at_s: float, steps: Steps) -> None:
        heapq.heappush(self._steps, (at_s, next(self._numbers), steps))

    def _pause(self) -> float:
        return self.chance.uniform(0.004, 0.015)

    def _request(self) -> Steps:
        """Admits, runs and settles one request; a dead one is released by the sweeper a minute later."""
        account, chance = self.account, self.chance
        amount = chance.randrange(self.load.hold // 2, self.load.hold * 3 // 2)
        purse = yield from self._admitted(amount)
        if purse is None:
            return
        account.figures.outcomes["admitted"] += 1
        died = chance.random() < self.load.deaths
        yield 60.0 if died else chance.uniform(0, 2 * self.load.lasts_s)
        while not account.written(purse, self.now_s, TRANSACTIONAL):
            # The end waits in the queue of deferred settlements.
            yield 1.0
        account.settle(purse, amount, 0 if died else chance.randrange(amount * 4 // 5))

    def _admitted(self, amount: int) -> Generator[float, None, int | None]:
        """The purse that holds the amount; `None` where the request was refused, by 402 or by 503."""
        account, design = self.account, self.design
        for purse in self.chance.sample(range(design.purses), min(design.tries, design.purses)):
            yield self._pause()
            if not account.written(purse, self.now_s, PLAIN):
                break
            if account.take(purse, amount):
                return purse
            if account.reservoir and (yield from self._refilled(purse, amount)):
                return purse
        else:
            if not design.gathers or self.now_s < self.fresh_until_s:
                account.refuse()
                return None
            if self.now_s >= self.gathered_until_s:
                return (yield from self._gathered(amount))
        account.figures.outcomes["503"] += 1
        return None

    def _refilled(self, purse: int, amount: int) -> Generator[float, None, bool]:
        """True if the purse held the amount after a grant; a death between the two leaves the grant in the purse."""
        account = self.account
        yield self._pause()
        if not (account.written(RESERVOIR, self.now_s, TRANSACTIONAL) and account.written(purse, self.now_s, 2)):
            return False
        account.refill(purse, amount)
        yield self._pause()
        return account.written(purse, self.now_s, PLAIN) and account.take(purse, amount)

    def _gathered(self, amount: int) -> Generator[float, None, int | None]:
        """Brings what lies in all purses back to the reservoir, then asks again; meanwhile others are told 503."""
        account, design = self.account, self.design
        self.gathered_until_s = self.now_s + GATHER_S
        for purse in range(design.purses):
            if purse % GATHER_AT_ONCE == 0:
                yield self._pause()
            if account.written(RESERVOIR, self.now_s, TRANSACTIONAL) and account.written(purse, self.now_s, 2):
                account.bring_back(purse)
        self.gathered_until_s, self.fresh_until_s = self.now_s, self.now_s + FRESH_S
        purse = self.chance.randrange(design.purses)
        if (yield from self._refilled(purse, amount)):
            return purse
        account.refuse()
        return None


DESIGNS = (
    Design("one item", 1),
    Design("64 purses, split once", 64),
    Design("64 purses, grants of 1 s", 64, grant_s=1.0),
    Design("64 purses, grants of 0.1 s", 64, grant_s=0.1),
    Design("64, shrinking grants", 64, grant_s=0.5, shrinks=True),
    Design("128, shrinking, gathering", 128, grant_s=0.5, shrinks=True, gathers=True),
    Design("64, shrinking, gathering", 64, grant_s=0.5, shrinks=True, gathers=True),
)


def table(load: Load) -> list[Figures]:
    """Runs every design under the load."""
    return [Simulation(design, load).run() for design in DESIGNS]


def printed(load: Load, rows: list[Figures]) -> str:
    """Formats the table as text."""
    return "\n".join([HEAD, *(figures.row(load) for figures in rows)])


if __name__ == "__main__":
    sys.stdout.write(f"{printed(Load(), table(Load()))}\n")
