"""The words that a whole answer and a streamed one share: usage and stop reasons.

Shapes: https://docs.claude.com/en/api/messages, and https://docs.claude.com/en/api/messages-streaming for the usage
that a stream reports in two places.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.canonical.response import FinishReason
from gateway.canonical.usage import Usage
from gateway.framing.provider_json import as_count, as_object, as_text

PROTOCOL = "anthropic_messages"

_REASONS: Mapping[str, FinishReason] = {
    "end_turn": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "stop_sequence": FinishReason.STOP_SEQUENCE,
    "tool_use": FinishReason.TOOL_CALLS,
    "pause_turn": FinishReason.PAUSE,
    "compaction": FinishReason.PAUSE,
    "refusal": FinishReason.REFUSAL,
}
# What the wire has no word for ends as a plain turn.
_WORDS: Mapping[FinishReason, str] = {
    FinishReason.LENGTH: "max_tokens",
    FinishReason.STOP_SEQUENCE: "stop_sequence",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.PAUSE: "pause_turn",
    FinishReason.REFUSAL: "refusal",
    FinishReason.CONTENT_FILTER: "refusal",
}


def stop_sequence(value: object) -> str | None:
    """Which of the caller's sequences ended the answer, if one did."""
    return as_text(value) or None


def decode_finish_reason(word: object) -> FinishReason | None:
    """Nothing while the message has not ended; a word that is not known yet is a plain stop."""
    return None if word is None else _REASONS.get(as_text(word), FinishReason.STOP)


def encode_finish_reason(reason: FinishReason | None) -> str:
    """The wire's word; an answer that came whole without a reason ended by itself."""
    return "end_turn" if reason is None else _WORDS.get(reason, "end_turn")


def decode_usage(value: object) -> Usage | None:
    """Token counts in canonical classes; `None` where the provider reported none. Zero is a report.

    The wire's input excludes what was read from or written to a cache. Writes are split by lifetime where the
    provider says so; what it leaves open was written for five minutes, the wire's default.
    """
    usage = as_object(value)
    if usage.get("input_tokens") is None and usage.get("output_tokens") is None:
        return None
    hour = as_count(as_object(usage.get("cache_creation")).get("ephemeral_1h_input_tokens"))
    five_minutes = as_count(as_object(usage.get("cache_creation")).get("ephemeral_5m_input_tokens"))
    written = max(as_count(usage.get("cache_creation_input_tokens")), hour + five_minutes)
    return Usage(
        input=as_count(usage.get("input_tokens")),
        cache_read=as_count(usage.get("cache_read_input_tokens")),
        cache_write_5m=written - hour,
        cache_write_1h=hour,
        output=as_count(usage.get("output_tokens")),
        reasoning=as_count(as_object(usage.get("output_tokens_details")).get("thinking_tokens")),
    )


def encode_usage(usage: Usage) -> dict[str, Any]:
    """The wire's own counts, every class of them, since clients add them up."""
    counts: dict[str, Any] = {
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "output_tokens": usage.output,
    }
    return counts | ({"output_tokens_details": {"thinking_tokens": usage.reasoning}} if usage.reasoning else {})
