"""A response that goes on without its caller: how it is asked for, how it stands meanwhile, how its events are resumed.

The codec runs nothing. A request in the background becomes a stream without `background`, so that every provider can
serve it; that it was asked in the background stands in the gateway's own member, for the answer to repeat.
https://platform.openai.com/docs/guides/background
"""

from __future__ import annotations

from typing import Any

import orjson

from gateway.canonical.request import ChatRequest
from gateway.canonical.response import Extension, Stamp
from gateway.errors import GatewayError, InvalidRequest
from gateway.framing.json_edit import edit, members
from gateway.framing.sse import SSEDecoder, sse_event
from gateway.protocols.openai_responses.decode import OWN, own_in
from gateway.protocols.openai_responses.encode_answer import response_object
from gateway.protocols.openai_responses.errors import failure_object
from gateway.protocols.shared.document import parse

NOT_STORED = "A response in the background is stored: 'store' cannot be false."
# Below the first sequence number.
BEFORE_ALL = -1
_LAST = frozenset({"response.completed", "response.incomplete", "response.failed", "error"})
_OPEN: dict[str, Any] = {"error": None, "incomplete_details": None}


def wanted(body: bytes) -> bool:
    """True if the request must run in the background. Raises `InvalidRequest` if it cannot be read or stored."""
    root = parse(body)
    asked = root.member("background")
    if asked is None or not asked.as_boolean():
        return False
    store = root.member("store")
    if store is not None and not store.as_boolean():
        raise InvalidRequest(NOT_STORED, param="store")
    return True


def streams(body: bytes) -> bool:
    """True if the caller wants the events as they come."""
    asked = parse(body).member("stream")
    return asked is not None and asked.as_boolean()


def in_background(body: bytes) -> bytes:
    """The request as it is run: a stream; raises `InvalidRequest` where the gateway's own member cannot be read."""
    said = own_in(parse(body)).as_object()
    put = {"stream": b"true", OWN: orjson.dumps({**said, "background": True})}
    return edit(body, put, remove=("background",))


def standing(request: ChatRequest, stamp: Stamp) -> bytes:
    """The response before it runs."""
    return orjson.dumps(response_object(stamp, request.echo, {"status": "queued", **_OPEN}, [], None))


def stands_at(response: bytes, status: str) -> bytes:
    """The response with another status."""
    return edit(response, {"status": orjson.dumps(status)})


def canceled(response: bytes, extension: Extension | None) -> bytes:
    """The response that was cancelled, and what it cost where it had begun."""
    cost = {} if extension is None else {"nexevo": orjson.dumps(extension.as_json())}
    return edit(response, {"status": b'"cancelled"', **cost})


def failed(response: bytes, error: GatewayError) -> bytes:
    """The response that came to nothing."""
    return edit(response, {"status": b'"failed"', "error": orjson.dumps(failure_object(error))})


def whole(ending: bytes) -> bytes:
    """The response in the last events of a stream, with the gateway's own member in it, as it answers at once."""
    (last,) = [members(frame.data) for frame in SSEDecoder().feed(ending) if frame.event in _LAST]
    return edit(last["response"], {"nexevo": last["nexevo"]})


def last_events(response: bytes, number: int) -> bytes:
    """The events that end with the response as it stands, from the sequence number `number` on.

    The first of a stream tells that the response was created: SDKs go on from that.
    """
    last = f"response.{status_of(response)}"
    if number > 0:
        return _event(last, response, number)
    return _event("response.created", stands_at(response, "queued"), 0) + _event(last, response, 1)


def has_end(events: bytes) -> bool:
    """True if the last event of a stream is among them."""
    return any(frame.event in _LAST for frame in SSEDecoder().feed(events))


def numbered_after(events: bytes, number: int) -> tuple[bytes, int]:
    """The events whose sequence number is above `number`, and the highest one seen; whole events only."""
    left, highest = [], number
    for frame in SSEDecoder().feed(events):
        own = _number(frame.data)
        if own is None or own > number:
            left.append(frame.raw)
        highest = max(highest, own if own is not None else highest)
    return b"".join(left), highest


def status_of(response: bytes) -> str:
    """Returns the status of a stored response."""
    return str(orjson.loads(members(response)["status"]))


def _event(name: str, response: bytes, number: int) -> bytes:
    payload = orjson.dumps({"type": name, "sequence_number": number})
    return sse_event(edit(payload, {"response": response}), name)


def _number(data: bytes) -> int | None:
    """An event's sequence number; the terminal mark has none."""
    if not data.startswith(b"{"):
        return None
    number = members(data).get("sequence_number")
    return None if number is None else int(number)
