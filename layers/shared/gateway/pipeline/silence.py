"""Asks another target beside one that has taken a request and stays silent: the first to have content serves.

A silent target is told to other requests as one that timed out is, so that they pass it by, while its own request goes
on waiting: it may yet answer. Unlike hedging this needs no learned times, and is bounded by a count for each target.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, Generic, TypeVar

from msgspec import Struct

from gateway.canonical.chat_models import ChatModel
from gateway.errors import InvalidRequest, UpstreamError, UpstreamTimeout
from gateway.pipeline.context import HEDGED, Attempt
from gateway.pipeline.hedging import Noted, Request, counted_loss
from gateway.pipeline.routes import Routes
from gateway.ports.clock import Clock
from gateway.routing.health import place_of, target_name
from gateway.routing.order import first_token_ms
from gateway.routing.plan import Candidate

# A target is silent after so many times what the catalog's figures of it let expect.
TIMES = 3
# How fast a slow target reads a prompt.
READ_TOKENS_PER_S = 5_000
# Where the catalog has no figures by which the time of an answer is known.
UNKNOWN_S = 120.0
# The most targets asked beside one silent target, in one process, within so many seconds.
RESCUES_MAX, RESCUES_S = 32, 60.0
SILENT = "The provider has not begun to answer in time."

T = TypeVar("T")


def silent_after_s(context: Request, candidate: Candidate[Any]) -> float:
    """The seconds without a byte that say something against a target, by the catalog's figures of it.

    A whole answer sends nothing until it is written, which takes the longer the more it may be. What reads or makes
    sound and pictures has no figures.
    """
    target, meter = candidate.target, context.meter
    if not isinstance(candidate.model, ChatModel):
        return UNKNOWN_S
    if context.request.stream and context.operation.streams(context.request, candidate):
        read_s = meter.estimate(0, None).prompt / READ_TOKENS_PER_S
        return TIMES * (first_token_ms(candidate) / 1000 + read_s)
    if not target.latency_ms or not target.throughput_tps:
        return UNKNOWN_S
    tokens = meter.tokens.likely if meter.open_output is None else meter.open_output.most_units
    return TIMES * (target.latency_ms / 1000 + tokens / target.throughput_tps)


class Watch(Struct):
    """One attempt that is made in the request's own task, and the candidates that may be asked beside it."""

    context: Request
    tried: Attempt
    attempt: Callable[[Attempt], Awaitable[Any]]
    others: tuple[Candidate[Any], ...]
    task: asyncio.Task[Any]


class Silences:
    """Judges which targets are silent, and begins the attempts beside them."""

    def __init__(self, routes: Routes, clock: Clock, noted: Callable[..., None]) -> None:
        self._routes = routes
        self._clock = clock
        self._noted = noted
        self._begun_s: dict[str, deque[float]] = {}

    def suspect(self, watch: Watch, waited_s: float) -> None:
        """Judges a target that has sent nothing for so long, now or when its figures say so."""
        context, tried = watch.context, watch.tried
        left_s = silent_after_s(context, tried.candidate) - waited_s
        if left_s > 0:
            later = asyncio.get_running_loop().call_later(left_s, self.suspect, watch, waited_s + left_s)
            tried.silence = later
            return
        if tried.credential is None:
            return
        name = target_name(tried.candidate.target.provider, tried.credential, place_of(tried.candidate.target))
        self._routes.failed(context, tried, UpstreamTimeout(SILENT))
        if tried.candidate.own is None and context.continued is None and self._is_allowed(name):
            tried.race = tried.rescue = Rescue[Any](tried, watch.task, partial(self._noted, context))
            tried.rescue.begin(watch.attempt, partial(self._next, context, tried, iter(watch.others)))

    async def _next(self, context: Request, tried: Attempt, others: Iterator[Candidate[Any]]) -> Attempt | None:
        """The attempt at the next candidate that is well, and that costs no account's own key."""
        candidate = await self._routes.first_well(context, (each for each in others if each.own is None))
        if candidate is None:
            return None
        second = context.try_on(candidate)
        second.begun_s, second.beside, second.patience = self._clock.monotonic_s(), True, tried.patience
        return second

    def _is_allowed(self, name: str) -> bool:
        now_s, begun_s = self._clock.monotonic_s(), self._begun_s.setdefault(name, deque(maxlen=RESCUES_MAX))
        if len(begun_s) == RESCUES_MAX and now_s - begun_s[0] < RESCUES_S:
            return False
        begun_s.append(now_s)
        return True


class Rescue(Generic[T]):
    """An attempt in the request's own task, and others beside it in turn. The first that has content wins."""

    def __init__(self, first: Attempt, task: asyncio.Task[Any], noted: Noted) -> None:
        self._first = first
        self._task = task
        self._noted = noted
        self._cancelling = task.cancelling()
        self._first_runs = True
        self._beside: asyncio.Task[tuple[Attempt, T] | None] | None = None
        self._second: Attempt | None = None
        self.winner: Attempt | None = None
        # The attempt whose failure was raised.
        self.failed: Attempt | None = None

    @property
    def losers(self) -> list[Attempt]:
        """The attempts that were let go."""
        return [each for each in (self._first, self._second) if each is not None and each.outcome == HEDGED]

    def begin(
        self, attempt: Callable[[Attempt], Awaitable[T]], following: Callable[[], Awaitable[Attempt | None]]
    ) -> None:
        """Begins to ask the others."""
        self._beside = asyncio.ensure_future(self._ask_others(attempt, following))

    def wins(self, attempt: Attempt) -> None:
        """Has the attempt serve, and lets the other one go before it can do anything more."""
        if self.winner is not None:
            return
        self.winner = attempt
        if attempt is not self._first and self._first_runs:
            self._first.outcome = HEDGED
            self._task.cancel()
        elif attempt is self._first and self._beside is not None and not self._beside.done():
            if self._second is not None:
                self._second.outcome = self._second.outcome or HEDGED
            self._beside.cancel()

    async def ended(self, error: BaseException) -> tuple[Attempt, T]:
        """The outcome of the one beside, once the first one has failed or was let go.

        Raises the failure of the one that had content, or else the first one's.
        """
        self._first_runs = False
        overtaken = self.winner is not None and self.winner is not self._first
        if overtaken:
            # The request may have been cancelled itself, too.
            if self._task.uncancel() > self._cancelling:
                raise error
        elif isinstance(error, asyncio.CancelledError) or self.winner is not None or self._beside is None:
            self.failed = self._first
            raise error
        beside: Any = self._beside
        try:
            served: tuple[Attempt, T] | None = await beside
        except (UpstreamError, InvalidRequest):
            self.failed = self._second
            self._note_first(error)
            raise
        if served is None:
            self.failed = self._first
            raise error
        self._note_first(error)
        return served

    async def close(self, context: Request) -> None:
        """Ends what is still asked, and counts what those that were let go cost the operator: at the least a prompt."""
        for loser in self.losers:
            counted_loss(context, loser, context.meter.estimate(0, None))
        if self._beside is not None:
            self._beside.cancel()
            await asyncio.gather(self._beside, return_exceptions=True)

    async def _ask_others(
        self, attempt: Callable[[Attempt], Awaitable[T]], following: Callable[[], Awaitable[Attempt | None]]
    ) -> tuple[Attempt, T] | None:
        while (second := await following()) is not None:
            self._second, second.race = second, self
            try:
                outcome = await attempt(second)
            except (UpstreamError, InvalidRequest) as error:
                if self.winner is second:
                    raise
                self._noted(second, error)
                continue
            self.wins(second)
            return second, outcome
        return None

    def _note_first(self, error: BaseException) -> None:
        if isinstance(error, UpstreamError | InvalidRequest) and self._first.outcome != HEDGED:
            self._noted(self._first, error)
