"""The door of the Responses wire: what it keeps of a turn, and what it answers about one that is kept."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING

from gateway.auth.principal import Principal
from gateway.bootstrap import bucket_objects, chat_services, ground
from gateway.errors import InvalidRequest, NotFound
from gateway.protocols.openai_responses import CLIENT, background, items
from gateway.stored_responses import StoredResponses
from gateway.stores.responses_dynamodb import DynamoResponseRecords
from gateway.web import Background, Door, Leads, Lookup, Request, Tail

if TYPE_CHECKING:
    from gateway.background.asking import BackgroundResponses

CREATE = "/v1/responses"
ONE = re.compile(r"/v1/responses/(?P<id>[^/]+)(?P<part>/input_items|/cancel)?")
NUMBER_DIGITS_MAX = 18
NOT_RUNNING = "Only a response that was created with 'background: true' can be cancelled."

Answers = Callable[[str, Principal, Request], Awaitable[bytes]]


@cache
def stored() -> StoredResponses:
    """The stored responses of this deployment."""
    chosen, clock, client, aws = ground()
    records = DynamoResponseRecords(aws, chosen.responses_table)
    return StoredResponses(records, bucket_objects(chosen, client, clock, chosen.responses_bucket), clock)


@cache
def in_background() -> BackgroundResponses:
    """The responses of this deployment that run on without their callers."""
    from gateway.background.composition import background_responses  # noqa: PLC0415  # no cold start pays for it

    chosen, clock, client, aws = ground()
    services = chat_services()
    objects = bucket_objects(chosen, client, clock, chosen.responses_bucket)
    parts = (aws, clock, services.money, services.corridor, objects)
    return background_responses(*parts, table=chosen.jobs_table, state_machine=chosen.background_state_machine)


def route_at(path: str, query: Mapping[str, str]) -> Leads:
    """A new response, or what is asked about a stored one."""
    if path == CREATE:
        return CLIENT
    match = ONE.fullmatch(path)
    if match is None:
        raise NotFound(f"Unknown path: {path}.", code="unknown_url")
    if not match["part"] and query.get("stream") == "true":
        return Tail(partial(_follow, match["id"], _starting_after(query)))
    methods = PARTS[match["part"] or ""]
    return Lookup({method: partial(answers, match["id"]) for method, answers in methods.items()})


async def _turn(response_id: str, principal: Principal) -> bytes:
    """The turn as it stands, finished or not."""
    running = await in_background().turn(principal.account_id, response_id)
    return running or await stored().turn(principal.account_id, response_id)


async def _retrieve(response_id: str, principal: Principal, _: Request) -> bytes:
    return items.retrieved(await _turn(response_id, principal))


def _follow(response_id: str, after: int, principal: Principal, _: Request) -> AsyncIterator[bytes]:
    return in_background().events(principal.account_id, response_id, after)


async def _delete(response_id: str, principal: Principal, _: Request) -> bytes:
    await in_background().forget(principal.account_id, response_id)
    await stored().delete(principal.account_id, response_id)
    return items.deleted(response_id)


async def _list_input(response_id: str, principal: Principal, request: Request) -> bytes:
    turn = await _turn(response_id, principal)
    order, after = request.query.get("order", "desc"), request.query.get("after")
    limit = request.query.get("limit", str(items.PAGE_ITEMS))
    if not limit.isdecimal():
        raise InvalidRequest("Invalid 'limit': expected an integer.", param="limit")
    return items.listed(turn, order=order, after=after, limit=int(limit))


async def _cancel(response_id: str, principal: Principal, _: Request) -> bytes:
    if not await in_background().cancel(principal.account_id, response_id):
        await stored().turn(principal.account_id, response_id)
        raise InvalidRequest(NOT_RUNNING)
    return items.retrieved(await _turn(response_id, principal))


def _starting_after(query: Mapping[str, str]) -> int:
    """The sequence number to go on after; below the first one where none is given."""
    given = query.get("starting_after", "")
    if not given:
        return background.BEFORE_ALL
    if not given.isascii() or not given.isdecimal() or len(given) > NUMBER_DIGITS_MAX:
        raise InvalidRequest("Invalid 'starting_after': expected an integer.", param="starting_after")
    return int(given)


PARTS: Mapping[str, Mapping[str, Answers]] = {
    "": {"GET": _retrieve, "DELETE": _delete},
    "/input_items": {"GET": _list_input},
    "/cancel": {"POST": _cancel},
}


def _behind(body: bytes) -> Background | None:
    """The request as it is to run, where it asks to run in the background."""
    return in_background().asked(body) if background.wanted(body) else None


def responses_door() -> Door:
    """The ASGI app of the family."""
    return Door(chat_services, CLIENT, route_at, turns=stored, background=_behind)
