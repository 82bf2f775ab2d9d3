"""Asks a second target beside a slow first one: the first to have content serves, and the other is let go.

It is off unless the deployment names models. A second target starts where the first has said nothing for longer than
nearly always before (the 95th percentile of its own times), nothing was delivered, and the budget allows: what losers
cost is the operator's, a share of what the same process has billed at the most. The customer pays for the winner alone
(field case C7).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar

from msgspec import Struct, field

from gateway.canonical.models import Alias, Retired
from gateway.canonical.money import NanoUsd
from gateway.canonical.usage import Usage
from gateway.errors import InvalidRequest, UpstreamError
from gateway.logs.metrics import Metric, measure
from gateway.pipeline.context import HEDGED, Attempt, RequestContext
from gateway.pipeline.health import Health
from gateway.ports.catalog import Catalog
from gateway.routing.health import place_of
from gateway.routing.plan import Candidate

SAMPLES_MIN, SAMPLES_MAX = 10, 100
PERCENTILE = 0.95
# New times of one target after which other processes are told of them.
TOLD_EVERY = 20
ALL = "*"

T = TypeVar("T")
Request = RequestContext[Any, Any]
Noted = Callable[[Attempt, UpstreamError | InvalidRequest], None]


class HedgeRules(Struct, frozen=True):
    """The deployment's settings: models by id (`*` for all), losers' share of what is billed, and the dearest model.

    `price_max_usd` bounds the price of a million output tokens.
    """

    models: frozenset[str] = frozenset()
    share: float = 0.02
    price_max_usd: float = 20.0


def unhedged(catalog: Catalog[Any], name: str, rules: HedgeRules) -> str | None:
    """The reason for which a name of the deployment's settings hedges nothing, in words; `None` where it does."""
    found = catalog.find(name)
    if found is None:
        return "is no model that is sold here"
    offer = found.offer
    if isinstance(offer, Alias | Retired):
        return "stands for other models; name those"
    if offer.id != name:
        return f"is another name of {offer.id!r}; name that"
    if len(offer.targets) == 1 and not offer.fallbacks:
        return "has no second target"
    if min(float(target.price.output) for target in offer.targets) > rules.price_max_usd:
        return f"costs more than {rules.price_max_usd:g} USD for a million tokens of output"
    return None


class Pace(Struct):
    """The times to the first content of one target in this process, in seconds; `untold` of them are new to others."""

    own: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES_MAX))
    untold: int = 0

    @property
    def late_s(self) -> float | None:
        """The time after which the target is late; nothing while too little is known."""
        if len(self.own) < SAMPLES_MIN:
            return None
        return sorted(self.own)[int(len(self.own) * PERCENTILE)]


class Hedging:
    """Decides where a second target starts, and keeps what that has cost."""

    def __init__(self, rules: HedgeRules, health: Health) -> None:
        self._rules = rules
        self._health = health
        self._paces: dict[str, Pace] = {}
        self._billed_nanousd = 0
        self._lost_nanousd = 0

    def late_s(self, context: Request, candidate: Candidate[Any]) -> float | None:
        """The seconds after which a second target may start; nothing where the model is not hedged."""
        if not self.covers(context, candidate):
            return None
        name = _name(context, candidate)
        return self._pace(name).late_s or self._health.paces.get(name)

    def covers(self, context: Request, candidate: Candidate[Any]) -> bool:
        """True if the deployment hedges the model, it is not too dear for that, and no account's own key would pay."""
        models = self._rules.models
        if candidate.own is not None or (candidate.model.id not in models and ALL not in models):
            return False
        million = context.meter.cost(candidate, Usage(output=1_000_000)).nanousd
        return million <= self._rules.price_max_usd * 1e9

    def may_start(self, context: Request, second: Candidate[Any]) -> bool:
        """True if the budget allows a second target, which costs its prompt at the least."""
        prompt = context.meter.cost(second, context.meter.estimate(0, None)).nanousd
        allowed = self._rules.share * self._billed_nanousd
        return self.covers(context, second) and self._lost_nanousd + prompt <= allowed

    def learn(self, context: Request, candidate: Candidate[Any], took_s: float) -> None:
        """Notes the time to the first content of an attempt that served."""
        if not self.covers(context, candidate):
            return
        name = _name(context, candidate)
        pace = self._pace(name)
        pace.own.append(took_s)
        pace.untold += 1
        if pace.untold >= TOLD_EVERY and pace.late_s is not None:
            pace.untold = 0
            self._health.tell_pace(name, pace.late_s)

    def billed(self, nanousd: int) -> None:
        """Notes what a customer has paid."""
        self._billed_nanousd += nanousd

    def lost(self, context: Request, loser: Attempt, usage: Usage) -> None:
        """Notes what an attempt that was let go has cost the operator."""
        self._lost_nanousd += counted_loss(context, loser, usage)

    def _pace(self, name: str) -> Pace:
        return self._paces.setdefault(name, Pace())


def counted_loss(context: Request, loser: Attempt, usage: Usage) -> NanoUsd:
    """The cost to the operator of an attempt that was let go, which the metrics count."""
    nanousd = context.meter.cost(loser.candidate, usage).nanousd
    measure({Metric.HEDGES_LOST: 1, Metric.HEDGES_NANOUSD: nanousd})
    return nanousd


def _name(context: Request, candidate: Candidate[Any]) -> str:
    kind = "stream" if context.request.stream else "answer"
    return f"pace|{kind}|{candidate.target.provider}|{place_of(candidate.target)}"


class Race(Generic[T]):
    """Two attempts at one request. The first that has content, or a whole answer, wins."""

    def __init__(self, noted: Noted) -> None:
        self._noted = noted
        self._tasks: dict[asyncio.Task[T], Attempt] = {}
        self.winner: Attempt | None = None
        # The attempt whose failure was raised.
        self.failed: Attempt | None = None

    @property
    def losers(self) -> list[Attempt]:
        """The attempts that were let go."""
        return [one for one in self._tasks.values() if one.outcome == HEDGED]

    def wins(self, attempt: Attempt) -> None:
        """Has the attempt serve, and lets the other one go before it can do anything more."""
        self.winner = self.winner or attempt
        for task, other in self._tasks.items():
            if other is not self.winner:
                other.outcome = other.outcome or HEDGED
                task.cancel()

    async def run(
        self,
        first: Attempt,
        attempt: Callable[[Attempt], Awaitable[T]],
        late_s: float,
        second: Callable[[], Attempt | None],
    ) -> tuple[Attempt, T]:
        """The winner and its outcome. Raises the failure of the one that had content, or else the first one's."""
        try:
            self._start(first, attempt)
            await asyncio.wait(self._tasks, timeout=late_s)
            if not any(task.done() for task in self._tasks) and self.winner is None:
                beside = second()
                if beside is not None:
                    self._start(beside, attempt)
            return await self._first_done()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, one: Attempt, attempt: Callable[[Attempt], Awaitable[T]]) -> None:
        one.race = self
        self._tasks[asyncio.ensure_future(_made(attempt, one))] = one

    async def _first_done(self) -> tuple[Attempt, T]:
        failures: dict[Attempt, UpstreamError | InvalidRequest] = {}
        waiting = set(self._tasks)
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in (task for task in done if not task.cancelled()):
                one = self._tasks[task]
                try:
                    outcome = task.result()
                except (UpstreamError, InvalidRequest) as error:
                    failures[one] = error
                    continue
                self._note(failures, but=None)
                self.wins(one)
                return one, outcome
        self.failed = self.winner if self.winner in failures else next(iter(self._tasks.values()))
        self._note(failures, but=self.failed)
        raise failures[self.failed]

    def _note(self, failures: Mapping[Attempt, UpstreamError | InvalidRequest], but: Attempt | None) -> None:
        for one, error in failures.items():
            if one is not but:
                self._noted(one, error)


async def _made(attempt: Callable[[Attempt], Awaitable[T]], one: Attempt) -> T:
    """The attempt, which is not begun where it is let go before its task runs."""
    return await attempt(one)
