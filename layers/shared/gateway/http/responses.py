"""Serves the Responses wire: a new response with what it keeps of its turn, and what is asked about a kept one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from gateway.auth.principal import Principal, key_hash, key_in
from gateway.errors import GatewayError, InvalidRequest, NotFound
from gateway.http.exchange import EventStream, Exchange
from gateway.http.request import JSON_TYPE, Request
from gateway.http.routes import (
    Context,
    EventsRoute,
    JsonRoute,
    Route,
    Services,
    answered,
    follow,
    run,
    stream_headers,
    streamed,
)
from gateway.idempotency.ring import Answer, Recording
from gateway.pipeline.operation import InboundRequest, Operation
from gateway.protocols.openai_responses import background, items

if TYPE_CHECKING:
    from gateway.responses.background import BackgroundRequest, BackgroundResponses
    from gateway.responses.conversing import Conversing
    from gateway.responses.store import StoredResponses

CREATE = "/v1/responses"
COMPACT = "/v1/responses/compact"
COUNT = "/v1/responses/input_tokens"
ONE = re.compile(r"/v1/responses/(?P<id>[^/]+)(?P<part>/input_items|/cancel)?")
NUMBER_DIGITS_MAX = 18
NOT_RUNNING = "Only a response that was created with 'background: true' can be cancelled."

Answers = Callable[[str, Principal, Request], Awaitable[bytes]]
Count = Callable[[Principal, bytes], Awaitable[bytes]]
# Keeps a response as its caller gets it.
Keep = Callable[[bytes], Awaitable[object]]


class ResponsesRoutes(Struct, frozen=True):
    """The routes of the family. What they stand on is asked for at the first request that needs it.

    `count` gives the answer to a count of the prompt in a body.
    """

    operation: Callable[[], Operation[Any, Any]]
    stored: Callable[[], StoredResponses]
    in_background: Callable[[], BackgroundResponses]
    compaction: Callable[[], Operation[Any, Any]]
    count: Count
    conversing: Callable[[], Conversing]

    def __call__(self, path: str, query: Mapping[str, str]) -> Route:
        """A new response, or what is asked about a stored one; raises `NotFound`."""
        if path == CREATE:
            return CreateRoute(self)
        if path == COMPACT:
            return CompactRoute(self)
        if path == COUNT:
            return JsonRoute({"POST": self._count}, makes_work=True)
        match = ONE.fullmatch(path)
        if match is None:
            raise NotFound(f"Unknown path: {path}.", code="unknown_url")
        if not match["part"] and query.get("stream") == "true":
            return EventsRoute(partial(self._follow, match["id"], _starting_after(query)))
        parts: Mapping[str, Mapping[str, Answers]] = {
            "": {"GET": self._retrieve, "DELETE": self._delete},
            "/input_items": {"GET": self._list_input},
            "/cancel": {"POST": self._cancel},
        }
        answers = parts[match["part"] or ""]
        return JsonRoute({method: partial(answer, match["id"]) for method, answer in answers.items()})

    async def continued(self, account_id: str, body: bytes) -> bytes:
        """The request with what it goes on from before its own input: a conversation, or an earlier response."""
        if items.names_conversation(body):
            body = await self.conversing().begun(account_id, body)
        return await self.stored().continued(account_id, body)

    async def _count(self, principal: Principal, request: Request) -> bytes:
        return await self.count(principal, await self.continued(principal.account_id, request.body))

    async def _turn(self, response_id: str, principal: Principal) -> bytes:
        """The turn as it stands, finished or not."""
        running = await self.in_background().read(principal.account_id, response_id)
        return running or await self.stored().read(principal.account_id, response_id)

    async def _retrieve(self, response_id: str, principal: Principal, _: Request) -> bytes:
        return items.retrieved(await self._turn(response_id, principal))

    async def _follow(self, response_id: str, after: int, principal: Principal, _: Request) -> AsyncIterator[bytes]:
        return await self.in_background().events(principal.account_id, response_id, after)

    async def _delete(self, response_id: str, principal: Principal, _: Request) -> bytes:
        await self.in_background().forget(principal.account_id, response_id)
        await self.stored().delete(principal.account_id, response_id)
        return items.deleted(response_id)

    async def _list_input(self, response_id: str, principal: Principal, request: Request) -> bytes:
        turn = await self._turn(response_id, principal)
        order, after = request.query.get("order", "desc"), request.query.get("after")
        limit = _integer(request.query, "limit", items.PAGE_ITEMS)
        return items.listed(turn, order=order, after=after, limit=limit)

    async def _cancel(self, response_id: str, principal: Principal, _: Request) -> bytes:
        if not await self.in_background().cancel(principal.account_id, response_id):
            await self.stored().read(principal.account_id, response_id)
            raise InvalidRequest(NOT_RUNNING)
        return items.retrieved(await self._turn(response_id, principal))


class CreateRoute(Struct, frozen=True):
    """Creates a response: continues the conversation it names, keeps its turn, or runs it in the background."""

    family: ResponsesRoutes
    methods: Collection[str] = ("POST",)

    async def serve(self, exchange: Exchange, principal: Principal, services: Services) -> None:
        """Answers whole, as a stream, or with the response as it stands in the background."""
        operation, request = self.family.operation(), exchange.request
        # What goes wrong before the request is read is an error of this wire too.
        exchange.wire = operation.wire
        body = await self.family.continued(principal.account_id, request.body)
        undo = partial(self._undo, principal.account_id, body) if items.NAMES_CONVERSATION in body else None
        if background.wanted(body):
            asked = self.family.in_background().read_request(body)
            inbound = InboundRequest(principal, asked.body, request.request_id, asked.deadline_s, request.headers)
            await run(exchange, services, operation, inbound, partial(_begun, asked), undo)
            return
        inbound = InboundRequest(principal, body, request.request_id, request.deadline_s, request.headers)
        await run(exchange, services, operation, inbound, self._answered, undo)

    async def _answered(self, exchange: Exchange, context: Context, services: Services, is_kept: bool) -> Answer:
        """The answer, kept as a turn before the caller learns that it is complete."""
        keep = self._keeping(context)
        if context.request.stream:
            if keep is not None:
                context.before_end = partial(_keep_end, keep)
            await services.pipeline.admit(context)
            return await streamed(exchange, context, services, is_kept)
        await services.pipeline.admit(context)
        body = await services.pipeline.answer(context)
        if keep is not None:
            await keep(body)
        return Answer(200, {"Content-Type": JSON_TYPE, **exchange.known_headers()}, body)

    def _keeping(self, context: Context) -> Keep | None:
        """Keeps the answer in the store of responses and in its conversation; `None` where neither is asked for."""
        turn = (context.account_id, context.stamp.response_id, context.inbound.body)
        echo = context.request.echo
        # OpenAI stores what it is not told to forget.
        stores = partial(self.family.stored().keep, *turn) if echo.get("store", True) else None
        if "conversation" not in echo:
            return stores
        adds = partial(self.family.conversing().add, *turn)
        return adds if stores is None else partial(_keep_both, stores, adds)

    async def _undo(self, account_id: str, body: bytes, attempt_id: str) -> None:
        await self.family.conversing().undo(account_id, body, attempt_id)


async def _keep_both(first: Keep, second: Keep, response: bytes) -> None:
    await asyncio.gather(first(response), second(response))


async def _keep_end(keep: Keep, ending: bytes) -> None:
    """Keeps the response that the last bytes of a caller's stream hold."""
    response = items.response_in(ending)
    if response is not None:
        await keep(response)


class CompactRoute(Struct, frozen=True):
    """Compacts a conversation, from a stored response on where one is named; nothing of it is kept."""

    family: ResponsesRoutes
    methods: Collection[str] = ("POST",)

    async def serve(self, exchange: Exchange, principal: Principal, services: Services) -> None:
        """Answers with the items to go on from."""
        operation, request = self.family.compaction(), exchange.request
        exchange.wire = operation.wire
        body = await self.family.continued(principal.account_id, request.body)
        inbound = InboundRequest(principal, body, request.request_id, request.deadline_s, request.headers)
        await run(exchange, services, operation, inbound, answered)


async def _begun(
    asked: BackgroundRequest, exchange: Exchange, context: Context, services: Services, is_kept: bool
) -> Answer:
    """A response that runs on without its caller, who gets it as it stands, or follows its events."""
    request = exchange.request
    response = await asked.begin(
        context, key_hash(key_in(request.header_fields, request.query_fields)), request.source_ip
    )
    if not asked.streams:
        return Answer(200, {"Content-Type": JSON_TYPE, **exchange.known_headers()}, response)
    async with EventStream(exchange, services.commit_s) as stream:
        recording = Recording(stream)
        sink = recording if is_kept else stream
        try:
            await follow(await asked.follow(context), sink, request.deadline_s, services.clock)
        except GatewayError as error:
            # It runs on, and the rest of its events can be asked for: a retry must not begin it once more.
            context.error = error
    return Answer(200, stream_headers(exchange), recording.body)


def _starting_after(query: Mapping[str, str]) -> int:
    """The sequence number to go on after; below the first one where none is given."""
    return _integer(query, "starting_after", background.BEFORE_ALL)


def _integer(query: Mapping[str, str], name: str, otherwise: int) -> int:
    """A number of the query, bounded before it is read: Python reads no number of thousands of digits."""
    given = query.get(name, "")
    if not given:
        return otherwise
    if not given.isascii() or not given.isdecimal() or len(given) > NUMBER_DIGITS_MAX:
        raise InvalidRequest(f"Invalid '{name}': expected an integer.", param=name)
    return int(given)
