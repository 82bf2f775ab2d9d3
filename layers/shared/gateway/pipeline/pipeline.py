"""Runs operations: open (decode, plan) -> admit -> attempts -> close (settle). It knows no modality.

Retry and fallback are in `Attempts`, the commit rule in `Relay`, money in `admit` and `_close`, and nowhere else;
a job's further routes are tried by its own steps (`jobs/media`), which outlive the request. A request that was admitted
is always closed: settled for what was delivered, or released.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from gateway.auth.principal import Principal
from gateway.canonical.limits import SHARE
from gateway.canonical.money import Hold, Refusal
from gateway.canonical.response import Extension
from gateway.errors import UNFORESEEN, GatewayError, RequestTimeout
from gateway.ledger.hold_ids import hold_id_at
from gateway.pipeline.attempts import Attempts
from gateway.pipeline.charge import Bill, Billing, OpenHold
from gateway.pipeline.context import Overtaken, RequestContext
from gateway.pipeline.health import Health
from gateway.pipeline.holding import Billable, first_units
from gateway.pipeline.operation import A, InboundRequest, Operation, R, StreamMeter
from gateway.pipeline.provider_client import ProviderClient
from gateway.pipeline.stream import HoldExhausted, Lanes, Relay
from gateway.ports.clock import Clock
from gateway.ports.sink import CallerLeft, Sink
from gateway.routing.plan import Plan

if TYPE_CHECKING:
    # Loaded by requests that use the cache of answers.
    from gateway.pipeline.caching import AnswerCache

    # Loaded where the deployment hedges.
    from gateway.pipeline.hedging import HedgeRules

    # Loaded where the deployment learns routes.
    from gateway.pipeline.learned import LearnedRoutes

HOLD_GRACE_S = 60
# What admission, settling and keeping the answer may take beside the provider's time.
AROUND_S = 15.0
TIMED_OUT = "Request timed out after {:.0f} seconds. Use streaming (stream: true) for requests that may take this long."


class Limits(Struct, frozen=True):
    """Time limits in seconds. `stream_margin_s` is the part of the function's time that a stream leaves free."""

    non_stream_s: float
    stream_margin_s: float


class Pipeline:
    """Takes a request of any operation from its plan to its bill."""

    def __init__(
        self,
        *,
        providers: ProviderClient,
        billing: Billing,
        clock: Clock,
        limits: Limits,
        health: Health | None = None,
        hedging: HedgeRules | None = None,
        cache: Callable[[], AnswerCache] | None = None,
        routes: LearnedRoutes | None = None,
    ) -> None:
        self._attempts = Attempts(providers, health or Health(clock), clock, hedging)
        self._billing = billing
        self._clock = clock
        self._limits = limits
        self._cache = cache
        self._routes = routes

    def open(
        self, operation: Operation[R, A], inbound: InboundRequest, *, hold_id: str = "", entered_s: float = 0.0
    ) -> RequestContext[R, A]:
        """Decodes and plans; raises what is wrong with the request itself.

        A request that was opened by another process is given the hold and the time that it entered with.
        """
        request, plan, meter, unheld = _planned(operation, inbound, operation.decode(inbound))
        now_s = self._clock.now_s()
        return RequestContext(
            operation,
            inbound,
            request,
            plan,
            meter,
            hold_id or hold_id_at(now_s, secrets.randbits(40)),
            entered_s or now_s,
            unheld=unheld,
        )

    async def refuse_hopeless(self, principal: Principal) -> None:
        """Raises the refusal that the account's state already shows, before work that would be in vain."""
        await self._billing.refuse_hopeless(principal)

    def over_by_s(self, context: RequestContext[R, A]) -> float:
        """The time at which nothing of the request runs any more, in epoch seconds."""
        if context.request.stream:
            return context.inbound.deadline_s
        return min(context.inbound.deadline_s, context.entered_s + self._limits.non_stream_s + AROUND_S)

    async def admit(self, context: RequestContext[R, A], *, sent_here: bool = True) -> None:
        """Holds the worst case, all or nothing, while the connection to the provider is being made.

        Files that the request names are fetched first. Raises the last refusal before anything is sent. A request that
        another process will send (`resume`) needs neither connection nor look-up here.
        """
        if (fetched := context.operation.fetching(context.request)) is not None:
            await self._billing.refuse_hopeless(context.inbound.principal)
            await _complete(context, fetched)
        if sent_here:
            self._look_for(context)
            self._attempts.prepare(context)
        over_by_s = self.over_by_s(context) if sent_here else context.inbound.deadline_s
        outcome: OpenHold | Refusal | None = None
        try:
            outcome = await self._billing.admit(_billable(context, over_by_s), context.meter)
        finally:
            if not isinstance(outcome, OpenHold):
                await _done(context)
        context.window = outcome.window
        if isinstance(outcome, Refusal):
            context.drop_preparations()
            raise outcome.error()
        _open(context, outcome)

    def _look_for(self, context: RequestContext[R, A]) -> None:
        """Begins to look for a kept answer, where the request may be given one."""
        cacheable = None if self._cache is None else context.operation.caching(context.inbound, context.request)
        if self._cache is not None and cacheable is not None:
            context.caching = self._cache().caching(context, cacheable)

    async def resume(self, context: RequestContext[R, A], hold: Hold) -> None:
        """Goes on with a request that another process has admitted, under the hold that it was admitted with."""
        if (fetched := context.operation.fetching(context.request)) is not None:
            await _complete(context, fetched)
        self._attempts.resume(context)
        billable = _billable(context, context.inbound.deadline_s)
        if context.inbound.principal.key.has_provider_keys:
            # The keys by which it was admitted may be gone, and its hold was for them alone then.
            first = context.meter.worst_case(first_units(context.meter))
            context.unheld = context.unheld or first > hold.amount_nanousd
        _open(context, self._billing.resume(billable, context.meter, hold))

    async def answer(self, context: RequestContext[R, A]) -> bytes:
        """A whole answer in the caller's wire; past the contract's time the upstream is let go and nothing charged."""
        operation, attempts = context.operation, self._attempts
        try:
            async with asyncio.timeout(self._limits.non_stream_s):
                answer = await self._whole(context)
            context.usage, context.delivered_bytes, context.uses = operation.measure(answer)
            context.complete = True
            extension = await self._close_and_keep(context, operation.keep(context.account_id, answer), answer)
        except TimeoutError:
            attempts.overdue(context)
            raise RequestTimeout(TIMED_OUT.format(self._limits.non_stream_s)) from None
        finally:
            await self._close(context)
            await _done(context)
        return operation.encode_answer(context.request, answer, context.stamp, extension)

    async def _whole(self, context: RequestContext[R, A]) -> A:
        """The answer that was kept, or a provider's."""
        kept: A | None = None if context.caching is None else await context.caching.answer()
        if kept is not None:
            return kept
        return await self._attempts.first_success(context, partial(self._attempts.ask, context))

    async def stream(self, context: RequestContext[R, A], sink: Sink) -> None:
        """An answer as it comes. Raises only while nothing is committed; later a failure is the wire's error event.

        Where the sink raises `CallerLeft`, the provider is let go, and what was delivered is paid.
        """
        lanes = Lanes(partial(_relay, context, sink))
        try:
            with _in_the_wires_shape():
                ending = await self._run(context, lanes)
                answer = None if context.caching is None else context.caching.cacheable.streamed(lanes.relay)
                kept = lanes.relay.keep(context.account_id)
                last = ending(await self._close_and_keep(context, kept, answer))
                if context.before_end is not None:
                    await context.before_end(last)
                if last:
                    await sink.write(last)
        except GatewayError as error:
            context.error = error
            await self._close(context)
            if not sink.committed:
                # In the silence of these waits a keep-alive may commit the status: they come before the decision.
                await _done(context)
                await lanes.relay.let_go()
            said = lanes.relay.fail(error) if sink.committed else b""
            if not said:
                # Of a stream without a place for an error the caller sees that it is cut.
                raise
            await sink.write(said)
        finally:
            await self._close(context)
            await _done(context)
            await lanes.relay.let_go()

    async def _run(self, context: RequestContext[R, A], lanes: Lanes[A]) -> Callable[[Extension], bytes]:
        """Pumps the stream to its end and says how it is to be ended."""
        attempts = self._attempts
        remaining_s = context.inbound.deadline_s - self._clock.now_s() - self._limits.stream_margin_s
        try:
            async with asyncio.timeout(remaining_s):
                if not await _given_again(context, lanes.relay):
                    await attempts.first_success(context, partial(attempts.pump, context, lanes), lanes)
            context.complete = lanes.relay.is_counted
        except (TimeoutError, HoldExhausted):
            return lanes.relay.cut_short
        finally:
            relay = lanes.relay
            context.usage, context.uses, context.delivered_bytes = relay.usage, relay.uses, relay.delivered_bytes
        return lanes.relay.finish

    async def _close_and_keep(
        self, context: RequestContext[R, A], keeping: Coroutine[Any, Any, None] | None, answer: A | None
    ) -> Extension:
        """Settles, and keeps what later requests need; the answer's end waits for all of it."""
        caching = None if context.caching is None else context.caching.settle(answer)
        beside = [each for each in (keeping, caching) if each is not None]
        if not beside:
            return await self._close(context)
        extension: Extension
        extension, *_ = await asyncio.gather(self._close(context), *beside)
        return extension

    async def _close(self, context: RequestContext[R, A]) -> Extension:
        """Settles what was delivered, or releases, once; what a caller is told of it."""
        if context.extension is None:
            # A kept answer is no evidence: no target was asked.
            if self._routes is None or context.plan.decision is None or context.hit is not None:
                bill = await _bill(context)
            else:
                bill, _ = await asyncio.gather(_bill(context), self._routes.leave(context))
            self._attempts.billed(bill.cost_nanousd)
            context.extension = Extension(
                generation_id=context.generation_id,
                model_used=context.model_used,
                models_tried=context.explained,
                cache=context.cache,
                cost_usd=bill.cost_usd,
                tools=bill.tool_lines,
                usage=bill.usage,
            )
        return context.extension


@contextmanager
def _in_the_wires_shape() -> Iterator[None]:
    """Raises an unforeseen failure as an error that every wire has a shape for."""
    try:
        yield
    except (GatewayError, Overtaken, CallerLeft):
        raise
    except Exception as unforeseen:
        raise GatewayError(UNFORESEEN) from unforeseen


def _relay(context: RequestContext[R, A], sink: Sink) -> Relay[A]:
    makes = context.operation if context.caching is None else context.caching.cacheable
    return Relay(makes.transcoder(context.request, context.stamp), sink, context)


async def _given_again(context: RequestContext[R, A], relay: Relay[A]) -> bool:
    """Streams the kept answer, where there is one."""
    answer = None if context.caching is None else await context.caching.answer()
    if answer is None or context.served_by is None:
        return False
    await relay.replay(answer, context.served_by, lambda: relay.announce(context.headers()))
    return True


async def _done(context: RequestContext[R, A]) -> None:
    """Ends what the request has to do with the cache, however it went."""
    if context.caching is not None:
        await context.caching.close()


def _planned(operation: Operation[R, A], inbound: InboundRequest, request: R) -> tuple[R, Plan[Any], StreamMeter, bool]:
    """The request within its key's minute, its plan, and its meter; true where that is for the account's own keys."""
    plan = operation.plan(inbound.principal, request)
    request = _within_a_minute(operation, request, plan, inbound.principal.key.tpm_limit)
    held_for = plan.held_for if inbound.principal.own_keys else plan
    return request, plan, operation.meter(request, held_for), held_for is not plan


async def _complete(context: RequestContext[R, A], fetched: Callable[[InboundRequest, R], Awaitable[R]]) -> None:
    """Plans the request anew, with the files that it names."""
    operation, inbound = context.operation, context.inbound
    request = await fetched(inbound, context.request)
    context.request, context.plan, context.meter, context.unheld = _planned(operation, inbound, request)


def _within_a_minute(operation: Operation[R, A], request: R, plan: Plan[Any], tpm_limit: int | None) -> R:
    """The request, its open output bounded where no minute of its key has the tokens of a first step."""
    meter = operation.meter(request, plan)
    if tpm_limit is None or meter.open_output is None or meter.tokens.likely <= tpm_limit:
        return request
    units = meter.units_within(tpm_limit) // SHARE
    return operation.bounded(request, units) if units > 0 else request


def _open(context: RequestContext[R, A], open_hold: OpenHold) -> None:
    """Goes on under the hold, with the output bounded where the hold carries no longer one.

    The hold of an output that is watched is still raised as it comes, up to the bound.
    """
    context.open_hold = open_hold
    units, output = open_hold.bound_units, context.meter.open_output
    if units is None or output is None:
        return
    context.request = context.operation.bounded(context.request, units)
    if output.watched:
        context.meter = open_hold.meter = context.meter.limited(units)
    else:
        plan = context.plan.held_for if context.unheld else context.plan
        context.meter = open_hold.meter = context.operation.meter(context.request, plan)


def _billable(context: RequestContext[R, A], over_by_s: float) -> Billable:
    return Billable(
        hold_id=context.hold_id,
        generation_id=context.generation_id,
        request_id=context.inbound.request_id,
        principal=context.inbound.principal,
        model_requested=context.request.model,
        hold_until_s=int(context.inbound.deadline_s) + HOLD_GRACE_S,
        over_by_s=math.ceil(over_by_s),
        user=context.request.user,
    )


async def _bill(context: RequestContext[R, A]) -> Bill:
    """Charges for what was delivered, and for what a provider reports to bill though its answer cannot be read.

    Other attempts that delivered nothing cost the customer nothing. An answer that went on after a cut is paid as one:
    its prompt once, its output at the cheapest of its targets.
    """
    if context.open_hold is None:
        return Bill()
    counted = context.usage if context.complete else context.billed_unread
    owed = context.delivered_bytes or counted
    context.open_hold.route = context.route or None
    if not owed or context.served_by is None:
        return await context.open_hold.release(context.served_by)
    usage = counted or context.meter.estimate(context.delivered_bytes, context.usage, context.uses)
    priced_at = context.priced_at(usage) or context.served_by
    estimated = counted is None or context.continued is not None
    return await context.open_hold.settle(priced_at, usage, estimated=estimated)
