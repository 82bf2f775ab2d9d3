"""Converts items for a store of responses, and puts a stored turn before the next one.

The codec knows no store. The storing caller resolves `previous_response_id`, `conversation` and references to items
before a request is decoded, with `with_history` and `with_referenced`; what is still there afterwards is refused. What
is kept of a turn is what `kept` makes of the request (its history in it) and the answer.
Shapes: https://platform.openai.com/docs/api-reference/responses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from gateway.errors import InvalidRequest
from gateway.framing.json_edit import edit, members
from gateway.framing.json_values import reread
from gateway.framing.sse import SSEDecoder
from gateway.protocols.openai_responses.decode import OWN, UNKNOWN_MEMBER, conversation_in, own_in
from gateway.protocols.shared.document import parse

Item = dict[str, Any]

PAGE_ITEMS_MAX = 100
PAGE_ITEMS = 20
ORDERS = ("asc", "desc")
# Stands in every request that `with_history` has put a conversation before: it is spelled here, and by no caller. A
# search of the bytes is all that others pay.
NAMES_CONVERSATION = b'"conversation"'

_SCHEMA_VERSION = 1
# The prefix of an item's id, by the item's type.
_PREFIXES = {
    "reasoning": "rs",
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
}
_STATED = _PREFIXES.keys() - {"reasoning"}


class Earlier(NamedTuple):
    """The response that a request goes on from, and the ids of items that its input refers to, each once."""

    response_id: str | None
    item_ids: Sequence[str]


def names_conversation(body: bytes) -> bool:
    """True if a caller's request names a conversation.

    Raises `InvalidRequest` where it cannot be read, or has the gateway's own member: that says whose items its input
    begins with, and is never a caller's to say.
    """
    root = parse(body)
    own = root.member(OWN)
    if own is not None:
        raise own.error(UNKNOWN_MEMBER.format(name=OWN), "unknown_parameter")
    return root.member("conversation") is not None


def earlier(body: bytes) -> Earlier:
    """Reads what a request goes on from besides a conversation; raises `InvalidRequest` where it cannot be read."""
    root = parse(body)
    given, previous = root.member("input"), root.member("previous_response_id")
    elements = [] if given is None or not isinstance(given.value, list) else given.elements()
    found = (node.required("id").as_string(minimum=1) for node in elements if _is_reference(node.value))
    return Earlier(None if previous is None else previous.as_string(minimum=1), list(dict.fromkeys(found)))


def previous_response_id(body: bytes) -> str | None:
    """The response that a request goes on from; raises `InvalidRequest` where the body cannot be read."""
    previous = parse(body).member("previous_response_id")
    return None if previous is None else previous.as_string(minimum=1)


def conversation_id(body: bytes) -> str | None:
    """The conversation that a request names, by id or as an object; raises `InvalidRequest` for another value."""
    named = parse(body).member("conversation")
    if named is None or isinstance(named.value, str):
        return None if named is None else named.as_string(minimum=1)
    if not isinstance(named.value, dict):
        raise named.wrong_type("one of a string or an object")
    return named.required("id").as_string(minimum=1)


def conversation_of(body: bytes) -> tuple[str, int] | None:
    """The conversation that a request goes on from, and the number of its items at the head of the input."""
    return conversation_in(own_in(parse(body)))


def with_referenced(body: bytes, found: Mapping[str, Item]) -> bytes:
    """The request with the items in the place of references to them; `found` has all of its `item_ids`."""
    given = reread(members(body)["input"])
    resolved = [found[item["id"]] if _is_reference(item) else item for item in given]
    return edit(body, {"input": orjson.dumps(resolved)})


def output_items(response: bytes) -> dict[str, Item]:
    """The items of an answer that can be referred to, by id."""
    answered = as_items(reread(members(response).get("output", b"[]")))
    return {item["id"]: item for item in answered if isinstance(item.get("id"), str)}


def input_items(body: bytes) -> list[Item]:
    """A request's input as items: a string is a user's message; raises `InvalidRequest` where it cannot be read."""
    given = parse(body).member("input")
    if given is None:
        return []
    if isinstance(given.value, str):
        return [_user_message(given.value)]
    return [element.as_object() for element in given.elements()]


def with_history(body: bytes, items: Sequence[Item], own: Mapping[str, Any]) -> bytes:
    """The request with earlier turns before its own input, whose bytes stay as they are.

    Where they are from moves into the gateway's own member, for the answer to repeat; it is never sent on.
    """
    own_input = _own_input(members(body).get("input", b"null"))
    history = [orjson.dumps(item) for item in items]
    put = {"input": b"[" + b",".join([*history, *own_input]) + b"]", OWN: orjson.dumps(own)}
    return edit(body, put, remove=own.keys())


def response_in(ending: bytes) -> bytes | None:
    """The response in the last event of a caller's stream, as `finish` and `cut_short` end it."""
    responses = [members(frame.data).get("response") for frame in SSEDecoder().feed(ending) if frame.event]
    return responses[-1] if responses else None


def kept(body: bytes, response: bytes) -> bytes:
    """One turn to keep: the request's items, earlier turns among them, and the response as the caller got it."""
    return orjson.dumps(
        {"schema_version": _SCHEMA_VERSION, "input": input_items(body), "response": orjson.Fragment(response)}
    )


def history(turn: bytes) -> list[Item]:
    """The items that come before the next turn: what was asked and what was answered."""
    whole = reread(turn)
    return [*whole["input"], *as_items(whole["response"].get("output"))]


def retrieved(turn: bytes) -> bytes:
    """The body that answers GET /v1/responses/{id}."""
    return members(turn)["response"]


def deleted(response_id: str) -> bytes:
    """The body that answers DELETE /v1/responses/{id}."""
    return orjson.dumps({"id": response_id, "object": "response", "deleted": True})


def listed(turn: bytes, *, order: str = "desc", after: str | None = None, limit: int = PAGE_ITEMS) -> bytes:
    """The body that answers GET /v1/responses/{id}/input_items; raises `InvalidRequest` naming what it cannot take."""
    if order not in ORDERS:
        raise InvalidRequest("Invalid value for 'order': expected 'asc' or 'desc'.", param="order")
    if not 1 <= limit <= PAGE_ITEMS_MAX:
        raise InvalidRequest(f"Invalid 'limit': expected 1 to {PAGE_ITEMS_MAX}.", param="limit")
    document = reread(turn)
    suffix = document["response"]["id"].removeprefix("resp_")
    items = [whole_item(item, f"{suffix}-in{position}") for position, item in enumerate(document["input"])]
    ordered = items if order == "asc" else items[::-1]
    start = 0 if after is None else _place_after(ordered, after)
    page = ordered[start : start + limit]
    return orjson.dumps(
        {
            "object": "list",
            "data": page,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
            "has_more": start + limit < len(ordered),
        }
    )


def _is_reference(item: object) -> bool:
    return isinstance(item, dict) and item.get("type") == "item_reference"


def _user_message(text: str) -> Item:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def _own_input(given: bytes) -> list[bytes]:
    """The elements of a request's own input, in its own bytes where they are items already."""
    value = reread(given)
    if isinstance(value, str):
        return [orjson.dumps(_user_message(value))]
    if not isinstance(value, list):
        return []
    return [given.strip()[1:-1]] if value else []


def as_items(listed: object) -> list[Item]:
    """The items of an answer, without nulls (case E10); what is no item in it is left out."""
    found = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return [{name: value for name, value in item.items() if value is not None} for item in found]


def _place_after(items: Sequence[Item], identity: str) -> int:
    places = [place for place, item in enumerate(items, start=1) if item["id"] == identity]
    if not places:
        raise InvalidRequest("Invalid 'after': no such item.", param="after")
    return places[0]


def whole_item(item: Item, suffix: str) -> Item:
    """An item with an id and a status and, of a message, its content in parts, as the list has them."""
    kind = item.get("type") or "message"
    status = {"status": "completed"} if kind in _STATED else {}
    whole = {"id": f"{_PREFIXES.get(kind, 'item')}_{suffix}", "type": kind, **status, **item}
    content = item.get("content")
    if kind == "message" and isinstance(content, str):
        spoken = {"type": "output_text", "text": content, "annotations": []}
        whole["content"] = [spoken if item["role"] == "assistant" else {"type": "input_text", "text": content}]
    return whole
