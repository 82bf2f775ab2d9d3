"""A whole answer to canonical form, in OpenAI's shape and the dialects of those who speak it."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.canonical.parts import Citation, Opaque, Part, Refusal, Text, Thinking, ToolCall
from gateway.canonical.response import ChatResponse, Choice
from gateway.errors import UpstreamError
from gateway.protocols.openai_chat import answer
from gateway.protocols.openai_chat.errors import decode_error_object


def decode_response(body: bytes) -> ChatResponse:
    """The answer; raises what an error in its place means, and `UpstreamError` where it cannot be read."""
    value = answer.load(body)
    if value.get("error"):
        raise decode_error_object(value["error"])
    choices = answer.as_objects(value.get("choices"))
    if not choices:
        raise UpstreamError(answer.UNREADABLE)
    return ChatResponse(
        upstream_id=answer.as_text(value.get("id")),
        model=answer.as_text(value.get("model")),
        created_s=answer.created_s(value.get("created")),
        choices=tuple(_choice(choice, position) for position, choice in enumerate(choices)),
        usage=answer.decode_usage(value.get("usage")),
    )


def content_parts(content: object) -> list[Part]:
    """Content as a string, or as the typed parts of dialects whose models think aloud (Mistral)."""
    if content is None or isinstance(content, str):
        return [Text(content)] if content else []
    return [_content_part(part) for part in answer.as_objects(content)]


def thinking_text(message: dict[str, Any]) -> str:
    """Reasoning, under the name that DeepSeek gave it or the one of Groq and OpenRouter."""
    return answer.as_text(message.get("reasoning_content") or message.get("reasoning"))


def arguments_text(value: object) -> str:
    """A call's arguments as JSON text; some providers send the object itself."""
    return dumped(value) if isinstance(value, dict) else answer.as_text(value)


def dumped(value: object) -> str:
    """JSON text of something only this wire can express."""
    return orjson.dumps(value).decode()


def _choice(choice: dict[str, Any], position: int) -> Choice:
    message = answer.as_object(choice.get("message"))
    parts = _parts(message)
    called = any(isinstance(part, ToolCall) for part in parts)
    word = choice.get("finish_reason")
    return Choice(
        index=answer.as_index(choice.get("index"), position),
        parts=tuple(parts),
        finish_reason=None if word is None else answer.decode_finish_reason(word, called),
        logprobs=choice.get("logprobs"),
    )


def _parts(message: dict[str, Any]) -> list[Part]:
    parts: list[Part] = []
    if thinking := thinking_text(message):
        parts.append(Thinking(thinking))
    parts += _cited(content_parts(message.get("content")), message)
    if refusal := answer.as_text(message.get("refusal")):
        parts.append(Refusal(refusal))
    calls = answer.as_objects(message.get("tool_calls"))
    parts += [_tool_call(call, position) for position, call in enumerate(calls)]
    if message.get("function_call"):
        parts.append(_tool_call({"function": message["function_call"]}, 0))
    if message.get("audio"):
        parts.append(Opaque(answer.PROTOCOL, dumped({"audio": message["audio"]})))
    return parts


def _cited(parts: list[Part], message: dict[str, Any]) -> list[Part]:
    """Annotations belong to the message's text, which is one part."""
    found = answer.as_objects(message.get("annotations"))
    citations = tuple(Citation(answer.PROTOCOL, dumped(annotation)) for annotation in found)
    if not citations or not parts or not isinstance(parts[-1], Text):
        return parts
    return [*parts[:-1], Text(parts[-1].text, citations=citations)]


def _content_part(part: dict[str, Any]) -> Part:
    if part.get("type") == "text":
        return Text(answer.as_text(part.get("text")))
    if part.get("type") == "thinking":
        pieces = answer.as_objects(part.get("thinking"))
        return Thinking("".join(answer.as_text(piece.get("text")) for piece in pieces))
    return Opaque(answer.PROTOCOL, dumped(part))


def _tool_call(call: dict[str, Any], position: int) -> ToolCall:
    """A call; one without an id, as a legacy function's, gets one from its place."""
    custom = answer.as_object(call.get("custom"))
    function = answer.as_object(call.get("function"))
    return ToolCall(
        id=answer.as_text(call.get("id")) or f"call_{position}",
        name=answer.as_text((custom or function).get("name")),
        arguments=arguments_text(custom.get("input") if custom else function.get("arguments")),
        custom=bool(custom),
    )
