"""Holds the parts that whole and streamed answers share: choices, finish reasons, usage, and the echoed prompt.

The members are those of https://platform.openai.com/docs/api-reference/completions/object; there is one object for
both, whose text is whole or a piece.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.canonical.response import FinishReason, Stamp
from gateway.canonical.usage import Usage

PROTOCOL = "openai_completions"
NOT_FORWARDED = "no provider speaks this wire"
# What the decoder puts in the request's `echo`: the texts that come before the choices' own, by index.
PROMPTS = "prompts"

# The wire has three words; what it has none for ends as a plain stop.
_WORDS: Mapping[FinishReason, str] = {
    FinishReason.LENGTH: "length",
    FinishReason.CONTENT_FILTER: "content_filter",
    FinishReason.REFUSAL: "content_filter",
}


def echoed(stamp: Stamp, index: int) -> str:
    """The prompt of a choice, where the caller wants it before the text; else nothing."""
    prompts: Sequence[str] = stamp.echo.get(PROMPTS, ())
    return prompts[index] if index < len(prompts) else ""


def encode_finish_reason(reason: FinishReason | None) -> str:
    """The wire's word; an answer that came whole without a reason ended by itself."""
    return _WORDS.get(reason, "stop") if reason is not None else "stop"


def encode_choice(index: int, text: str, logprobs: object, finish_reason: str | None) -> dict[str, Any]:
    """A choice, or a piece of one, which has no finish reason yet."""
    return {"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish_reason}


def encode_object(stamp: Stamp, choices: list[dict[str, Any]]) -> dict[str, Any]:
    """An answer, or a chunk of one."""
    return {
        "id": stamp.response_id,
        "object": "text_completion",
        "created": stamp.created_s,
        "model": stamp.model,
        "choices": choices,
    }


def encode_usage(usage: Usage) -> dict[str, Any]:
    """The wire's own counts: the prompt includes what was read from and written to a cache."""
    into = {"cached_tokens": usage.cache_read}
    written = usage.cache_write_5m + usage.cache_write_1h
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.output,
        "total_tokens": usage.total,
        "prompt_tokens_details": into | ({"cache_write_tokens": written} if written else {}),
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }
