"""The words that a whole answer and a streamed one share: usage and stop reasons.

Shapes: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.canonical.parts import Citation, Opaque
from gateway.canonical.response import FinishReason, ended
from gateway.canonical.usage import Usage, counted
from gateway.protocols.shared.provider_json import (
    as_object,
    as_share,
    as_shares,
    as_text,
    cache_writes,
    dumped,
    whole_counts,
)

PROTOCOL = "bedrock_converse"

# What a request asks to be told besides (RFC 6901), since the wire has no member for the sequence that stopped a model.
STOP_SEQUENCE_POINTER = "/stop_sequence"

_REASONS: Mapping[str, FinishReason] = {
    "end_turn": FinishReason.STOP,
    "tool_use": FinishReason.TOOL_CALLS,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "stop_sequence": FinishReason.STOP_SEQUENCE,
    "guardrail_intervened": FinishReason.CONTENT_FILTER,
    "content_filtered": FinishReason.CONTENT_FILTER,
    "refusal": FinishReason.REFUSAL,
    "malformed_tool_use": FinishReason.MALFORMED_TOOL_CALL,
    "malformed_model_output": FinishReason.MALFORMED_ANSWER,
}


def opaque(block: object) -> Opaque:
    """A block that no other wire has a word for: a guardrail's, a server's own tool, what AWS adds tomorrow."""
    return Opaque(PROTOCOL, dumped(block))


def citation(value: object) -> Citation:
    """A source, as it came."""
    return Citation(PROTOCOL, dumped(as_object(value)))


def is_server_tool(tool_use: Mapping[str, Any]) -> bool:
    """True if the provider runs this tool itself, so that the caller must not answer."""
    return tool_use.get("type") == "server_tool_use"


def decode_finish_reason(word: object, called: bool) -> FinishReason:
    """A word that is not known yet is a plain stop. `called` says whether tools were, which is the better witness."""
    return ended(_REASONS.get(as_text(word), FinishReason.STOP), called)


def decode_stop_sequence(fields: object) -> str | None:
    """The sequence that ended the answer, where the model told it among its additional fields."""
    sequence = fields.get("stop_sequence") if isinstance(fields, dict) else None
    return sequence if isinstance(sequence, str) and sequence else None


def decode_usage(value: object) -> Usage | None:
    """Token counts in canonical classes; `None` where the provider reported none. Zero is a report.

    The wire's input excludes what was read from or written to a cache
    (https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html). What `cacheDetails` leaves open was
    written for five minutes, the wire's default.
    """
    usage = as_shares(value)
    whole = whole_counts(usage, "inputTokens", "outputTokens")
    if whole is None:
        return None
    fresh, output = whole
    listed = usage.get("cacheDetails")
    details = [as_shares(detail) for detail in (listed if isinstance(listed, list) else ())]
    written_by_ttl = [(detail.get("ttl"), as_share(detail.get("inputTokens"))) for detail in details]
    hour = sum(count for ttl, count in written_by_ttl if ttl == "1h")
    five_minutes = sum(count for ttl, count in written_by_ttl if ttl != "1h")
    for_five_minutes, for_an_hour = cache_writes(usage.get("cacheWriteInputTokens"), hour, five_minutes)
    return counted(
        input=fresh,
        cache_read=as_share(usage.get("cacheReadInputTokens")),
        cache_write_5m=for_five_minutes,
        cache_write_1h=for_an_hour,
        output=output,
    )
