"""Answers a request from the cache, or keeps the answer that it gets.

A look-up runs beside the admission. Of equal requests at once, in any process, one claims the answer's name and asks a
provider; the others wait for its answer. The claim is a lease that its request prolongs, so that a death frees it, and
an answer that may not be kept sends those who wait on by themselves. Without the store, requests go on as without a
cache. docs/adr/0049-answer-cache.md goes through the cases.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic

from msgspec import Struct
from msgspec.structs import replace

from gateway.errors import ServiceUnavailable
from gateway.pipeline.beside import begun
from gateway.pipeline.context import RequestContext
from gateway.pipeline.operation import A, Cacheable, StreamMeter
from gateway.ports.answers import AnswerName, CacheCounts, CachedAnswer, CachedAnswers, Running
from gateway.ports.clock import Clock
from gateway.ports.keys import SEMANTIC
from gateway.routing.plan import Candidate

if TYPE_CHECKING:
    from gateway.pipeline.meaning import Asked, Meanings

LEASE_S = 15.0
# Those who wait for an answer that may not be kept, or has failed, ask by themselves; so do all that follow so soon.
ALONE_S = 5.0
LOOK_WITHIN_S = 1.0
KEEP_WITHIN_S = 2.0
PAUSE_S, PAUSE_S_MAX = 0.05, 0.5
# An attempt's outcome where no provider was asked.
CACHED = "cached"

log = logging.getLogger(__name__)


class Hit(Struct, Generic[A], frozen=True):
    """A kept answer, and the candidate of the plan that once made it."""

    answer: A
    candidate: Candidate[Any]
    age_s: float
    kind: str = "exact"


class AnswerCache:
    """The cache of one deployment."""

    def __init__(self, answers: CachedAnswers, clock: Clock, meanings: Callable[[], Meanings] | None = None) -> None:
        """`meanings` is asked for by the first request whose key wants other wordings answered."""
        self._answers = answers
        self._clock = clock
        self._meanings = meanings

    def caching(self, context: RequestContext[Any, A], cacheable: Cacheable[A]) -> Caching[A]:
        """Begins to look for the request's answer."""
        asked: Asked | None = None
        if self._meanings is not None and cacheable.wording is not None:
            from gateway.pipeline.meaning import Asked  # noqa: PLC0415  # loaded with the semantic cache

            asked = Asked(self._meanings(), context, cacheable.wording)
        return Caching(self._answers, self._clock, context, cacheable, asked)


class Caching(Generic[A]):
    """One request and the cache."""

    def __init__(
        self,
        answers: CachedAnswers,
        clock: Clock,
        context: RequestContext[Any, A],
        cacheable: Cacheable[A],
        asked: Asked | None = None,
    ) -> None:
        self._answers = answers
        self._clock = clock
        self._context = context
        self.cacheable = cacheable
        self._asked = asked
        # A hit is paid as the request was planned, not as its hold has bounded it.
        self._meter = context.meter
        self._candidates = context.plan.candidates
        self._name = self._named(self._candidates[0])
        self._claimed = False
        self._beat: asyncio.Task[None] | None = None
        self._looking = begun(self._look())

    async def answer(self) -> A | None:
        """The kept answer, which is then what serves the request; `None` where a provider has to be asked.

        Waits for the answer of an equal request that is running.
        """
        found = await self._looking
        pause_s = PAUSE_S
        while isinstance(found, Running) and not found.is_alone:
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.5, PAUSE_S_MAX)
            found = await self._look_again()
        hit = self._hit(found) if isinstance(found, CachedAnswer) else None
        if hit is None:
            hit = await self._by_meaning()
        context, meter = self._context, self.cacheable.priced(self._meter)
        if hit is None or not await self._is_paid(hit, meter):
            return None
        context.drop_preparations()
        context.hit = hit
        context.try_on(hit.candidate).outcome = CACHED
        context.meter = meter
        if context.open_hold is not None:
            context.open_hold.meter, context.open_hold.cache = meter, hit.kind
        return hit.answer

    async def _is_paid(self, hit: Hit[A], meter: StreamMeter) -> bool:
        """True if the hold pays for the hit, which may first have to be raised: a long answer is kept whole, and a hold
        for the account's own provider keys is for their fee alone.
        """
        open_hold, usage = self._context.open_hold, self.cacheable.usage_of(hit.answer)
        if open_hold is None or usage is None:
            return True
        with suppress(ServiceUnavailable):
            return await open_hold.pays(meter.cost(hit.candidate, meter.bounded(hit.candidate, usage)).nanousd)
        return False

    async def _by_meaning(self) -> Hit[A] | None:
        """The answer to another wording of the question."""
        name = None if self._asked is None or not self.cacheable.control.reads else await self._asked.answer_name()
        if name is None:
            return None
        with suppress(ServiceUnavailable, TimeoutError):
            async with asyncio.timeout(LOOK_WITHIN_S):
                kept = await self._answers.find(AnswerName(self._context.account_id, name), self._clock.now_s())
                hit = self._hit(kept) if isinstance(kept, CachedAnswer) else None
                return None if hit is None else replace(hit, kind=SEMANTIC)
        return None

    async def settle(self, answer: A | None) -> None:
        """Keeps the answer that has served, and counts the request; runs beside the end of its hold."""
        steps: list[Coroutine[Any, Any, None]] = [self._count()]
        hit = self._context.hit
        if hit is None:
            steps.append(self._keep(answer))
        elif self._asked is not None and hit.kind == SEMANTIC:
            self._asked.check(self.cacheable.text_of(hit.answer), hit.candidate, self.cacheable.text_of)
        for failure in await asyncio.gather(*map(_within, steps), return_exceptions=True):
            if isinstance(failure, BaseException):
                log.warning("a cached answer was not kept or counted", exc_info=failure)

    async def close(self) -> None:
        """Ends what is left of the claim. Of a request that has failed, those who wait ask by themselves; where its
        caller has left, one of them takes its place.
        """
        self._looking.cancel()
        if self._asked is not None:
            self._asked.close()
        if self._beat is not None:
            self._beat.cancel()
        if not self._claimed:
            return
        self._claimed = False
        context = self._context
        # A stream that has failed has an error; without one its caller has left, also after attempts that failed.
        failed = context.error is not None or (bool(context.failures) and not context.request.stream)
        await asyncio.shield(begun(self._freed(alone=failed or context.complete)))

    def _named(self, candidate: Candidate[Any]) -> AnswerName:
        return AnswerName(self._context.account_id, self.cacheable.name_for(candidate.model.id))

    async def _look(self) -> CachedAnswer | Running | None:
        """The first look; claims what is not there."""
        if not self.cacheable.control.reads:
            return None
        try:
            async with asyncio.timeout(LOOK_WITHIN_S):
                return await self._found_or_claimed(sure=False)
        except (TimeoutError, ServiceUnavailable):
            log.warning("the cache of answers cannot be read")
            return None

    async def _look_again(self) -> CachedAnswer | Running | None:
        with suppress(ServiceUnavailable):
            return await self._found_or_claimed(sure=True)
        return None

    async def _found_or_claimed(self, *, sure: bool) -> CachedAnswer | Running | None:
        """Finds what stands under the name, or claims a name that is free or whose lease is over."""
        now_s = self._clock.now_s()
        found = await self._answers.find(self._name, now_s, sure=sure)
        is_over = isinstance(found, Running) and found.lease_until_s <= now_s
        return await self._claim() if found is None or is_over else found

    async def _claim(self) -> CachedAnswer | Running | None:
        if not self.cacheable.control.keeps:
            return None
        # A claim whose answer is lost may stand, and is freed with the request.
        self._claimed = True
        found = await self._answers.claim(self._name, self._lease(), self._clock.now_s())
        self._claimed = found is None
        if found is None:
            self._beat = asyncio.create_task(self._prolong())
        return found

    def _lease(self) -> Running:
        return Running(self._context.hold_id, self._clock.now_s() + LEASE_S)

    async def _prolong(self) -> None:
        """Keeps the claim while the request runs."""
        while self._clock.now_s() < self._context.inbound.deadline_s:
            await asyncio.sleep(LEASE_S / 3)
            with suppress(ServiceUnavailable):
                if not await self._answers.prolong(self._name, self._lease()):
                    return

    def _hit(self, found: CachedAnswer) -> Hit[A] | None:
        """The answer, if it is young enough, and its target is one that may serve the request."""
        age_s = max(0.0, self._clock.now_s() - found.kept_at_s)
        if not self.cacheable.control.takes(age_s):
            return None
        read = self.cacheable.read(found.content, self._candidates)
        return None if read is None else Hit(read[0], read[1], age_s)

    async def _keep(self, answer: A | None) -> None:
        context, control = self._context, self.cacheable.control
        content, served_by = None, context.served_by
        if answer is not None and served_by is not None and context.complete and context.continued is None:
            content = self.cacheable.written(answer, served_by, context.delivered_bytes)
        if content is None or served_by is None or not control.keeps:
            return
        now_s, name = self._clock.now_s(), self._named(served_by)
        kept = CachedAnswer(content, now_s, int(now_s) + control.keep_s)
        if self._claimed and name == self._name:
            await self._answers.keep(name, kept, claimed_by=context.hold_id)
            self._claimed = False
        else:
            await self._answers.keep(name, kept)
        if self._asked is not None:
            await self._asked.keep(served_by.model.id, name.digest, kept.expires_at_s)

    async def _count(self) -> None:
        context = self._context
        hit, usage = context.hit, context.usage
        counts = CacheCounts(misses=1)
        if hit is not None and usage is not None:
            usage = context.meter.bounded(hit.candidate, usage)
            paid = context.meter.cost(hit.candidate, usage).nanousd
            saved = self._meter.cost(hit.candidate, usage).nanousd - paid
            counts = CacheCounts(1, 0, saved, usage.prompt, usage.output)
        day = datetime.fromtimestamp(self._clock.now_s(), UTC).strftime("%Y%m%d")
        await self._answers.count(context.account_id, day, counts)

    async def _freed(self, *, alone: bool) -> None:
        until_s = self._clock.now_s() + ALONE_S if alone else None
        with suppress(ServiceUnavailable, TimeoutError):
            async with asyncio.timeout(KEEP_WITHIN_S):
                await self._answers.free(self._name, self._context.hold_id, alone_until_s=until_s)


async def _within(step: Coroutine[Any, Any, None]) -> None:
    """Gives a step up that takes too long: the caller waits for it."""
    async with asyncio.timeout(KEEP_WITHIN_S):
        await step
