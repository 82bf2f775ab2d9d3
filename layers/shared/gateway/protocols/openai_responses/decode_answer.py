"""Decodes a whole answer to canonical form: one choice for any number of items (field case E8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.canonical.call_ids import CallIds
from gateway.canonical.parts import Citation, Opaque, Part, Refusal, Text, ToolCall
from gateway.canonical.response import ChatResponse, Choice
from gateway.errors import UnreadableAnswer
from gateway.protocols.openai_responses import answer
from gateway.protocols.openai_responses.errors import decode_error_object
from gateway.protocols.openai_responses.signatures import decode_reasoning
from gateway.protocols.shared.provider_json import (
    as_arguments,
    as_logprobs,
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

# The wire's own word for a text, and the chat wire's.
TEXTS = frozenset({"output_text", "text"})
_FAILED = frozenset({"failed", "cancelled"})
_CALLS = frozenset({"function_call", "custom_tool_call"})
_FOUND = frozenset({"output", "results", "result", "tools"})


def decode_response(body: bytes, answer_id: str = "") -> ChatResponse:
    """The answer; raises what an error in its place means, and `UnreadableAnswer` where it cannot be read."""
    response = load(body)
    if response.get("error") or as_word(response.get("status")) in _FAILED:
        raise decode_error_object(response.get("error"))
    with counting(answer.decode_usage, response.get("usage")):
        if "output" not in response:
            raise UnreadableAnswer("it has no output")
        items, ids = as_objects(response["output"]), CallIds(answer_id)
        choice = Choice(
            index=0,
            parts=tuple(part for item in items for part in item_parts(item, ids)),
            finish_reason=answer.decode_ending(response, calls_tools(items)),
            logprobs=_logprobs(items),
        )
        uses = answer.decode_uses(items)
        return ChatResponse(
            upstream_id=as_word(response.get("id")),
            model=as_word(response.get("model")),
            created_s=created_s(response.get("created_at")),
            choices=(choice,),
            usage=answer.decode_usage(response.get("usage"), uses),
            uses=uses,
        )


def calls_tools(items: list[Json]) -> bool:
    """True if a caller's tool is called; the provider's own tools have been called already."""
    return any(as_word(item.get("type")) in _CALLS and not is_empty_call(item) for item in items)


def is_empty_call(item: Json) -> bool:
    """True if a call names no tool and gives it nothing; some providers put one beside a real call."""
    return not (item.get("name") or item.get("arguments") or item.get("input"))


def item_parts(item: Json, ids: CallIds) -> list[Part]:
    """The parts of one output item; one that only this wire can express stays as it came."""
    kind = as_text(item.get("type"))
    decode = _ITEMS.get(kind)
    if not kind:
        return []
    if decode is None:
        return [Opaque(answer.PROTOCOL, dumped(item), generated=is_generated(item))]
    return decode(item, ids)


def is_generated(item: Json) -> bool:
    """False for what the provider's own tool has found or answered, which the model reads."""
    return not item.keys() & _FOUND


def content_of(item: Json) -> list[Json]:
    """The parts of a message, whose text some write without a part around it."""
    return as_parts(item.get("content"), type="output_text")


def chat_logprobs(logprobs: object) -> Json | None:
    """A text part's log probabilities in the shape of the OpenAI chat wire, or nothing where there are none."""
    return as_logprobs({"content": logprobs, "refusal": None}) if logprobs else None


def _message(item: Json, _: CallIds) -> list[Part]:
    return [_content_part(part) for part in content_of(item)]


def _content_part(part: Json) -> Part:
    if as_word(part.get("type")) in TEXTS:
        found = as_objects(part.get("annotations"))
        citations = tuple(Citation(answer.PROTOCOL, dumped(annotation)) for annotation in found)
        return Text(as_text(part.get("text")), citations=citations)
    if part.get("type") == "refusal":
        return Refusal(as_text(part.get("refusal")))
    return Opaque(answer.PROTOCOL, dumped(part))


def _reasoning(item: Json, _: CallIds) -> list[Part]:
    parts = [part for name in ("summary", "content") for part in as_parts(item.get(name))]
    texts = [as_text(part.get("text")) for part in parts]
    return list(decode_reasoning(texts, as_text(item.get("encrypted_content"))))


def _call(item: Json, ids: CallIds) -> list[Part]:
    custom = item.get("type") == "custom_tool_call"
    if is_empty_call(item):
        return []
    return [
        ToolCall(
            id=ids.of(as_word(item.get("call_id"))),
            name=as_text(item.get("name")),
            arguments=as_arguments(item.get("input" if custom else "arguments")),
            custom=custom,
        )
    ]


_ITEMS: Mapping[str, Callable[[Json, CallIds], list[Part]]] = {
    "message": _message,
    "reasoning": _reasoning,
    "function_call": _call,
    "custom_tool_call": _call,
}


def _logprobs(items: list[Json]) -> Json | None:
    parts = [part for item in items if item.get("type") == "message" for part in content_of(item)]
    return chat_logprobs([entry for part in parts for entry in as_objects(part.get("logprobs"))])
