"""A whole answer to canonical form, in OpenAI's shape and the dialects of those who speak it."""

from __future__ import annotations

from typing import Any

from gateway.canonical.call_ids import CallIds
from gateway.canonical.parts import Citation, Opaque, Part, Refusal, Text, Thinking, ToolCall
from gateway.canonical.response import ChatResponse, Choice
from gateway.errors import UnreadableAnswer
from gateway.protocols.openai_chat import answer
from gateway.protocols.openai_chat.errors import decode_error_object, refused_in
from gateway.protocols.shared.provider_json import (
    as_arguments,
    as_index,
    as_logprobs,
    as_object,
    as_objects,
    as_parts,
    as_text,
    as_word,
    counting,
    created_s,
    dumped,
    load,
)

Json = dict[str, Any]

# The wire's own word for a text, and the Responses wire's.
_TEXTS = frozenset({"text", "output_text"})
# What a call says of itself beside the tool and its arguments.
_LABELS = frozenset({"id", "type", "index"})


def decode_response(body: bytes, answer_id: str = "") -> ChatResponse:
    """The answer; raises what an error in its place means, and `UnreadableAnswer` where it cannot be read."""
    value = load(body)
    error = refused_in(value)
    if error is not None:
        raise error
    usage = reported_usage(value)
    with counting(answer.decode_usage, usage):
        choices = as_objects(value.get("choices"))
        if not choices:
            raise UnreadableAnswer("it has no choices")
        if all(choice.get("error") for choice in choices):
            raise decode_error_object(choices[0]["error"])
        ids, pages = CallIds(answer_id), cited_pages(value)
        return ChatResponse(
            upstream_id=as_word(value.get("id")),
            model=as_word(value.get("model")),
            created_s=created_s(value.get("created")),
            choices=tuple(_choice(choice, position, ids, pages) for position, choice in enumerate(choices)),
            usage=answer.decode_usage(usage),
        )


def reported_usage(value: Json) -> object:
    """The count of tokens, in its place or in those that streams of Groq's and Moonshot's have for it."""
    if value.get("usage"):
        return value["usage"]
    choices = value.get("choices")
    for place in (value.get("x_groq"), *(choices if isinstance(choices, list) else ())):
        if isinstance(place, dict) and place.get("usage"):
            return place["usage"]
    return None


def content_parts(content: object) -> list[Part]:
    """Content as a string, as the typed parts of dialects whose models think aloud (Mistral), or as an object."""
    if content is None or isinstance(content, str):
        return [Text(content)] if content else []
    if isinstance(content, dict) and not content.keys() & {"type", "text"}:
        return [Text(dumped(content))]
    return [_content_part(part) for part in as_parts(content, type="text")]


def thinking_text(message: Json) -> str:
    """Reasoning, under the name that DeepSeek gave it, the one of Groq and OpenRouter, or in OpenRouter's details."""
    return as_text(message.get("reasoning_content") or message.get("reasoning")) or details_text(
        message.get("reasoning_details")
    )


def details_text(details: object) -> str:
    """Reads the text of https://openrouter.ai/docs/use-cases/reasoning-tokens#reasoning_details-array-structure."""
    return "".join(as_text(detail.get("text") or detail.get("summary")) for detail in as_parts(details))


def called_custom(call: Json) -> bool:
    """True if the call is a custom tool's; some providers write both members and leave the other one empty."""
    custom, function = as_object(call.get("custom")), as_object(call.get("function"))
    return call.get("type") == "custom" or (any(custom.values()) and not any(function.values()))


def is_empty_call(call: object) -> bool:
    """True if a call names no tool and gives it nothing; some providers put one beside a real call, or null."""
    members = as_object(call).items()
    said = [value for name, value in members if name not in _LABELS]
    return not any(any(value.values()) if isinstance(value, dict) else value for value in said)


def said_calls(calls: object) -> list[Json]:
    """The calls of a message, without those that say nothing."""
    return [call for call in as_objects(calls) if not is_empty_call(call)]


def legacy_call(message: Json) -> Json | None:
    """The one call of the wire's first manner, unless it says nothing, or stands beside calls of the present one."""
    function = as_object(message.get("function_call"))
    return (
        {"index": 0, "function": function}
        if any(function.values()) and not said_calls(message.get("tool_calls"))
        else None
    )


def cited_pages(value: Json) -> tuple[Citation, ...]:
    """The web pages that Perplexity and xAI list beside the choices: with titles, or as addresses alone.

    https://docs.perplexity.ai/api-reference/chat-completions-post, https://docs.x.ai/docs/guides/live-search.
    """
    listed = value.get("search_results") or value.get("citations")
    pages = [{"url": page} if isinstance(page, str) else page for page in (listed if isinstance(listed, list) else ())]
    return tuple(
        Citation(
            answer.PROTOCOL,
            dumped({"type": "url_citation", "url_citation": _page(page)}),
        )
        for page in pages
        if isinstance(page, dict) and isinstance(page.get("url"), str)
    )


def _page(page: Json) -> Json:
    return {"start_index": 0, "end_index": 0, "title": as_word(page.get("title")), "url": page["url"]}


def _choice(choice: Json, position: int, ids: CallIds, pages: tuple[Citation, ...]) -> Choice:
    message = as_object(choice.get("message"))
    parts = _parts(message, ids, pages)
    called = any(isinstance(part, ToolCall) for part in parts)
    return Choice(
        index=as_index(choice.get("index"), position),
        parts=tuple(parts),
        finish_reason=answer.decode_finish_reason(choice.get("finish_reason"), called),
        logprobs=as_logprobs(choice.get("logprobs")),
    )


def _parts(message: Json, ids: CallIds, pages: tuple[Citation, ...]) -> list[Part]:
    parts: list[Part] = []
    if thinking := thinking_text(message):
        parts.append(Thinking(thinking))
    parts += _cited(content_parts(message.get("content")), message, pages)
    if refusal := as_text(message.get("refusal")):
        parts.append(Refusal(refusal))
    legacy = legacy_call(message)
    calls = said_calls(message.get("tool_calls")) if legacy is None else [legacy]
    parts += [_tool_call(call, ids) for call in calls]
    if message.get("audio"):
        parts.append(Opaque(answer.PROTOCOL, dumped({"audio": message["audio"]})))
    return parts


def _cited(parts: list[Part], message: Json, pages: tuple[Citation, ...]) -> list[Part]:
    """Annotations belong to the message's text, which is one part, and so do pages where there are none."""
    found = as_objects(message.get("annotations"))
    citations = tuple(Citation(answer.PROTOCOL, dumped(annotation)) for annotation in found) or pages
    if not citations or not parts or not isinstance(parts[-1], Text):
        return parts
    return [*parts[:-1], Text(parts[-1].text, citations=citations)]


def _content_part(part: Json) -> Part:
    if as_word(part.get("type", "text")) in _TEXTS:
        return Text(as_text(part.get("text")))
    if part.get("type") == "thinking":
        pieces = as_parts(part.get("thinking"))
        return Thinking("".join(as_text(piece.get("text")) for piece in pieces))
    return Opaque(answer.PROTOCOL, dumped(part))


def _tool_call(call: Json, ids: CallIds) -> ToolCall:
    custom = called_custom(call)
    said = as_object(call.get("custom" if custom else "function"))
    return ToolCall(
        id=ids.of(as_word(call.get("id"))),
        name=as_text(said.get("name")),
        arguments=as_arguments(said.get("input" if custom else "arguments")),
        custom=custom,
    )
