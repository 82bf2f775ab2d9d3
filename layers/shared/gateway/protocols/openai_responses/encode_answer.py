"""A canonical answer as a response (https://platform.openai.com/docs/api-reference/responses/object)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from gateway.canonical.events import (
    CitationAdded,
    Content,
    OpaqueDelta,
    RedactedThinkingDelta,
    RefusalDelta,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from gateway.canonical.parts import (
    Audio,
    Document,
    Image,
    Opaque,
    Part,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from gateway.canonical.response import ChatResponse, Choice, Extension, FinishReason, Stamp
from gateway.canonical.usage import Usage
from gateway.protocols.openai_responses.answer import encode_ending, encode_usage
from gateway.protocols.openai_responses.output import Output
from gateway.protocols.openai_responses.output_item import Json

# What an answer says of its request where the request said nothing.
_ECHO_DEFAULTS: Mapping[str, Any] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}


def encode_response(response: ChatResponse, stamp: Stamp, extension: Extension) -> bytes:
    """The whole body; what this wire has no word for is left out, as docs/bridging.md has it."""
    reason = None
    output = Output(stamp.response_id, stamp.echo)
    for choice in response.choices:
        reason = last_word(reason, choice.finish_reason)
        for event in _events(choice):
            output.write(event)
    ending = encode_ending(reason)
    output.close(item_status(ending))
    body = response_object(stamp, stamp.echo, ending, output.items, response.usage)
    return orjson.dumps(body | {"nexevo": extension.as_json()})


def response_object(
    stamp: Stamp, echo: Mapping[str, Any], ending: Json, items: list[Json], usage: Usage | None
) -> Json:
    """A response at some point of its life; `ending` holds the members that say where."""
    return {
        "id": stamp.response_id,
        "object": "response",
        "created_at": stamp.created_s,
        "model": stamp.model,
        **ending,
        "output": items,
        "usage": None if usage is None else encode_usage(usage),
        **_ECHO_DEFAULTS,
        **echo,
    }


def last_word(before: FinishReason | None, reason: FinishReason | None) -> FinishReason | None:
    """How an answer ended that a provider split over choices: where one calls tools, that counts, else the last."""
    return before if before is FinishReason.TOOL_CALLS else reason


def item_status(ending: Json) -> str:
    """What an item that is open at the end is called."""
    return "completed" if ending["status"] == "completed" else "incomplete"


def _events(choice: Choice) -> Iterator[Content]:
    """The answer as if it had streamed, so that both ways make the same items."""
    calls = 0
    logprobs = choice.logprobs
    for number, part in enumerate(choice.parts):
        yield from _part_events(part, (choice.index, number), calls, logprobs)
        calls += isinstance(part, ToolCall)
        logprobs = None if isinstance(part, Text) else logprobs


def _part_events(part: Part, place: tuple[int, int], call: int, logprobs: Any) -> Iterator[Content]:
    """`place` is the choice and the part's ordinal in it."""
    choice, number = place
    match part:
        case Text(text, citations=citations):
            yield TextDelta(text, number, choice, logprobs)
            for citation in citations:
                yield CitationAdded(citation, number, choice)
        case Thinking(text, signature, signed_by):
            yield ThinkingDelta(text, number, choice, signature, signed_by)
        case RedactedThinking(data, signed_by):
            yield RedactedThinkingDelta(data, number, choice, signed_by)
        case Refusal(text):
            yield RefusalDelta(text, number, choice)
        case ToolCall(identity, name, arguments, custom=custom):
            yield ToolCallStarted(identity, name, call, number, choice, custom=custom)
            yield ToolCallDelta(arguments, call, number, choice)
        case Opaque(protocol, json_text):
            yield OpaqueDelta(protocol, json_text, number, choice)
        case Image() | Document() | Audio() | ToolResult():
            return  # What callers send; an answer has no item for them.
