"""Serves what a path of a streaming family leads to: an operation, a JSON answer, or an earlier stream's events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from gateway.auth.principal import Principal
from gateway.http import route
from gateway.http.exchange import EventStream, Exchange
from gateway.http.request import JSON_TYPE, Request
from gateway.http.route import counted_read, counted_request
from gateway.idempotency.ring import Answer, Attempt, Idempotency, Recording, disown_hold, keyed_request
from gateway.pipeline.context import RequestContext
from gateway.pipeline.operation import InboundRequest, Operation
from gateway.pipeline.pipeline import Pipeline
from gateway.ports.clock import Clock
from gateway.ports.sink import Sink

if TYPE_CHECKING:
    # Loaded where a process serves several requests at a time.
    from gateway.pipeline.sharing import Sharing

    # Accounts with provider keys of their own alone load them.
    from gateway.ports.provider_keys import OwnKeys

# What a follower leaves of its invocation's time.
FOLLOW_MARGIN_S = 10.0


class Services(route.Services, Protocol):
    """The services of a streaming family. `commit_s` is the silence after which a stream's status is committed."""

    @property
    def pipeline(self) -> Pipeline: ...

    @property
    def idempotency(self) -> Idempotency: ...

    @property
    def commit_s(self) -> float: ...

    @property
    def own_keys(self) -> OwnKeys:
        """Accounts' own keys of providers."""

    @property
    def sharing(self) -> Sharing | None:
        """The memory and the loop that several requests share; nothing where one is served at a time."""


class Route(route.Route, Protocol):
    """The handler of a path."""

    async def serve(self, exchange: Exchange, principal: Principal, services: Services) -> None:
        """Answers the request, or raises its refusal."""


class JsonRoute(Struct, frozen=True):
    """Answers with a JSON body, by method; costs nothing. It counts as a read, or as a request where it makes work."""

    answers: Mapping[str, Callable[[Principal, Request], Awaitable[bytes]]]
    makes_work: bool = False

    @property
    def methods(self) -> Collection[str]:
        return self.answers.keys()

    async def serve(self, exchange: Exchange, principal: Principal, services: Services) -> None:
        """Replies with the body."""
        await (counted_request if self.makes_work else counted_read)(exchange, principal, services)
        await exchange.reply(200, await self.answers[exchange.request.method](principal, exchange.request))


class EventsRoute(Struct, frozen=True):
    """Goes on with a stream that was begun before, by GET."""

    follow: Callable[[Principal, Request], Awaitable[AsyncIterator[bytes]]]
    methods: Collection[str] = ("GET",)

    async def serve(self, exchange: Exchange, principal: Principal, services: Services) -> None:
        """Sends the events as they come; what is not found is refused before silence can commit a status."""
        request = exchange.request
        await counted_read(exchange, principal, services)
        events = await self.follow(principal, request)
        async with EventStream(exchange, services.commit_s) as stream:
            await follow(events, stream, request.deadline_s, services.clock)
        if not exchange.status:
            await exchange.reply(200, b"", stream_headers(exchange))


Context = RequestContext[Any, Any]
# Produces the answer of a planned request; the flag says that it will be kept for a repeat.
Produce = Callable[[Exchange, Context, Services, bool], Awaitable[Answer]]
Undo = Callable[[str], Awaitable[None]]


async def answered(exchange: Exchange, context: Context, services: Services, is_kept: bool) -> Answer:
    """Admits the request and answers it whole or as a stream."""
    await services.pipeline.admit(context)
    if context.request.stream:
        return await streamed(exchange, context, services, is_kept)
    body = await services.pipeline.answer(context)
    return Answer(200, {"Content-Type": JSON_TYPE, **exchange.known_headers()}, body)


class OperationRoute(Struct, frozen=True):
    """Runs an operation; `operation` is asked for at the first request, so that a cold start does not build it."""

    operation: Callable[[], Operation[Any, Any]]
    methods: Collection[str] = ("POST",)
    produce: Produce = answered

    async def serve(self, exchange: Exchange, principal: Principal, services: Services) -> None:
        """Answers whole or as a stream, as the request asks."""
        operation, request = self.operation(), exchange.request
        exchange.wire = operation.wire
        inbound = InboundRequest(principal, request.body, request.request_id, request.deadline_s, request.headers)
        await run(exchange, services, operation, inbound, self.produce)


async def run(
    exchange: Exchange,
    services: Services,
    operation: Operation[Any, Any],
    inbound: InboundRequest,
    produce: Produce,
    undo: Undo | None = None,
) -> None:
    """Opens the request and produces its answer once under one Idempotency-Key.

    `undo` takes away what an attempt that died, by its id, has left beside its hold.
    """
    request = exchange.request
    exchange.context = context = await opened(services, operation, inbound)
    account_id = inbound.principal.account_id
    keyed = keyed_request(
        request.idempotency_key,
        account_id,
        request.method,
        request.path,
        request.headers.get("content-type", JSON_TYPE),
        request.body,
    )
    answer = await services.idempotency.run(
        keyed,
        Attempt(
            attempt_id=context.hold_id,
            deadline_s=services.pipeline.over_by_s(context),
            produce=partial(produce, exchange, context, services, keyed is not None),
            disown=partial(_disowned, services, account_id, undo),
        ),
    )
    if not exchange.status:
        await exchange.reply(answer.status, answer.body, answer.headers)


async def _disowned(services: Services, account_id: str, undo: Undo | None, attempt_id: str) -> None:
    await disown_hold(services.money, services.clock, account_id, attempt_id)
    if undo is not None:
        await undo(attempt_id)


async def opened(services: Services, operation: Operation[Any, Any], inbound: InboundRequest) -> Context:
    """The planned request. A heavy one is read and written apart from the loop that others are served on."""
    sharing = services.sharing
    if sharing is None or not sharing.is_heavy(inbound.body):
        return services.pipeline.open(operation, inbound)
    context = await sharing.apart(partial(services.pipeline.open, operation, inbound))
    context.apart = sharing.apart
    return context


async def streamed(exchange: Exchange, context: Context, services: Services, is_kept: bool) -> Answer:
    """Streams an admitted request; the stream is recorded only where it is kept, others are not held in memory."""
    async with EventStream(exchange, services.commit_s) as stream:
        recording = Recording(stream)
        await services.pipeline.stream(context, recording if is_kept else stream)
    return Answer(context.outcome_status, stream_headers(exchange), recording.body)


def stream_headers(exchange: Exchange) -> dict[str, str]:
    """The headers of a stream, with what is known of its request."""
    return {"Content-Type": exchange.wire.stream_type, "Cache-Control": "no-cache", **exchange.known_headers()}


async def follow(events: AsyncIterator[bytes], sink: Sink, deadline_s: float, clock: Clock) -> None:
    """Passes events on for as long as this invocation may run; the client goes on from the last one it got."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(deadline_s - clock.now_s() - FOLLOW_MARGIN_S):
            async for more in events:
                await sink.write(more)
