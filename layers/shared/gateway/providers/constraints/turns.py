"""A conversation as a target takes it: no refused blanks, every call answered, the right ones first and last.

The order is that of the conversation, less what a target would refuse: results follow their calls, and instructions
that stand behind the last answer are what the user says next, so that no answer becomes one to go on with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from gateway.canonical.parts import Document, Message, Part, Refusal, Text, ToolCall, ToolResult
from gateway.providers.constraints.naming import Names, names_sent
from gateway.providers.constraints.table import Alphabet, Constraints

OPENING = "Continue the conversation."
CLOSING = "Continue."
BESIDE_A_DOCUMENT = "See the attached document."
UNANSWERED = "The tool was not run, or its result was lost."

Messages = tuple[Message, ...]


def fit_turns(messages: Messages, limits: Constraints) -> Messages:
    """The conversation, in turns that the target takes."""
    kept = _written(messages, limits)
    kept = _answered(kept)
    if not limits.instructions_between:
        kept = _instructions_ahead(kept)
    kept = _completed(kept, limits)
    if not limits.document_alone:
        kept = _text_beside_documents(kept)
    return kept if limits.call_id is None else _with_ids(kept, limits.call_id)


def _written(messages: Messages, limits: Constraints) -> Messages:
    """Removes the texts that the target refuses, and turns that contain no other part.

    An answer that stands last for that reason is none to go on with.
    """
    kept = []
    for message in messages:
        parts = tuple(_parts(message.parts, limits))
        if parts:
            kept.append(message if parts == message.parts else replace(message, parts=parts))
    if kept and kept[-1].role == "assistant" and messages[-1].role != "assistant":
        kept.append(Message("user", (Text(CLOSING),)))
    return tuple(kept)


def _parts(parts: Iterable[Part], limits: Constraints) -> Iterator[Part]:
    for part in parts:
        match part:
            case Text(text, signature=None) | Refusal(text) if _is_refused(text, limits):
                continue
            case ToolResult():
                held = tuple(
                    piece for piece in part.parts if not (isinstance(piece, Text) and _is_refused(piece.text, limits))
                )
                yield part if held == part.parts else replace(part, parts=held)
            case _:
                yield part


def _is_refused(text: str, limits: Constraints) -> bool:
    if limits.texts == "any":
        return False
    return not (text.strip() if limits.texts == "not blank" else text)


def _answered(messages: Messages) -> Messages:
    """Each run of answers with the results of its calls right behind it, in the order of the calls."""
    kept: list[Message] = []
    for said, behind in _runs(messages):
        calls = [part for message in said for part in message.parts if isinstance(part, ToolCall)]
        results = _results(behind, {call.id for call in calls})
        kept += [replace(said[0], parts=tuple(part for message in said for part in message.parts))] if calls else said
        if calls:
            answers = tuple(results.get(call.id) or _lost(call) for call in calls)
            kept.append(Message("tool", answers))
        kept += [rest for message in behind for rest in _besides(message, results)]
    return tuple(kept)


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


def _results(messages: Iterable[Message], asked: set[str]) -> dict[str, ToolResult]:
    """The first result of each call."""
    found: dict[str, ToolResult] = {}
    for message in messages:
        for part in message.parts:
            if isinstance(part, ToolResult) and part.call_id in asked:
                found.setdefault(part.call_id, part)
    return found


def _lost(call: ToolCall) -> ToolResult:
    return ToolResult(call.id, (Text(UNANSWERED),), is_error=True, name=call.name)


def _besides(message: Message, results: dict[str, ToolResult]) -> Iterator[Message]:
    """Yields the parts of a turn besides the results of calls; a result without a call becomes a user's text."""
    if message.role != "tool":
        yield message
        return
    spare: list[Part] = []
    for part in message.parts:
        if isinstance(part, ToolResult) and results.get(part.call_id) is not part:
            text = "\n".join(piece.text for piece in part.parts if isinstance(piece, Text))
            spare.append(Text(f"Result of the tool call {part.call_id}: {text}"))
            spare += [piece for piece in part.parts if not isinstance(piece, Text)]
        elif not isinstance(part, ToolResult):
            spare.append(part)
    if spare:
        yield Message("user", tuple(spare))


def _instructions_ahead(messages: Messages) -> Messages:
    """Instructions behind the last answer, or alone, are what the user says; a wire tells the others ahead of all."""
    last = max((at for at, message in enumerate(messages) if message.role != "system"), default=-1)
    if last >= 0 and messages[last].role != "assistant":
        return messages
    told = (replace(message, role="user") for message in messages[last + 1 :])
    return (*messages[: last + 1], *told)


def _completed(messages: Messages, limits: Constraints) -> Messages:
    """Adds a user's text if the target requires one first or last."""
    turns = [at for at, message in enumerate(messages) if message.role != "system"]
    if not turns:
        return messages
    first, last = turns[0], turns[-1]
    kept = list(messages)
    if messages[last].role == "assistant":
        if limits.closes_with_user:
            kept.insert(last + 1, Message("user", (Text(CLOSING),)))
        elif not limits.closes_with_blank:
            kept[last] = _without_trailing_blanks(messages[last])
    if limits.opens_with_user and messages[first].role == "assistant":
        kept.insert(first, Message("user", (Text(OPENING),)))
    return tuple(kept)


def _without_trailing_blanks(message: Message) -> Message:
    part = message.parts[-1]
    if not isinstance(part, Text) or part.text == part.text.rstrip():
        return message
    return replace(message, parts=(*message.parts[:-1], replace(part, text=part.text.rstrip())))


def _text_beside_documents(messages: Messages) -> Messages:
    """Each turn of the user's that holds a document holds a text too; neighbours make one turn."""
    kept: list[Message] = []
    turn: list[Message] = []
    for message in messages:
        if message.role == "assistant":
            kept += [*_with_text(turn), message]
            turn = []
        else:
            turn.append(message)
    return (*kept, *_with_text(turn))


def _with_text(turn: Sequence[Message]) -> Iterable[Message]:
    said = [message for message in turn if message.role == "user"]
    parts = [part for message in said for part in message.parts]
    if any(isinstance(part, Text) for part in parts) or not any(isinstance(part, Document) for part in parts):
        return turn
    told = next(message for message in said if any(isinstance(part, Document) for part in message.parts))
    beside = replace(told, parts=(*told.parts, Text(BESIDE_A_DOCUMENT)))
    return [beside if message is told else message for message in turn]


def _with_ids(messages: Messages, alphabet: Alphabet) -> Messages:
    """Ids in the characters that the target takes, the same for a call and its result."""
    parts = [part for message in messages for part in message.parts]
    called = [part.id for part in parts if isinstance(part, ToolCall)]
    sent = names_sent([*called, *(part.call_id for part in parts if isinstance(part, ToolResult))], alphabet)
    if not sent:
        return messages
    return tuple(replace(message, parts=tuple(_with_id(part, sent) for part in message.parts)) for message in messages)


def _with_id(part: Part, sent: Names) -> Part:
    match part:
        case ToolCall(id=call_id):
            return replace(part, id=sent.get(call_id, call_id))
        case ToolResult(call_id=call_id):
            return replace(part, call_id=sent.get(call_id, call_id))
        case _:
            return part
