"""A whole answer to canonical form, from either of Google's APIs."""

from __future__ import annotations

from typing import Any

from gateway.canonical.call_ids import CallIds
from gateway.canonical.parts import Citation, Opaque, Part, Text, Thinking, ToolCall
from gateway.canonical.response import ChatResponse, Choice, FinishReason
from gateway.errors import UnreadableAnswer
from gateway.protocols.gemini import answer
from gateway.protocols.gemini.errors import decode_error_object
from gateway.protocols.shared.provider_json import (
    as_arguments,
    as_index,
    as_object,
    as_objects,
    as_parts,
    as_text,
    as_word,
    counting,
    dumped,
    load,
)

# What a candidate says of its sources; each is kept whole, since the pieces refer to one another.
_SOURCES = ("groundingMetadata", "citationMetadata", "urlContextMetadata")


def decode_response(body: bytes, answer_id: str = "") -> ChatResponse:
    """The answer; raises what an error in its place means, and `UnreadableAnswer` where it cannot be read."""
    value = load(body)
    if value.get("error"):
        raise decode_error_object(value["error"])
    with counting(answer.decode_usage, value.get("usageMetadata")):
        ids = CallIds(answer_id)
        listed = as_objects(value.get("candidates"))
        choices = tuple(_choice(candidate, position, ids) for position, candidate in enumerate(listed))
        if not choices and answer.is_blocked(value):
            choices = (Choice(0, (), FinishReason.CONTENT_FILTER),)
        if not choices:
            raise UnreadableAnswer("it has no candidates")
        searches = answer.Searches()
        for position, candidate in enumerate(listed):
            searches.note(position, candidate)
        return ChatResponse(
            upstream_id=as_word(value.get("responseId")),
            model=as_word(value.get("modelVersion")),
            created_s=None,
            choices=choices,
            usage=answer.decode_usage(value.get("usageMetadata"), searches.uses),
            uses=searches.uses,
        )


def read_part(part: dict[str, Any], ids: CallIds) -> Part | None:
    """One part of an answer; nothing where it says nothing. What only this wire knows stays as it came."""
    signature = as_text(part.get("thoughtSignature")) or None
    if "functionCall" in part:
        function = as_object(part["functionCall"])
        if not any(function.values()):
            return None
        identity, arguments = ids.of(as_word(function.get("id"))), as_arguments(function.get("args")) or "{}"
        return ToolCall(identity, as_text(function.get("name")), arguments, signature=signature)
    if "text" not in part and part.keys() - {"thoughtSignature", "thought"}:
        return Opaque(answer.PROTOCOL, dumped(part))
    text = as_text(part.get("text"))
    if not text and not signature:
        return None
    if part.get("thought"):
        return Thinking(text, signature=signature, signed_by=answer.PROTOCOL if signature else None)
    return Text(text, signature=signature)


def read_citations(candidate: dict[str, Any]) -> tuple[Citation, ...]:
    """The sources that a candidate names."""
    found = [name for name in _SOURCES if candidate.get(name)]
    return tuple(Citation(answer.PROTOCOL, dumped({name: candidate[name]})) for name in found)


def parts_of(candidate: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a candidate's content, which may be absent."""
    content = candidate.get("content")
    return as_parts(content.get("parts") if isinstance(content, dict) else content)


def _choice(candidate: dict[str, Any], position: int, ids: CallIds) -> Choice:
    parts = [read for part in parts_of(candidate) if (read := read_part(part, ids)) is not None]
    called = any(isinstance(part, ToolCall) for part in parts)
    return Choice(
        index=as_index(candidate.get("index"), position),
        parts=tuple(_cited(parts, read_citations(candidate))),
        finish_reason=answer.decode_finish_reason(candidate.get("finishReason"), called),
        logprobs=answer.decode_logprobs(candidate.get("logprobsResult")),
    )


def _cited(parts: list[Part], citations: tuple[Citation, ...]) -> list[Part]:
    """A candidate's sources belong to the last text it said."""
    places = [place for place, part in enumerate(parts) if isinstance(part, Text)]
    if not citations or not places:
        return parts
    last = parts[places[-1]]
    text, signature = (last.text, last.signature) if isinstance(last, Text) else ("", None)
    return [
        Text(text, citations=citations, signature=signature) if place == places[-1] else part
        for place, part in enumerate(parts)
    ]
