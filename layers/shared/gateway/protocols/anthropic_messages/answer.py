"""The words that a whole answer and a streamed one share: usage and stop reasons.

Shapes: https://docs.claude.com/en/api/messages, and https://docs.claude.com/en/api/messages-streaming for the usage
that a stream reports in two places.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.canonical.response import FinishReason, ended
from gateway.canonical.usage import Usage, Uses, counted, uses_of
from gateway.protocols.shared.provider_json import as_share, as_shares, as_text, as_word, cache_writes, whole_counts

PROTOCOL = "anthropic_messages"
# Tools whose uses are counted, by the catalog's words.
COUNTED = ("web_fetch", "web_search")
# Iterations that are no part of the usage beside them.
_BESIDE = frozenset({"compaction"})

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
    """Returns the caller's sequence that ended the answer, if one did."""
    return as_text(value) or None


def decode_finish_reason(word: object, called: bool) -> FinishReason:
    """The reason why a message has ended; no word and an unknown one are a plain stop.

    `called` says whether tools were called, which some who speak this wire end with a plain `end_turn`.
    """
    return ended(_REASONS.get(as_text(word), FinishReason.STOP), called)


def encode_finish_reason(reason: FinishReason | None) -> str:
    """The wire's word; an answer that came whole without a reason ended by itself."""
    return "end_turn" if reason is None else _WORDS.get(reason, "end_turn")


def decode_uses(value: object) -> Uses | None:
    """The uses of the provider's own tools that a usage reports, or `None` where it reports none.

    https://docs.claude.com/en/docs/agents-and-tools/tool-use/web-search-tool#usage-and-pricing
    """
    reported = as_shares(as_shares(value).get("server_tool_use"))
    if not reported:
        return None
    return uses_of({tool: as_share(reported.get(f"{tool}_requests")) for tool in COUNTED})


def decode_usage(value: object, seen: Uses = ()) -> Usage | None:
    """Counts in canonical classes; `None` where the provider reported none. Zero is a report.

    `seen` are the uses of tools that the answer shows, for a provider that does not report them. Iterations that
    compacted the conversation stand beside the whole and are billed with it:
    https://platform.claude.com/docs/en/build-with-claude/compaction#understanding-usage.

    The wire's input excludes what was read from or written to a cache. Writes are split by lifetime where the provider
    says so; what it leaves open was written for five minutes, the wire's default.
    """
    usage = as_shares(value)
    reported = decode_uses(usage)
    whole = _tokens(usage, seen if reported is None else reported)
    if whole is None:
        return None
    listed = usage.get("iterations")
    beside = [
        one for one in (listed if isinstance(listed, list) else ()) if as_word(as_shares(one).get("type")) in _BESIDE
    ]
    return sum(filter(None, map(_tokens, beside)), whole)


def _tokens(usage: dict[str, Any], uses: Uses = ()) -> Usage | None:
    whole = whole_counts(usage, "input_tokens", "output_tokens")
    if whole is None:
        return None
    fresh, output = whole
    lifetimes = as_shares(usage.get("cache_creation"))
    hour = as_share(lifetimes.get("ephemeral_1h_input_tokens"))
    five_minutes = as_share(lifetimes.get("ephemeral_5m_input_tokens"))
    for_five_minutes, for_an_hour = cache_writes(usage.get("cache_creation_input_tokens"), hour, five_minutes)
    return counted(
        uses,
        input=fresh,
        cache_read=as_share(usage.get("cache_read_input_tokens")),
        cache_write_5m=for_five_minutes,
        cache_write_1h=for_an_hour,
        output=output,
        reasoning=as_share(as_shares(usage.get("output_tokens_details")).get("thinking_tokens")),
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
    if usage.reasoning:
        counts["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    if usage.uses:
        used = dict(usage.uses)
        counts["server_tool_use"] = {f"{tool}_requests": used.get(tool, 0) for tool in COUNTED}
    return counts
