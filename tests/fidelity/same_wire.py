"""Checks that on the same wire every byte is the provider's, except the names that the gateway replaces.

A whole chat answer may have one thing more: `"tool_calls":null` at the end of each message without `tool_calls`. The id
of an item of the Responses wire has `nxn-` after its prefix.

The JSON is read with Python's own scanner, not with the gateway's: members are split into the exact text between them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from tests.fidelity.recordings import Recording

# The members that are set or added: id and model under each wire's names, and the extension. Usage was requested, so it
# stays.
NAMES: Mapping[str, frozenset[str]] = {
    "openai_chat": frozenset({"id", "model", "nexevo"}),
    # Responses are kept by the gateway, so that it says which are.
    "openai_responses": frozenset({"id", "model", "nexevo", "store", "previous_response_id"}),
    "anthropic_messages": frozenset({"id", "model", "nexevo"}),
    "gemini": frozenset({"responseId", "modelVersion", "nexevo"}),
}
# Events that carry the whole answer in a member have the names there.
INSIDE: Mapping[str, str] = {"openai_responses": "response", "anthropic_messages": "message"}

_SCANNER = json.JSONDecoder()


def edited_elsewhere(recording: Recording, forwarded: bytes) -> Iterator[str]:
    """Yields the first place where the forwarded bytes are not the provider's."""
    payloads = _payloads if recording.stream else _whole
    promised = _PROMISED.get(recording.wire, _as_it_is)
    originals = [promised(payload, recording.stream) for payload in payloads(recording.body)]
    before = [_untouched(payload, recording) for payload in originals]
    after = [_untouched(payload, recording) for payload in payloads(forwarded)]
    for position, (was, now) in enumerate(zip(before, after, strict=False)):
        if was != now:
            yield f"bytes: payload {position} was {''.join(was)[:200]}, is {''.join(now)[:200]}"
            return
    if len(before) != len(after):
        yield f"bytes: {len(before)} payloads became {len(after)}"


def _as_it_is(text: str, _: bool) -> str:
    """Returns an answer that has nothing more."""
    return text


def _saying_calls(text: str, stream: bool) -> str:
    """Returns a whole chat answer in which each message says whether it has calls."""
    out, done = "", 0
    for message in () if stream else _messages(text):
        found = list(members(text, message))
        if "tool_calls" in {name for name, *_ in found}:
            continue
        end = found[-1][3] if found else message + 1
        out += text[done:end] + ("," if found else "") + '"tool_calls":null'
        done = end
    return out + text[done:]


def _naming_items(text: str, _: bool) -> str:
    """Returns a response, or one event of it, with the ids of items that callers see."""
    out, done = "", 0
    for value in sorted(_item_ids(text)):
        given, end = _SCANNER.raw_decode(text, value)
        if given:
            prefix, line, rest = given.partition("_")
            known = line and prefix.isalpha() and prefix.islower() and prefix != "item"
            out += text[done:value] + json.dumps(f"{prefix}_nxn-{rest}" if known else f"item_nxn-{given}")
            done = end
    return out + text[done:]


def _item_ids(text: str) -> Iterator[int]:
    """Yields where the id of each item stands, if it is a string."""
    top = {name: value for name, _, value, _ in members(text, 0)} if text.startswith("{") else {}
    if text[top.get("item_id", 0)] == '"':
        yield top["item_id"]
    whole = top.get("response", 0)
    output = {name: value for name, _, value, _ in members(text, whole)}.get("output") if top else None
    items = list(_objects(text, output)) if output is not None and text[output] == "[" else []
    for item in items + [top[name] for name in ("item",) if text[top.get(name, 0)] == "{" and name in top]:
        yield from (value for name, _, value, _ in members(text, item) if name == "id" and text[value] == '"')


# What a wire's answer has more, or otherwise, by the wire.
_PROMISED: Mapping[str, Callable[[str, bool], str]] = {
    "openai_chat": _saying_calls,
    "openai_responses": _naming_items,
}


def _messages(text: str) -> Iterator[int]:
    """Yields where the message of each choice opens."""
    choices = [value for name, _, value, _ in members(text, text.index("{")) if name == "choices"]
    for choice in _objects(text, choices[-1]) if choices else ():
        yield from (value for name, _, value, _ in members(text, choice) if name == "message" and text[value] == "{")


def _objects(text: str, start: int) -> Iterator[int]:
    """Yields where each object of the array at `start` opens."""
    at = start + 1
    while text[first := _after_space(text, at)] == "{":
        yield first
        at = _after_space(text, _SCANNER.raw_decode(text, first)[1]) + 1


def members(text: str, start: int) -> Iterator[tuple[str, int, int, int]]:
    """Yields each member of the object that opens at `start`: its name, its start, its value's start, and its end.

    A member is the whole text between two separators, space included.
    """
    at = start + 1
    while (first := _after_space(text, at)) < len(text) and text[first] == '"':
        name, end = _SCANNER.raw_decode(text, first)
        value = _after_space(text, _after_space(text, end) + 1)
        end = _after_space(text, _SCANNER.raw_decode(text, value)[1])
        yield name, at, value, end
        at = end + 1


def _untouched(payload: str, recording: Recording) -> list[str]:
    """Returns the texts of all members that are the provider's own, and the text after the last one."""
    if not payload.startswith("{"):
        return [payload]
    return list(_pieces(payload, NAMES[recording.wire], INSIDE.get(recording.wire) if recording.stream else None))


def _pieces(text: str, names: frozenset[str], inside: str | None) -> Iterator[str]:
    end = 1
    for name, start, value, end in members(text, 0):
        if inside is not None and name == inside and text[value] == "{":
            yield text[start:value]
            yield from _pieces(text[value:end], names, None)
        elif name not in names:
            yield text[start:end]
    yield text[end:]


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _whole(body: bytes) -> list[str]:
    return [body.decode().strip()]


def _payloads(stream: bytes) -> list[str]:
    """Returns each event's data without `[DONE]`, which some providers omit."""
    lines = stream.decode().replace("\r\n", "\n").split("\n")
    data = [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
    return [payload for payload in data if payload != "[DONE]"]
