"""Calls of a history and their results: each call answered right behind it, under an id that is its own.

Clones of a wire begin to count anew in each answer (`call_0`), or give one id to two calls of an answer. Results follow
their calls in the calls' order, so that the first result of an id is that of its first call.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from gateway.canonical.parts import Message, Part, Text, ToolCall, ToolResult
from gateway.providers.constraints.naming import Names, names_sent
from gateway.providers.constraints.table import Alphabet, Constraints

UNANSWERED = "The tool was not run, or its result was lost."

Messages = tuple[Message, ...]


def fit_calls(messages: Messages, limits: Constraints) -> Messages:
    """The conversation with the results of each run of answers right behind it, under ids that the target takes."""
    kept: list[Message] = []
    seen: dict[str, int] = {}
    for said, behind in _runs(messages):
        calls = [part for message in said for part in message.parts if isinstance(part, ToolCall)]
        results = _results(behind, calls)
        if calls:
            seen = {} if limits.call_ids_repeat else seen
            ids = list(_told_apart((call.id for call in calls), seen))
            kept.append(_called(said, ids))
            kept.append(Message("tool", tuple(map(_answer, calls, results, ids))))
        else:
            kept += said
        used = {id(result) for result in results}
        kept += [rest for message in behind for rest in _besides(message, used)]
    if limits.call_id_digits is not None:
        return _with_digits(tuple(kept), limits.call_id_digits)
    return tuple(kept) if limits.call_id is None else _with_ids(tuple(kept), limits.call_id)


def _runs(messages: Messages) -> Iterator[tuple[list[Message], list[Message]]]:
    """Answers that follow each other, and what follows them before the next."""
    said: list[Message] = []
    behind: list[Message] = []
    for message in messages:
        if message.role == "assistant" and behind:
            yield said, behind
            said, behind = [], []
        (said if message.role == "assistant" else behind).append(message)
    yield said, behind


def _results(messages: Iterable[Message], calls: Sequence[ToolCall]) -> list[ToolResult | None]:
    """The result of each call, or `None`; of an id that repeats, the first call has the first result."""
    found: dict[str, list[ToolResult]] = {}
    for message in messages:
        for part in message.parts:
            if isinstance(part, ToolResult):
                found.setdefault(part.call_id, []).append(part)
    ordered = {call_id: iter(results) for call_id, results in found.items()}
    return [next(ordered.get(call.id, iter(())), None) for call in calls]


def _told_apart(ids: Iterable[str], seen: dict[str, int]) -> Iterator[str]:
    """The ids with a number behind one that was there before; `seen` counts them, earlier turns' included.

    The numbers depend on what stands ahead alone, so that a conversation that grows keeps its beginning.
    """
    for given in ids:
        identity = given
        while identity in seen:
            seen[given] += 1
            identity = f"{given}_{seen[given]}"
        seen[identity] = 1
        yield identity


def _called(said: Sequence[Message], ids: Iterable[str]) -> Message:
    """One answer of those that follow each other, its calls under these ids."""
    given = iter(ids)
    parts = (part for message in said for part in message.parts)
    return replace(
        said[0],
        parts=tuple(_with_id(part, next(given)) if isinstance(part, ToolCall) else part for part in parts),
    )


def _answer(call: ToolCall, result: ToolResult | None, identity: str) -> ToolResult:
    if result is None:
        return ToolResult(identity, (Text(UNANSWERED),), is_error=True, name=call.name)
    return result if result.call_id == identity else replace(result, call_id=identity)


def _besides(message: Message, used: set[int]) -> Iterator[Message]:
    """Yields the parts of a turn besides the results of calls; a result without a call becomes a user's text."""
    if message.role != "tool":
        yield message
        return
    spare: list[Part] = []
    for part in message.parts:
        if isinstance(part, ToolResult) and id(part) not in used:
            text = "\n".join(piece.text for piece in part.parts if isinstance(piece, Text))
            spare.append(Text(f"Result of the tool call {part.call_id}: {text}"))
            spare += [piece for piece in part.parts if not isinstance(piece, Text)]
        elif not isinstance(part, ToolResult):
            spare.append(part)
    if spare:
        yield Message("user", tuple(spare))


def _with_ids(messages: Messages, alphabet: Alphabet) -> Messages:
    """Ids in the characters that the target takes, the same for a call and its result."""
    return _with_names(messages, names_sent(_ids(messages), alphabet))


def _with_digits(messages: Messages, length: int) -> Messages:
    """Ids of exactly so many letters and digits; another one becomes the beginning of its digest."""
    others = (given for given in _ids(messages) if not (given.isascii() and given.isalnum() and len(given) == length))
    return _with_names(messages, {given: hashlib.sha256(given.encode()).hexdigest()[:length] for given in others})


def _ids(messages: Messages) -> list[str]:
    parts = [part for message in messages for part in message.parts]
    called = [part.id for part in parts if isinstance(part, ToolCall)]
    return [*called, *(part.call_id for part in parts if isinstance(part, ToolResult))]


def _with_names(messages: Messages, sent: Names) -> Messages:
    if not sent:
        return messages
    return tuple(replace(message, parts=tuple(_renamed(part, sent) for part in message.parts)) for message in messages)


def _renamed(part: Part, sent: Names) -> Part:
    match part:
        case ToolCall(id=call_id):
            return _with_id(part, sent.get(call_id, call_id))
        case ToolResult(call_id=call_id):
            return replace(part, call_id=sent.get(call_id, call_id))
        case _:
            return part


def _with_id(call: ToolCall, identity: str) -> ToolCall:
    return call if call.id == identity else replace(call, id=identity)
