"""Law: on the same wire every byte is the provider's, save the names that the gateway puts in their place.

Read with Python's own JSON scanner, not with the gateway's: members are taken apart into the very text between them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from tests.fidelity.recordings import Recording

# What is set or added: id and model under each wire's names, and the extension. Usage is asked for here, so it stays.
NAMES: Mapping[str, frozenset[str]] = {
    "openai_chat": frozenset({"id", "model", "nexevo"}),
    "openai_responses": frozenset({"id", "model", "nexevo"}),
    "anthropic_messages": frozenset({"id", "model", "nexevo"}),
    "gemini": frozenset({"responseId", "modelVersion", "nexevo"}),
}
# Events that carry the whole answer in a member have the names there.
INSIDE: Mapping[str, str] = {"openai_responses": "response", "anthropic_messages": "message"}

_SCANNER = json.JSONDecoder()


def edited_elsewhere(recording: Recording, forwarded: bytes) -> Iterator[str]:
    """The first place where the forwarded bytes are not the provider's."""
    payloads = _payloads if recording.stream else _whole
    before = [_untouched(payload, recording) for payload in payloads(recording.body)]
    after = [_untouched(payload, recording) for payload in payloads(forwarded)]
    for position, (was, now) in enumerate(zip(before, after, strict=False)):
        if was != now:
            yield f"bytes: payload {position} was {''.join(was)[:200]}, is {''.join(now)[:200]}"
            return
    if len(before) != len(after):
        yield f"bytes: {len(before)} payloads became {len(after)}"


def members(text: str, start: int) -> Iterator[tuple[str, int, int, int]]:
    """Of the object that opens at `start`: each name with where the member begins, its value begins, and it ends.

    A member is all that stands between two separators, space included.
    """
    at = start + 1
    while (first := _after_space(text, at)) < len(text) and text[first] == '"':
        name, end = _SCANNER.raw_decode(text, first)
        value = _after_space(text, _after_space(text, end) + 1)
        end = _after_space(text, _SCANNER.raw_decode(text, value)[1])
        yield name, at, value, end
        at = end + 1


def _untouched(payload: str, recording: Recording) -> list[str]:
    """The texts of all members that are the provider's own, and what follows the last one."""
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
    """Each event's data; `[DONE]` is left out, since some providers leave it out."""
    lines = stream.decode().replace("\r\n", "\n").split("\n")
    data = [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
    return [payload for payload in data if payload != "[DONE]"]
