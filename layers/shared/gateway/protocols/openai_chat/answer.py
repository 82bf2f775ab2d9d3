"""The words that a whole answer and a streamed one share: usage and finish reasons.

Usage members are OpenAI's (https://platform.openai.com/docs/api-reference/chat/object#usage), with those of
DeepSeek (`prompt_cache_hit_tokens`), Mistral (`num_cached_tokens`) and Moonshot (`cached_tokens`) that mean the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.canonical.response import FinishReason, ended
from gateway.canonical.usage import Usage, counted
from gateway.protocols.shared.provider_json import as_share, as_shares, as_text, whole_counts

PROTOCOL = "openai_chat"

_CACHE_READS = ("prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens")
_REASONS: Mapping[str, FinishReason] = {
    "stop": FinishReason.STOP,
    "eos": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "model_length": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "tool_use": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
    "safety": FinishReason.CONTENT_FILTER,
    "sensitive": FinishReason.CONTENT_FILTER,
    "refusal": FinishReason.REFUSAL,
    "error": FinishReason.ERROR,
    "network_error": FinishReason.ERROR,
    "insufficient_system_resource": FinishReason.ERROR,
}
# The wire has five words; what it has none for ends as a plain stop.
_WORDS: Mapping[FinishReason, str] = {
    FinishReason.LENGTH: "length",
    FinishReason.TOOL_CALLS: "tool_calls",
    FinishReason.CONTENT_FILTER: "content_filter",
    FinishReason.REFUSAL: "content_filter",
}


def decode_finish_reason(word: object, called: bool) -> FinishReason:
    """`called` says whether tools were called, which some providers end with a plain `stop` (field case F5)."""
    return ended(_REASONS.get(as_text(word).lower(), FinishReason.STOP), called)


def encode_finish_reason(reason: FinishReason | None) -> str:
    """The wire's word; an answer that came whole without a reason ended by itself."""
    return _WORDS.get(reason, "stop") if reason is not None else "stop"


def decode_usage(value: object) -> Usage | None:
    """Token counts in canonical classes; `None` where the provider reported none. Zero is a report."""
    if not value:
        return None
    usage = as_shares(value)
    whole = whole_counts(usage, "prompt_tokens", "completion_tokens")
    if whole is None:
        return None
    prompt, completion = whole
    into, out = as_shares(usage.get("prompt_tokens_details")), as_shares(usage.get("completion_tokens_details"))
    reads = (into.get("cached_tokens"), *(usage.get(name) for name in _CACHE_READS))
    read = min(as_share(next((count for count in reads if count is not None), None)), prompt)
    written = min(as_share(into.get("cache_write_tokens")), prompt - read)
    reasoning = as_share(out.get("reasoning_tokens"))
    # Some providers count reasoning beside the completion; their own total tells.
    if reasoning and as_share(usage.get("total_tokens")) == prompt + completion + reasoning:
        completion += reasoning
    return counted(
        input=prompt - read - written,
        cache_read=read,
        cache_write_5m=written,
        output=completion,
        reasoning=reasoning,
        audio_input=as_share(into.get("audio_tokens")),
        audio_output=as_share(out.get("audio_tokens")),
    )


def encode_usage(usage: Usage) -> dict[str, Any]:
    """The wire's own counts: the prompt includes what was read from and written to a cache."""
    into = {"cached_tokens": usage.cache_read, "audio_tokens": usage.audio_input}
    written = usage.cache_write_5m + usage.cache_write_1h
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.output,
        "total_tokens": usage.total,
        "prompt_tokens_details": into | ({"cache_write_tokens": written} if written else {}),
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": usage.audio_output,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
