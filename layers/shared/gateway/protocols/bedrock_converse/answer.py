"""The words that a whole answer and a streamed one share: usage, stop reasons, and checks of a provider's JSON.

Shapes: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.canonical.parts import Citation, Opaque
from gateway.canonical.response import FinishReason
from gateway.canonical.usage import Usage
from gateway.errors import UpstreamError

PROTOCOL = "bedrock_converse"
UNREADABLE = "The provider sent an answer that cannot be read."

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
    "malformed_model_output": FinishReason.ERROR,
}


def load(data: bytes) -> dict[str, Any]:
    """A provider's JSON object; raises `UpstreamError` on anything else."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise UpstreamError(UNREADABLE) from None
    return as_object(value)


def as_object(value: object) -> dict[str, Any]:
    """An object, where null stands for an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UpstreamError(UNREADABLE)
    return value


def as_objects(value: object) -> list[dict[str, Any]]:
    """An array of objects, where null stands for an empty one."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise UpstreamError(UNREADABLE)
    return [as_object(element) for element in value]


def as_text(value: object) -> str:
    """A string, where null stands for an empty one."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UpstreamError(UNREADABLE)
    return value


def as_position(value: object) -> int:
    """A block's place in the message."""
    if type(value) is not int or value < 0:
        raise UpstreamError(UNREADABLE)
    return value


def dumped(value: object) -> str:
    """JSON text of something that stays as it came."""
    return orjson.dumps(value).decode()


def opaque(block: object) -> Opaque:
    """A block that no other wire has a word for: a guardrail's, a server's own tool, what AWS adds tomorrow."""
    return Opaque(PROTOCOL, dumped(block))


def citation(value: object) -> Citation:
    """A source, as it came."""
    return Citation(PROTOCOL, dumped(value))


def is_server_tool(tool_use: Mapping[str, Any]) -> bool:
    """Whether the provider runs this tool itself, so that the caller is not to answer."""
    return tool_use.get("type") == "server_tool_use"


def decode_finish_reason(word: object, called: bool) -> FinishReason:
    """A word that is not known yet is a plain stop. `called` says whether tools were, which is the better witness."""
    reason = _REASONS.get(as_text(word), FinishReason.STOP)
    return FinishReason.TOOL_CALLS if called and reason is FinishReason.STOP else reason


def decode_stop_sequence(fields: object) -> str | None:
    """The sequence that ended the answer, where the model told it among its additional fields."""
    return as_text(as_object(fields).get("stop_sequence")) or None


def decode_usage(value: object) -> Usage | None:
    """Token counts in canonical classes; `None` where the provider reported none. Zero is a report.

    The wire's input excludes what was read from or written to a cache
    (https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html). What `cacheDetails` leaves open was
    written for five minutes, the wire's default.
    """
    usage = as_object(value)
    if usage.get("inputTokens") is None and usage.get("outputTokens") is None:
        return None
    details = as_objects(usage.get("cacheDetails"))
    written_by_ttl = [(detail.get("ttl"), _count(detail.get("inputTokens"))) for detail in details]
    hour = sum(count for ttl, count in written_by_ttl if ttl == "1h")
    written = max(_count(usage.get("cacheWriteInputTokens")), sum(count for _, count in written_by_ttl))
    return Usage(
        input=_count(usage.get("inputTokens")),
        cache_read=_count(usage.get("cacheReadInputTokens")),
        cache_write_5m=written - hour,
        cache_write_1h=hour,
        output=_count(usage.get("outputTokens")),
    )


def _count(value: object) -> int:
    """A count that a bill can rest on: anything but a whole number of tokens is garbage."""
    if value is None:
        return 0
    if type(value) is not int or value < 0:
        raise UpstreamError(UNREADABLE)
    return value
