"""Takes an admitted request to its first success: retry and failover over candidates and their credentials.

A candidate's failure is noted where other requests learn of it (`Health`), and what the caller is told of it stays in
the request's context. Nothing is repeated once content was delivered: another candidate may only go on with it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from math import ceil
from random import SystemRandom
from typing import TYPE_CHECKING, Any, TypeVar, cast

from gateway.canonical.money import NanoUsd
from gateway.canonical.tries import SERVED
from gateway.canonical.usage import Usage
from gateway.errors import (
    UNFORESEEN,
    CredentialRefused,
    GatewayError,
    InvalidRequest,
    NotConfigured,
    ProviderKeyRefused,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamTimeout,
)
from gateway.logs.metrics import Metric, measure
from gateway.pipeline.beside import begun, together
from gateway.pipeline.context import Attempt, RequestContext
from gateway.pipeline.health import Health
from gateway.pipeline.operation import A, ProviderCall, R
from gateway.pipeline.provider_client import ProviderClient, whole
from gateway.pipeline.routes import Routes
from gateway.pipeline.stream import Lanes, Relay
from gateway.ports.clock import Clock
from gateway.ports.upstream import UpstreamResponse
from gateway.routing.plan import Candidate

if TYPE_CHECKING:
    from gateway.pipeline.hedging import HedgeRules, Hedging
    from gateway.pipeline.silence import Silences

BACKOFF_S = 0.02
# The parts of one attempt that are asked at the same time: as many connections, and answers in memory.
AT_ONCE = 8
# The time in which a probe has to show content, or the whole answer, while a healthy candidate waits behind it.
PROBE_STREAM_S, PROBE_ANSWER_S = 20.0, 60.0
# The time without a byte after which a target's figures are looked at: it may be silent. A probe's is shorter, since
# there was trouble before, and there is one of them for each cooldown.
SUSPECT_S, PROBE_SUSPECT_S = 20.0, 5.0
JITTER = SystemRandom()
OVERDUE, LATE = "overdue", "late"
LEFT_ALONE = "The provider is over its limit, and has asked for a pause that is not over yet."
PROBE_LATE = "The provider, after failures, did not answer in time."

T = TypeVar("T")


class Attempts:
    """Asks providers, one attempt after the other, until one has served."""

    def __init__(
        self, providers: ProviderClient, health: Health, clock: Clock, hedging: HedgeRules | None = None
    ) -> None:
        self._providers = providers
        self._health = health
        self._clock = clock
        self._routes = Routes(providers, health, Health(clock))
        self._hedging = None if hedging is None else _hedging(hedging, health)
        self._silences: Silences | None = None

    def prepare(self, context: RequestContext[R, A]) -> None:
        """Begins what goes on beside the admission: the connection, and what completes the request."""
        self._reorder(context)
        context.warming = begun(self._warm(context))
        self._recall(context, context.plan.candidates[0])

    def resume(self, context: RequestContext[R, A]) -> None:
        """Begins what is left to a request that another process has admitted; its attempt follows at once."""
        self._reorder(context)
        self._recall(context, context.plan.candidates[0])

    def _reorder(self, context: RequestContext[R, A]) -> None:
        """Begins to order the candidates by how they do, where not all are well."""
        self._health.refresh()
        if not self._routes.all_well(context):
            context.ordering = begun(self._routes.in_order(context))

    async def first_success(
        self,
        context: RequestContext[R, A],
        attempt: Callable[[Attempt], Awaitable[T]],
        lanes: Lanes[A] | None = None,
    ) -> T:
        """The first attempt that works out, over the plan's candidates; nothing is repeated once content was delivered.

        Candidates take turns while tries are left. One whose provider names a time to wait, has no credentials, or
        answered 200 with an error or with what cannot be read, has no further turn, nor has another one under the same
        quota; a stream that broke before its first content, or brought nothing at all, is made again. Where a
        credential was refused or limited, the provider's next one has the turn. The caller is told of the last failure
        of a provider: that a later one cannot take the request is not the caller's mistake.
        """
        waiting, tries_left = deque(await self._candidates(context)), context.plan.tries
        failed: tuple[UpstreamError, Candidate[Any]] | None = None
        while waiting and tries_left:
            candidate = waiting.popleft()
            if await self._is_left_out(context, candidate):
                continue
            if failed is not None:
                await asyncio.sleep(JITTER.uniform(0, BACKOFF_S * 2 ** len(context.failures)))
            tried = context.try_on(candidate)
            try:
                return self._served(context, *await self._bounded(context, tried, attempt, waiting))
            except (UpstreamError, InvalidRequest) as error:
                self._note(context, at_fault(tried), error)
                none_asked = failed is None or isinstance(failed[0], NotConfigured)
                if (none_asked and isinstance(error, InvalidRequest)) or not _may_go_on(context, lanes, tried):
                    raise
                if isinstance(error, UpstreamError) and not (failed and isinstance(error, NotConfigured)):
                    failed = error, candidate
                if await self._routes.has_another(context, tried, error):
                    waiting.appendleft(candidate)
                    continue
                tries_left -= not isinstance(error, NotConfigured)
                if not _final_here(error) and error is not context.said_once:
                    waiting.append(candidate)
        if failed is None:
            raise self._left_alone(context)
        context.fail_with(*failed)
        raise failed[0]

    async def _is_left_out(self, context: RequestContext[R, A], candidate: Candidate[Any]) -> bool:
        """True for a candidate that cannot go on with an answer, or whose provider has asked to be left alone."""
        if not context.may_ask(candidate):
            return True
        if await self._routes.is_spent(context, candidate):
            context.pass_over(candidate)
            return True
        left_s = 0.0 if context.ordering is None else await self._routes.left_s(context, candidate)
        if not left_s:
            return False
        context.pass_over(candidate)
        context.left_s = min(left_s, context.left_s or left_s)
        return True

    def _left_alone(self, context: RequestContext[R, A]) -> GatewayError:
        """The failure of a request that could ask none of its candidates."""
        if not context.left_s:
            return GatewayError(UNFORESEEN)
        failure = UpstreamOverloaded(LEFT_ALONE, retry_after_s=ceil(context.left_s))
        context.fail_with(failure, context.plan.candidates[0])
        return failure

    async def _candidates(self, context: RequestContext[R, A]) -> Sequence[Candidate[Any]]:
        return context.plan.candidates if context.ordering is None else await context.ordering

    async def _bounded(
        self,
        context: RequestContext[R, A],
        tried: Attempt,
        attempt: Callable[[Attempt], Awaitable[T]],
        waiting: Collection[Candidate[Any]],
    ) -> tuple[Attempt, T]:
        """The attempt; a probe has little time until its first content, since a healthy candidate waits behind it."""
        if tried.candidate is not context.probe:
            return await self._hedged(context, tried, attempt, waiting)
        context.probe = None
        tried.patience = patience = asyncio.timeout(PROBE_STREAM_S if context.request.stream else PROBE_ANSWER_S)
        try:
            async with patience:
                return await self._hedged(context, tried, attempt, waiting)
        except TimeoutError:
            if not patience.expired():
                raise
            raise UpstreamTimeout(PROBE_LATE) from None

    async def _hedged(
        self,
        context: RequestContext[R, A],
        tried: Attempt,
        attempt: Callable[[Attempt], Awaitable[T]],
        waiting: Collection[Candidate[Any]],
    ) -> tuple[Attempt, T]:
        """The attempt, or the one that is begun beside it where it is late: the first that has content goes on."""
        if self._hedging is None:
            return await self._watched(context, tried, attempt, waiting)
        tried.begun_s = self._clock.monotonic_s()
        late_s = self._hedging.late_s(context, tried.candidate)
        if context.continued is not None:
            late_s = None
        beside = None if late_s is None else await self._routes.first_well(context, waiting)
        if late_s is None or beside is None or not self._hedging.may_start(context, beside):
            return await self._watched(context, tried, attempt, waiting)
        from gateway.pipeline.hedging import Race  # noqa: PLC0415  # loaded where the deployment hedges

        race = Race[T](partial(self._note, context))
        winner, outcome = await race.run(tried, attempt, late_s, partial(self._second, context, beside))
        measured = None if context.request.stream else context.operation.measure(cast("A", outcome))[0]
        for loser in race.losers:
            self._hedging.lost(context, loser, context.meter.estimate(0, measured))
        if tried in race.losers:
            self._routes.failed(context, tried, UpstreamError(LATE))
        return winner, outcome

    async def _watched(
        self,
        context: RequestContext[R, A],
        tried: Attempt,
        attempt: Callable[[Attempt], Awaitable[T]],
        waiting: Collection[Candidate[Any]],
    ) -> tuple[Attempt, T]:
        """The attempt, or one that is begun beside it where its target has taken the request and stays silent."""
        if not waiting:
            return tried, await attempt(tried)
        after_s = SUSPECT_S if tried.patience is None else PROBE_SUSPECT_S
        watch = asyncio.current_task(), attempt, waiting
        tried.silence = asyncio.get_running_loop().call_later(after_s, self._suspect, context, tried, watch, after_s)
        try:
            outcome = await attempt(tried)
            if tried.rescue is not None:
                tried.rescue.wins(tried)
        except (UpstreamError, InvalidRequest, asyncio.CancelledError) as error:
            if tried.rescue is None:
                raise
            return await tried.rescue.ended(error)
        else:
            return tried, outcome
        finally:
            tried.silence.cancel()
            if tried.rescue is not None:
                await tried.rescue.close(context)

    def _suspect(self, context: RequestContext[R, A], tried: Attempt, watch: Any, waited_s: float) -> None:
        """Has a target judged that has sent nothing for a while."""
        from gateway.pipeline.silence import Silences, Watch  # noqa: PLC0415  # loaded where a target is silent

        task, attempt, waiting = watch
        if self._silences is None:
            self._silences = Silences(self._routes, self._clock, self._note)
        self._silences.suspect(Watch(context, tried, attempt, tuple(waiting), task), waited_s)

    def _second(self, context: RequestContext[R, A], candidate: Candidate[Any]) -> Attempt | None:
        if self._hedging is None or not self._hedging.may_start(context, candidate):
            return None
        second = context.try_on(candidate)
        second.begun_s, second.beside = self._clock.monotonic_s(), True
        return second

    def billed(self, nanousd: NanoUsd) -> None:
        """Notes what a customer has paid: a share of it may be spent on attempts that lose."""
        if self._hedging is not None:
            self._hedging.billed(nanousd)

    def _note(self, context: RequestContext[R, A], tried: Attempt, error: UpstreamError | InvalidRequest) -> None:
        """Notes what came of an attempt, but not the error's message: a provider may quote the prompt."""
        tried.outcome = f"{error.status} {error.code or error.type}"
        context.failures.append(f"{tried.candidate.target.provider}: {tried.outcome}")
        if isinstance(error, UpstreamError):
            self._routes.failed(context, tried, error)

    def overdue(self, context: RequestContext[R, A]) -> None:
        """Notes that the request's time is over while an attempt waits for its provider."""
        for attempt in context.attempts:
            if not attempt.outcome:
                attempt.outcome = OVERDUE
                self._routes.failed(context, attempt, UpstreamError(OVERDUE))

    def _served(self, context: RequestContext[R, A], tried: Attempt, outcome: T) -> T:
        if self._hedging is not None and not context.request.stream:
            self._hedging.learn(context, tried.candidate, self._clock.monotonic_s() - tried.begun_s)
        tried.outcome, context.served_by = SERVED, tried.candidate
        self._routes.served(tried, whole=True)
        return outcome

    async def ask(self, context: RequestContext[R, A], attempt: Attempt) -> A:
        """One attempt at a whole answer. Its parts are asked side by side, and one that fails twice ends them all."""
        operation = context.operation
        parts = operation.parts(context.request, attempt.candidate)
        ask = self._ask_part if len(parts) == 1 else self._ask_part_twice
        bodies = await together([partial(ask, context, attempt, part) for part in parts], AT_ONCE)
        return _decoded(context, attempt.candidate, bodies)

    async def _ask_part_twice(self, context: RequestContext[R, A], attempt: Attempt, part: R) -> bytes:
        """One of several parts: a failure that may pass costs the others nothing, of which there may be hundreds."""
        try:
            return await self._ask_part(context, attempt, part)
        except UpstreamError as error:
            if _final_here(error):
                raise
        await asyncio.sleep(JITTER.uniform(0, BACKOFF_S))
        return await self._ask_part(context, attempt, part)

    async def _ask_part(self, context: RequestContext[R, A], attempt: Attempt, part: R) -> bytes:
        response, call = await self._send(context, attempt, part, stream=False)
        try:
            return await call.read(response)
        finally:
            await response.aclose()

    async def pump(self, context: RequestContext[R, A], lanes: Lanes[A], attempt: Attempt) -> None:
        """One stream attempt, from the provider's first byte to its last, on a relay of its own beside another one."""
        relay = lanes.another() if attempt.beside else lanes.relay
        try:
            await self._pump(context, lanes, relay, attempt)
        finally:
            if relay is not lanes.relay:
                await relay.let_go()

    async def _pump(self, context: RequestContext[R, A], lanes: Lanes[A], relay: Relay[A], attempt: Attempt) -> None:
        begins = partial(self._begins, context, lanes, relay, attempt)
        if not context.operation.streams(context.request, attempt.candidate):
            await relay.replay(await self.ask(context, attempt), attempt.candidate, begins)
            return
        request = context.request if context.continued is None else context.continued.asked.request
        response, _ = await self._send(context, attempt, request, stream=True)
        body = await relay.pump(response, attempt.candidate, begins)
        if body is not None:
            await relay.replay(_decoded(context, attempt.candidate, [body]), attempt.candidate, begins)

    def _begins(self, context: RequestContext[R, A], lanes: Lanes[A], relay: Relay[A], attempt: Attempt) -> None:
        """Notes that the attempt has its first content: it is the one that serves."""
        if attempt.race is not None:
            attempt.race.wins(attempt)
        if self._hedging is not None:
            self._hedging.learn(context, attempt.candidate, self._clock.monotonic_s() - attempt.begun_s)
        if context.continued is not None:
            context.continued.parts.append(attempt)
            _count_prompt(context, attempt, relay.delivered_bytes)
        attempt.outcome, context.served_by, lanes.relay = SERVED, attempt.candidate, relay
        if attempt.patience is not None:
            attempt.patience.reschedule(None)
        self._routes.served(attempt, whole=False)
        relay.announce(context.headers())

    async def _send(
        self, context: RequestContext[R, A], attempt: Attempt, request: R, *, stream: bool
    ) -> tuple[UpstreamResponse, ProviderCall]:
        """Sends the completed request to one candidate; once more amended, where the provider's refusal allows it."""
        candidate = attempt.candidate
        if context.recalling is None:
            self._recall(context, candidate)
        if context.recalling is not None:
            request = (await context.recalling)(request, candidate)
        try:
            return await self._call(context, attempt, request, stream=stream)
        except InvalidRequest as refusal:
            amended = context.operation.amended(request, refusal)
            if amended is None:
                raise
        return await self._call(context, attempt, amended, stream=stream)

    async def _call(
        self, context: RequestContext[R, A], attempt: Attempt, request: R, *, stream: bool
    ) -> tuple[UpstreamResponse, ProviderCall]:
        """One request to one candidate; raises what the provider's refusal means."""
        if context.warming is not None and not context.warming.done():
            await asyncio.wait({context.warming})
        candidate = attempt.candidate
        if context.unheld:
            await context.hold_for(candidate)
        credential = attempt.credential = await self._routes.credential(context, candidate)
        write = partial(context.operation.call, request, candidate, credential, self._clock.now_s(), stream=stream)
        call: ProviderCall = write() if context.apart is None else await context.apart(write)
        response = await self._providers.send(call.request)
        if attempt.silence is not None:
            attempt.silence.cancel()
        if response.status in call.accepted:
            return response, call
        body = await whole(response)
        error = call.decode_error(response.status, response.headers, body)
        if candidate.own is not None and isinstance(error, CredentialRefused):
            raise ProviderKeyRefused(candidate.target.provider)
        raise error

    def _recall(self, context: RequestContext[R, A], candidate: Candidate[Any]) -> None:
        """Begins to look up what completes the request for a candidate: for the first one, beside the admission."""
        found = context.operation.recall(context.account_id, context.request, candidate)
        if found is not None:
            context.recalling = begun(found)

    async def _warm(self, context: RequestContext[R, A]) -> None:
        """Opens a connection to the provider beside the admission; a failure here shows again at `_call`."""
        candidate = (await self._candidates(context))[0]
        try:
            credential = await self._routes.credential(context, candidate)
            origin = context.operation.origin(candidate, credential)
        except GatewayError:
            return
        await self._providers.warm(origin)


def _hedging(rules: HedgeRules, health: Health) -> Hedging:
    from gateway.pipeline.hedging import Hedging  # noqa: PLC0415  # loaded where the deployment hedges

    return Hedging(rules, health)


def at_fault(tried: Attempt) -> Attempt:
    """The attempt whose failure was raised: another one may have been begun beside it, and have had content."""
    return tried if tried.race is None or tried.race.failed is None else tried.race.failed


def _may_go_on(context: RequestContext[R, A], lanes: Lanes[A] | None, tried: Attempt) -> bool:
    """True while nothing was delivered, or where the caller wants another candidate to go on with what was."""
    if lanes is None or not lanes.relay.delivered:
        return True
    relay = lanes.relay
    asked = relay.go_on(context.meter.estimate(relay.delivered_bytes, relay.usage, relay.uses))
    if asked is not None:
        context.go_on(at_fault(tried), asked)
    return asked is not None


def _count_prompt(context: RequestContext[R, A], attempt: Attempt, delivered_bytes: int) -> None:
    """Counts what the prompt of a continuation costs: the operator pays it, since the customer has paid the first."""
    read = context.meter.estimate(delivered_bytes, None)
    nanousd = context.meter.cost(attempt.candidate, Usage(input=read.prompt + read.output)).nanousd
    measure({Metric.CONTINUATIONS: 1, Metric.CONTINUATIONS_NANOUSD: nanousd})


def _decoded(context: RequestContext[R, A], candidate: Candidate[Any], bodies: Sequence[bytes]) -> A:
    """The whole answer that a status of 200 came with.

    Raises the error that stands in its place. It is asked about once: it has been said, and may have been billed. Only
    one that tells of load or of time is worth another turn, as under its own status.
    """
    try:
        return context.operation.decode_answer(context.request, candidate, bodies, context.stamp.answer_id)
    except (UpstreamOverloaded, UpstreamTimeout):
        raise
    except UpstreamError as error:
        context.said_once = error
        raise


def _final_here(error: UpstreamError | InvalidRequest) -> bool:
    """True if the same candidate would fail again at once; a wait of no seconds is none."""
    return isinstance(error, InvalidRequest) or not error.retryable or bool(error.retry_after_s)
