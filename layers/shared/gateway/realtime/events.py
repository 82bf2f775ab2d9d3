"""Reads and writes events of OpenAI's Realtime wire: https://developers.openai.com/api/reference/realtime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import orjson
from msgspec import Struct

from gateway.canonical.json_bounds import ExceedsBounds, bound_depth, bound_values
from gateway.errors import GatewayError, InvalidRequest, UnreadableAnswer
from gateway.framing.json_edit import ObjectText
from gateway.framing.json_values import readable, repeats_a_name
from gateway.protocols.shared.openai_errors import error_object

# An event of a client, and a frame of a provider. A second of sound in base64 is 64 KB.
CLIENT_BYTES_MAX = 1024 * 1024
PROVIDER_BYTES_MAX = 16 * 1024 * 1024

_NO_JSON = "The event is no JSON object."


class Head(Struct):
    """The members that are read of every event; the rest of it is not looked at."""

    type: str = ""
    delta: Any = None
    audio: Any = None
    event_id: Any = None


Event = dict[str, Any]
_HEAD = msgspec.json.Decoder(Head)


def head_of_client(data: bytes) -> Head:
    """The head of a client's event; raises `InvalidRequest` for one that is too long or no event."""
    if len(data) > CLIENT_BYTES_MAX:
        raise InvalidRequest(f"An event holds at most {CLIENT_BYTES_MAX} bytes: send it in pieces.", code="too_large")
    try:
        return _HEAD.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidRequest(_NO_JSON, code="invalid_json") from None


def head_of_provider(data: bytes) -> tuple[Head, bytes]:
    """The head of a provider's event, and the event as every reader accepts it; raises `UnreadableAnswer`."""
    if len(data) > PROVIDER_BYTES_MAX:
        raise UnreadableAnswer("a frame is too long")
    try:
        return _HEAD.decode(data), data
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    data = readable(data)
    try:
        return _HEAD.decode(data), data
    except (msgspec.DecodeError, RecursionError):
        raise UnreadableAnswer("a frame is no event") from None


def read_client(data: bytes) -> dict[str, Any]:
    """The members of a client's event; raises `InvalidRequest`."""
    try:
        event = _read(data)
    except (orjson.JSONDecodeError, ExceedsBounds) as error:
        message = f"The event {error}." if isinstance(error, ExceedsBounds) else _NO_JSON
        raise InvalidRequest(message, code="invalid_json") from None
    if repeats_a_name(data, event):
        # The provider might obey another one than is judged here.
        raise InvalidRequest("The event has a member twice.", code="invalid_json")
    return members(event)


def read_provider(data: bytes) -> dict[str, Any]:
    """The members of a provider's event; raises `UnreadableAnswer`."""
    try:
        return members(_read(readable(data)))
    except (orjson.JSONDecodeError, ExceedsBounds):
        raise UnreadableAnswer("a frame is no event") from None


def _read(data: bytes) -> Any:
    """The value of the text. Integers over 64 bits lose digits: events pass as they came, and not as they were read."""
    bound_values(data)
    value = orjson.loads(data)
    bound_depth(data, value)
    return value


def members(value: Any) -> dict[str, Any]:
    """The members of an object, or none where it is something else."""
    return value if isinstance(value, dict) else {}


def at(value: Any, *path: str) -> Any:
    """The value at a path of names, or `None`."""
    for name in path:
        value = members(value).get(name)
    return value


def put(data: bytes, path: Sequence[str], value: Any) -> bytes:
    """The event with the value at a path of objects replaced; every other byte is unchanged."""
    text = ObjectText(data)
    name, *rest = path
    return text.edited({name: put(text.get(name), rest, value) if rest else orjson.dumps(value)})


def error_event(error: GatewayError, event_id: str, client_event_id: Any = None) -> bytes:
    """The event that tells a client of an error, and of its event that led to it."""
    said = {**error_object(error), "event_id": client_event_id if isinstance(client_event_id, str) else None}
    return orjson.dumps({"type": "error", "event_id": event_id, "error": said})
