"""Spells answers in the odd ways that vendors and clones of their wires do, so that readers of them can be tried.

A word `odd=NAME` in a directive, or several with commas. Each is a change to the JSON of an answer or of one event of a
stream, and leaves alone what it does not concern: the same word works on every wire that can say it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson

from local.providers.event_stream import message
from local.providers.faults import Fault, UnknownWord
from local.providers.json_value import Json
from local.providers.wire import Frame, FrameKind, Reply

_NAMED_FRAME = Frame(FrameKind.STRUCTURE, b'event: tool.progress\ndata: {"tool":"x"}\n\n')
_FINISHES = ("finish_reason", "finishReason", "stop_reason")
_NO_CALL: Json = {"name": "", "arguments": ""}


def _objects(value: Any) -> Iterator[Json]:
    """Yields every object in a value, itself included."""
    if isinstance(value, dict):
        yield value
    for inside in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(inside)


def _empty_finish(said: Json) -> None:
    """Sets an empty word where null says that nothing has ended."""
    for each in _objects(said):
        for name in _FINISHES:
            if name in each and each[name] is None:
                each[name] = ""


def _no_call_ids(said: Json) -> None:
    for each in _objects(said):
        if "function" in each or each.get("type") == "tool_use":
            each.pop("id", None)
        if isinstance(each.get("functionCall"), dict):
            each["functionCall"].pop("id", None)
        if "name" in each:
            each.pop("toolUseId", None)
            each.pop("call_id", None)


def _is_whole(arguments: Any) -> bool:
    """True if a text is all of a call's arguments, not a piece of them."""
    return isinstance(arguments, str) and arguments.startswith("{") and arguments.endswith("}")


def _object_arguments(said: Json) -> None:
    """Arguments as the JSON that their text spells."""
    for each in _objects(said):
        if _is_whole(each.get("arguments")):
            each["arguments"] = orjson.loads(each["arguments"])


def _double_arguments(said: Json) -> None:
    """Arguments as JSON text in a JSON string."""
    for each in _objects(said):
        if _is_whole(each.get("arguments")):
            each["arguments"] = orjson.dumps(each["arguments"]).decode()
        for name in ("input", "args"):
            if isinstance(each.get(name), dict) and "name" in each:
                each[name] = orjson.dumps(each[name]).decode()


def _content_object(said: Json) -> None:
    """Content of one part as the part alone."""
    for each in _objects(said):
        for name in ("content", "parts"):
            if isinstance(each.get(name), list) and len(each[name]) == 1:
                each[name] = each[name][0]
        if isinstance(each.get("content"), str) and each["content"] and "role" in each:
            each["content"] = {"type": "text", "text": each["content"]}


def _details_alone(said: Json) -> None:
    for each in _objects(said):
        thought = each.pop("reasoning_content", None)
        if thought:
            each["reasoning_details"] = [{"type": "reasoning.text", "text": thought}]


def _empty_calls(said: Json) -> None:
    """An empty call of the older manner, and an empty custom tool, beside each real call."""
    for each in _objects(said):
        if isinstance(each.get("tool_calls"), list):
            each["function_call"] = dict(_NO_CALL)
            for call in each["tool_calls"]:
                call["custom"] = {}


def _moved_text(said: Json) -> None:
    """Moves deltas of a text to another place than in the finished item."""
    if str(said.get("type")).startswith("response.output_text."):
        said["content_index"] += 1


def _unexpected_call(said: Json) -> None:
    for each in _objects(said):
        if each.get("finishReason") == "STOP":
            each["finishReason"] = "UNEXPECTED_TOOL_CALL"


def _unfitting_usage(said: Json) -> None:
    """Sets more cached and reasoning tokens than there are tokens."""
    for each in _objects(said):
        for whole, details, part in _CLASSES:
            if isinstance(each.get(whole), int):
                inside = each.setdefault(details, {}) if details else each
                inside[part] = each[whole] + 9


def _usage_beside(said: Json) -> None:
    """Moves usage to where Groq has it."""
    if said.get("usage") and "choices" in said:
        said["x_groq"] = {"usage": said.pop("usage")}


def _text_fields(said: Json) -> None:
    if "stopReason" in said:
        said["additionalModelResponseFields"] = "none"


_CLASSES = (
    ("prompt_tokens", "prompt_tokens_details", "cached_tokens"),
    ("completion_tokens", "completion_tokens_details", "reasoning_tokens"),
    ("promptTokenCount", "", "cachedContentTokenCount"),
)
_CHANGES: Mapping[str, Callable[[Json], None]] = {
    "empty_finish": _empty_finish,
    "no_call_ids": _no_call_ids,
    "object_arguments": _object_arguments,
    "double_arguments": _double_arguments,
    "content_object": _content_object,
    "details_alone": _details_alone,
    "empty_calls": _empty_calls,
    "moved_text": _moved_text,
    "unexpected_call": _unexpected_call,
    "unfitting_usage": _unfitting_usage,
    "usage_beside": _usage_beside,
    "text_fields": _text_fields,
}
_NAMED_FRAMES = "named_frames"
ODDITIES = (*_CHANGES, _NAMED_FRAMES)


def oddities_of(fault: Fault) -> list[str]:
    """The oddities that a fault names; raises `UnknownWord` for others."""
    names = fault.odd.split(",") if fault.odd else []
    if unknown := sorted(set(names) - set(ODDITIES)):
        raise UnknownWord(f"unknown oddities: {', '.join(unknown)}")
    return names


def spelt_oddly(reply: Reply, fault: Fault) -> Reply:
    """The reply with the oddities that the fault names."""
    names = oddities_of(fault)
    if not names:
        return reply
    if isinstance(reply.body, bytes):
        return replace(reply, body=_changed(reply.body, names))
    return replace(reply, body=_frames(reply.body, names))


def _frames(frames: Iterator[Frame], names: list[str]) -> Iterator[Frame]:
    for frame in frames:
        is_binary = frame.data.startswith(b"\0")
        if _NAMED_FRAMES in names and frame.kind is FrameKind.CONTENT and not is_binary:
            yield _NAMED_FRAME
        change = _changed_message if is_binary else _changed_event
        yield replace(frame, data=change(frame.data, names))


def _changed_event(data: bytes, names: list[str]) -> bytes:
    head, mark, rest = data.partition(b"data: ")
    payload = rest.rstrip()
    return head + mark + _changed(payload, names) + rest[len(payload) :] if mark else data


def _changed_message(data: bytes, names: list[str]) -> bytes:
    """An event of AWS's, taken apart and put together again."""
    head_bytes = struct.unpack(">I", data[4:8])[0]
    head, headers, at = data[12 : 12 + head_bytes], {}, 0
    while at < len(head):
        name_end = at + 1 + head[at]
        value_bytes = struct.unpack(">H", head[name_end + 1 : name_end + 3])[0]
        headers[head[at + 1 : name_end].decode()] = head[name_end + 3 : name_end + 3 + value_bytes].decode()
        at = name_end + 3 + value_bytes
    return message(headers, _changed(data[12 + head_bytes : -4], names))


def _changed(body: bytes, names: list[str]) -> bytes:
    """A body's JSON with the changes; what is no object stays as it is."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    if not isinstance(said, dict):
        return body
    for name in names:
        _CHANGES.get(name, _unchanged)(said)
    return orjson.dumps(said)


def _unchanged(_: Json) -> None:
    """Does nothing: the oddity is not one of the JSON."""
