"""A whole answer to canonical form, in OpenAI's shape and the dialects of those who speak it."""

from __future__ import annotations

from typing import Any

from gateway.canonical.parts import Citation, Opaque, Part, Refusal, Text, Thinking, ToolCall
from gateway.canonical.response import ChatResponse, Choice
from gateway.errors import UpstreamError
from gateway.framing.provider_json import UNREADABLE, as_index, as_object, as_objects, as_text, created_s, dumped, load
from gateway.protocols.openai_chat import answer
from gateway.protocols.openai_chat.errors import decode_error_object


def decode_response(body: bytes) -> ChatResponse:
    """The answer; raises what an error in its place means, and `UpstreamError` where it cannot be read."""
    value = load(body)
    if value.get("error"):
        raise decode_error_object(value["error"])
    choices = as_objects(value.get("choices"))
    if not choices:
        raise UpstreamError(UNREADABLE)
    return ChatResponse(
        upstream_id=as_text(value.get("id")),
        model=as_text(value.get("model")),
        created_s=created_s(value.get("created")),
        choices=tuple(_choice(choice, position) for position, choice in enumerate(choices)),
        usage=answer.decode_usage(value.get("usage")),
    )


def content_parts(content: object) -> list[Part]:
    """Content as a string, or as the typed parts of dialects whose models think aloud (Mistral)."""
    if content is None or isinstance(content, str):
        return [Text(content)] if content else []
    return [_content_part(part) for part in as_objects(content)]


def thinking_text(message: dict[str, Any]) -> str:
    """Reasoning, under the name that DeepSeek gave it or the one of Groq and OpenRouter."""
    return as_text(message.get("reasoning_content") or message.get("reasoning"))


def arguments_text(value: object) -> str:
    """A call's arguments as JSON text; some providers send the object itself."""
    return dumped(value) if isinstance(value, dict) else as_text(value)


def _choice(choice: dict[str, Any], position: int) -> Choice:
    message = as_object(choice.get("message"))
    parts = _parts(message)
    called = any(isinstance(part, ToolCall) for part in parts)
    word = choice.get("finish_reason")
    return Choice(
        index=as_index(choice.get("index"), position),
        parts=tuple(parts),
        finish_reason=answer.decode_finish_reason(word, called),
        logprobs=choice.get("logprobs"),
    )


def _parts(message: dict[str, Any]) -> list[Part]:
    parts: list[Part] = []
    if thinking := thinking_text(message):
        parts.append(Thinking(thinking))
    parts += _cited(content_parts(message.get("content")), message)
    if refusal := as_text(message.get("refusal")):
        parts.append(Refusal(refusal))
    calls = as_objects(message.get("tool_calls"))
    parts += [_tool_call(call, position) for position, call in enumerate(calls)]
    if message.get("function_call"):
        parts.append(_tool_call({"function": message["function_call"]}, 0))
    if message.get("audio"):
        parts.append(Opaque(answer.PROTOCOL, dumped({"audio": message["audio"]})))
    return parts


def _cited(parts: list[Part], message: dict[str, Any]) -> list[Part]:
    """Annotations belong to the message's text, which is one part."""
    found = as_objects(message.get("annotations"))
    citations = tuple(Citation(answer.PROTOCOL, dumped(annotation)) for annotation in found)
    if not citations or not parts or not isinstance(parts[-1], Text):
        return parts
    return [*parts[:-1], Text(parts[-1].text, citations=citations)]


def _content_part(part: dict[str, Any]) -> Part:
    if part.get("type") == "text":
        return Text(as_text(part.get("text")))
    if part.get("type") == "thinking":
        pieces = as_objects(part.get("thinking"))
        return Thinking("".join(as_text(piece.get("text")) for piece in pieces))
    return Opaque(answer.PROTOCOL, dumped(part))


def _tool_call(call: dict[str, Any], position: int) -> ToolCall:
    """A call; one without an id, as a legacy function's, gets one from its place."""
    custom = as_object(call.get("custom"))
    function = as_object(call.get("function"))
    return ToolCall(
        id=as_text(call.get("id")) or f"call_{position}",
        name=as_text((custom or function).get("name")),
        arguments=arguments_text(custom.get("input") if custom else function.get("arguments")),
        custom=bool(custom),
    )
