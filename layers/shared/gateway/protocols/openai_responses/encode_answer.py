"""A canonical answer as a response (https://platform.openai.com/docs/api-reference/responses/object)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.canonical.replay import replayed_content
from gateway.canonical.response import ChatResponse, Extension, FinishReason, Stamp
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
        for event in replayed_content(choice):
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
    """Returns the end of an answer split over choices: that of a choice that calls tools, else the last."""
    return before if before is FinishReason.TOOL_CALLS else reason


def item_status(ending: Json) -> str:
    """Returns the status of an item that is open at the end."""
    return "completed" if ending["status"] == "completed" else "incomplete"
