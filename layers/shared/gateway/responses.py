"""The door of the Responses wire: what it keeps of a turn, and what it answers about one that is kept."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import cache, partial

from gateway.auth.principal import Principal
from gateway.bootstrap import bucket_objects, chat_services, ground
from gateway.errors import InvalidRequest, NotFound
from gateway.protocols.openai_responses import CLIENT, items
from gateway.stored_responses import StoredResponses
from gateway.stores.responses_dynamodb import DynamoResponseRecords
from gateway.web import Door, Leads, Lookup, Request

CREATE = "/v1/responses"
ONE = re.compile(r"/v1/responses/(?P<id>[^/]+)(?P<part>/input_items|/cancel)?")
NOT_RUNNING = "Only a response that was created with 'background: true' can be cancelled."

Answers = Callable[[str, Principal, Request], Awaitable[bytes]]


@cache
def stored() -> StoredResponses:
    """The stored responses of this deployment."""
    chosen, clock, client, aws = ground()
    records = DynamoResponseRecords(aws, chosen.responses_table)
    return StoredResponses(records, bucket_objects(chosen, client, clock, chosen.responses_bucket), clock)


def route_at(path: str, _: Mapping[str, str]) -> Leads:
    """A new response, or what is asked about a stored one."""
    if path == CREATE:
        return CLIENT
    match = ONE.fullmatch(path)
    if match is None:
        raise NotFound(f"Unknown path: {path}.", code="unknown_url")
    methods = PARTS[match["part"] or ""]
    return Lookup({method: partial(answers, match["id"]) for method, answers in methods.items()})


async def _retrieve(response_id: str, principal: Principal, _: Request) -> bytes:
    return items.retrieved(await stored().turn(principal.account_id, response_id))


async def _delete(response_id: str, principal: Principal, _: Request) -> bytes:
    await stored().delete(principal.account_id, response_id)
    return items.deleted(response_id)


async def _list_input(response_id: str, principal: Principal, request: Request) -> bytes:
    turn = await stored().turn(principal.account_id, response_id)
    order, after = request.query.get("order", "desc"), request.query.get("after")
    limit = request.query.get("limit", str(items.PAGE_ITEMS))
    if not limit.isdecimal():
        raise InvalidRequest("Invalid 'limit': expected an integer.", param="limit")
    return items.listed(turn, order=order, after=after, limit=int(limit))


async def _cancel(response_id: str, principal: Principal, _: Request) -> bytes:
    await stored().turn(principal.account_id, response_id)
    raise InvalidRequest(NOT_RUNNING)


PARTS: Mapping[str, Mapping[str, Answers]] = {
    "": {"GET": _retrieve, "DELETE": _delete},
    "/input_items": {"GET": _list_input},
    "/cancel": {"POST": _cancel},
}


def responses_door() -> Door:
    """The ASGI app of the family."""
    return Door(chat_services, CLIENT, route_at, turns=stored)
