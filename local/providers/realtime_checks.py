"""Refuses events that OpenAI's Realtime API refuses, with its codes: it answers with an `error` event and goes on.

xAI speaks the wire with members of the beta, and without `session.type`, as recorded sessions show.
https://platform.openai.com/docs/api-reference/realtime-client-events
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.providers.realtime_items import Event

COMMITTED_MS_MIN = 100
# The predecessor of an item that is to be the first.
ROOT = "root"
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "session.update": ("session",),
    "input_audio_buffer.append": ("audio",),
    "conversation.item.create": ("item",),
    "conversation.item.delete": ("item_id",),
    "conversation.item.retrieve": ("item_id",),
    "conversation.item.truncate": ("item_id", "content_index", "audio_end_ms"),
}
# Names of the beta, which the API in general availability does not know.
_BETA = (
    "modalities", "voice", "input_audio_format", "output_audio_format", "input_audio_transcription",
    "input_audio_noise_reduction", "turn_detection", "temperature", "max_response_output_tokens",
)  # fmt: skip
_ITEMS: Mapping[str, tuple[str, ...]] = {
    "message": ("role", "content"),
    "function_call": ("name", "arguments"),
    "function_call_output": ("call_id", "output"),
}
_OTHER_ITEMS = ("mcp_approval_response", "mcp_approval_request", "mcp_list_tools", "mcp_call")
_CONTENT: Mapping[str, tuple[str, ...]] = {
    "user": ("input_text", "input_audio", "input_image"),
    "assistant": ("output_text", "output_audio"),
    "system": ("input_text",),
}


class Refused(Exception):
    """Reports an event that is refused, with the members of its error."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param


@dataclass(frozen=True, slots=True)
class Known:
    """The facts by which an event is judged: the items of the conversation, and whether the wire is xAI's."""

    items: Sequence[Event]
    is_xai: bool = False


def known_type(event: Event, types: Collection[str]) -> str:
    """The type of an event; raises Refused."""
    if "type" not in event:
        raise _missing("type")
    return _one_of(event["type"], types, "type")


def check(event: Event, known: Known) -> None:
    """Raises Refused for an event of a known type that is wrong."""
    for name in _REQUIRED.get(event["type"], ()):
        if event.get(name) is None:
            raise _missing(name)
    rule = _RULES.get(event["type"])
    if rule is not None:
        rule(event, known)


def sound_of(event: Event) -> bytes:
    """The sound of an event; raises Refused."""
    try:
        return base64.b64decode(event["audio"], validate=True)
    except (binascii.Error, TypeError, ValueError):
        message = "Invalid 'audio'. Expected base64-encoded audio bytes but got an invalid value."
        raise Refused("invalid_value", message, "audio") from None


def check_commit(length_ms: float) -> None:
    """Raises Refused for a buffer that is too short to be an item."""
    if length_ms < COMMITTED_MS_MIN:
        message = (
            f"Error committing input audio buffer: buffer too small. Expected at least {COMMITTED_MS_MIN}ms of audio, "
            f"but buffer only has {length_ms:.2f}ms of audio."
        )
        raise Refused("input_audio_buffer_commit_empty", message)


def _session(event: Event, known: Known) -> None:
    session = event["session"]
    if not isinstance(session, dict):
        raise Refused("invalid_type", "Invalid type for 'session': expected an object.", "session")
    if known.is_xai:
        return
    if session.get("type") is None:
        raise _missing("session.type")
    _one_of(session["type"], ("realtime", "transcription"), "session.type")
    for name in _BETA:
        if name in session:
            raise Refused("unknown_parameter", f"Unknown parameter: 'session.{name}'.", f"session.{name}")
    _modalities(session, "session")


def _response(event: Event, known: Known) -> None:
    if not known.is_xai:
        _modalities(event.get("response") or {}, "response")


def _modalities(given: Mapping[str, Any], at: str) -> None:
    asked = given.get("output_modalities")
    if asked is not None and asked not in (["text"], ["audio"]):
        message = f"Invalid modalities: {asked}. Supported combinations are: ['text'] and ['audio']."
        raise Refused("invalid_value", message, f"{at}.output_modalities")


def _item(event: Event, known: Known) -> None:
    item, ids = event["item"], {each["id"] for each in known.items}
    if not isinstance(item, dict):
        raise Refused("invalid_type", "Invalid type for 'item': expected an object.", "item")
    if item.get("type") is None:
        raise _missing("item.type")
    kind = _one_of(item["type"], (*_ITEMS, *_OTHER_ITEMS), "item.type")
    for name in _ITEMS.get(kind, ()):
        if item.get(name) is None:
            raise _missing(f"item.{name}")
    if kind == "message":
        _content(item)
    if item.get("id") in ids:
        raise Refused("invalid_value", f"Error adding item: an item with id '{item['id']}' already exists.", "item.id")
    before = event.get("previous_item_id")
    if before not in {None, ROOT, *ids}:
        message = f"Error adding item: the previous item with id '{before}' does not exist."
        raise Refused("item_create_invalid_previous_item_id", message, "previous_item_id")
    calls = {each.get("call_id") for each in known.items if each["type"] == "function_call"}
    if kind == "function_call_output" and item["call_id"] not in calls:
        message = f"Tool call ID '{item['call_id']}' not found in conversation."
        raise Refused("invalid_tool_call_id", message)


def _content(item: Event) -> None:
    takes = _CONTENT[_one_of(item["role"], _CONTENT, "item.role")]
    for index, part in enumerate(item["content"]):
        _one_of(part.get("type"), takes, f"item.content[{index}].type")


def _one_of(value: Any, known: Collection[str], at: str) -> str:
    if not isinstance(value, str) or value not in known:
        supported = "', '".join(known)
        raise Refused("invalid_value", f"Invalid value: '{value}'. Supported values are: '{supported}'.", at)
    return value


def _missing(at: str) -> Refused:
    return Refused("missing_required_parameter", f"Missing required parameter: '{at}'.", at)


_RULES: Mapping[str, Callable[[Event, Known], None]] = {
    "session.update": _session,
    "conversation.item.create": _item,
    "response.create": _response,
}
