"""A conversation as a target takes it: no refused blanks, every call answered, the right ones first and last.

The order is that of the conversation, less what a target would refuse: results follow their calls, and instructions
that stand behind the last answer are what the user says next, so that no answer becomes one to go on with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from gateway.canonical.parts import Document, Message, Part, RedactedThinking, Refusal, Text, Thinking, ToolResult
from gateway.providers.constraints.calls import Messages, fit_calls
from gateway.providers.constraints.table import Constraints

OPENING = "Continue the conversation."
CLOSING = "Continue."
BESIDE_A_DOCUMENT = "See the attached document."


def fit_turns(messages: Messages, limits: Constraints) -> Messages:
    """The conversation, in turns that the target takes."""
    kept = _written(messages, limits)
    kept = fit_calls(kept, limits)
    if not limits.instructions_between:
        kept = _instructions_ahead(kept)
    kept = _completed(kept, limits)
    return kept if limits.document_alone else _text_beside_documents(kept)


def _written(messages: Messages, limits: Constraints) -> Messages:
    """Removes the texts, thoughts and names that the target refuses, and turns that contain no other part.

    An answer that stands last for that reason is none to go on with.
    """
    kept = []
    for message in messages:
        parts = tuple(_parts(message.parts, limits))
        name = message.name if limits.names_speakers else None
        if parts:
            kept.append(
                message if (parts, name) == (message.parts, message.name) else replace(message, parts=parts, name=name)
            )
    if kept and kept[-1].role == "assistant" and messages[-1].role != "assistant":
        kept.append(Message("user", (Text(CLOSING),)))
    return tuple(kept)


def _parts(parts: Iterable[Part], limits: Constraints) -> Iterator[Part]:
    for part in parts:
        match part:
            case Text(text, signature=None) | Refusal(text) if _is_refused(text, limits):
                continue
            case Thinking() | RedactedThinking() if not limits.takes_thoughts:
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
            # Behind instructions too, which some wires leave in their place.
            kept.append(Message("user", (Text(CLOSING),)))
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
