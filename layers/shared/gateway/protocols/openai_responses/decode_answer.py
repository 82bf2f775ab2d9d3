"""A whole answer to canonical form: one choice, whatever the number of its items (field case E8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.canonical.parts import Citation, Opaque, Part, Refusal, Text, ToolCall
from gateway.canonical.response import ChatResponse, Choice
from gateway.errors import UpstreamError
from gateway.framing.provider_json import UNREADABLE, as_objects, as_text, created_s, dumped, load
from gateway.protocols.openai_responses import answer
from gateway.protocols.openai_responses.errors import decode_error_object
from gateway.protocols.openai_responses.signatures import decode_reasoning

Json = dict[str, Any]

_FAILED = frozenset({"failed", "cancelled"})
_CALLS = frozenset({"function_call", "custom_tool_call"})


def decode_response(body: bytes) -> ChatResponse:
    """The answer; raises what an error in its place means, and `UpstreamError` where it cannot be read."""
    response = load(body)
    if response.get("error") or response.get("status") in _FAILED:
        raise decode_error_object(response.get("error"))
    if "output" not in response:
        raise UpstreamError(UNREADABLE)
    items = as_objects(response["output"])
    choice = Choice(
        index=0,
        parts=tuple(part for item in items for part in item_parts(item)),
        finish_reason=answer.decode_ending(response, calls_tools(items)),
        logprobs=_logprobs(items),
    )
    return ChatResponse(
        upstream_id=as_text(response.get("id")),
        model=as_text(response.get("model")),
        created_s=created_s(response.get("created_at")),
        choices=(choice,),
        usage=answer.decode_usage(response.get("usage")),
    )


def calls_tools(items: list[Json]) -> bool:
    """Whether a caller's tool is called; the provider's own tools have been called already."""
    return any(item.get("type") in _CALLS for item in items)


def item_parts(item: Json) -> list[Part]:
    """The parts of one output item; one that only this wire can express stays as it came."""
    decode = _ITEMS.get(as_text(item.get("type")))
    return [Opaque(answer.PROTOCOL, dumped(item))] if decode is None else decode(item)


def chat_logprobs(logprobs: object) -> Json | None:
    """A text part's log probabilities in the shape of the OpenAI chat wire, or nothing where there are none."""
    return {"content": logprobs, "refusal": None} if logprobs else None


def _message(item: Json) -> list[Part]:
    return [_content_part(part) for part in as_objects(item.get("content"))]


def _content_part(part: Json) -> Part:
    if part.get("type") == "output_text":
        found = as_objects(part.get("annotations"))
        citations = tuple(Citation(answer.PROTOCOL, dumped(annotation)) for annotation in found)
        return Text(as_text(part.get("text")), citations=citations)
    if part.get("type") == "refusal":
        return Refusal(as_text(part.get("refusal")))
    return Opaque(answer.PROTOCOL, dumped(part))


def _reasoning(item: Json) -> list[Part]:
    parts = [part for name in ("summary", "content") for part in as_objects(item.get(name))]
    texts = [as_text(part.get("text")) for part in parts]
    return list(decode_reasoning(texts, as_text(item.get("encrypted_content"))))


def _call(item: Json) -> list[Part]:
    custom = item.get("type") == "custom_tool_call"
    return [
        ToolCall(
            id=as_text(item.get("call_id") or item.get("id")),
            name=as_text(item.get("name")),
            arguments=as_text(item.get("input" if custom else "arguments")),
            custom=custom,
        )
    ]


_ITEMS: Mapping[str, Callable[[Json], list[Part]]] = {
    "message": _message,
    "reasoning": _reasoning,
    "function_call": _call,
    "custom_tool_call": _call,
}


def _logprobs(items: list[Json]) -> Json | None:
    parts = [part for item in items if item.get("type") == "message" for part in as_objects(item.get("content"))]
    return chat_logprobs([entry for part in parts for entry in as_objects(part.get("logprobs"))])
