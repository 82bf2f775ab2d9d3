"""The words that a whole answer and a streamed one share: usage and ways to end.

Shapes are those of https://platform.openai.com/docs/api-reference/responses/object.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.canonical.response import FinishReason
from gateway.canonical.usage import Usage, Uses, counted, uses_of
from gateway.protocols.shared.provider_json import as_object, as_share, as_shares, as_text, as_word, whole_counts

PROTOCOL = "openai_responses"
# The catalog's word for what is counted.
SEARCH = "web_search"
_FREE_ACTIONS = frozenset({"find", "find_in_page", "open_page"})

_UNFINISHED = frozenset({"queued", "in_progress"})
_REASONS: Mapping[str, FinishReason] = {
    "max_output_tokens": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
}
_INCOMPLETE: Mapping[FinishReason, str] = {
    FinishReason.LENGTH: "max_output_tokens",
    FinishReason.CONTENT_FILTER: "content_filter",
    FinishReason.REFUSAL: "content_filter",
}
_FAILURES: Mapping[FinishReason, str] = {
    FinishReason.ERROR: "The model's provider failed while answering.",
    FinishReason.MALFORMED_TOOL_CALL: "The model produced a tool call that cannot be read.",
    FinishReason.MALFORMED_ANSWER: "The model's answer cannot be read.",
}


def decode_ending(response: Mapping[str, Any], called: bool) -> FinishReason | None:
    """Why the response ended; nothing while it has not. `called` says whether it asks for tools."""
    status = as_text(response.get("status"))
    if status in _UNFINISHED:
        return None
    if status == "incomplete":
        reason = as_text(as_object(response.get("incomplete_details")).get("reason"))
        return _REASONS.get(reason, FinishReason.PAUSE)
    return FinishReason.TOOL_CALLS if called else FinishReason.STOP


def encode_ending(reason: FinishReason | None) -> dict[str, Any]:
    """The members that say how a response ended; what the wire has no word for is complete."""
    if reason is not None and reason in _FAILURES:
        return {
            "status": "failed",
            "error": {"code": "server_error", "message": _FAILURES[reason]},
            "incomplete_details": None,
        }
    if reason is not None and reason in _INCOMPLETE:
        return {"status": "incomplete", "error": None, "incomplete_details": {"reason": _INCOMPLETE[reason]}}
    return {"status": "completed", "error": None, "incomplete_details": None}


def decode_uses(items: Iterable[Mapping[str, Any]]) -> Uses:
    """The uses of the provider's own tools, which the wire shows as items and does not count.

    https://platform.openai.com/docs/guides/tools-web-search: a search is paid; a page that is opened, or searched for a
    word, is not.
    """
    return uses_of({SEARCH: sum(map(is_search, items))})


def is_search(item: Mapping[str, Any]) -> bool:
    """True for an item that is a search, or may yet become one."""
    if item.get("type") != "web_search_call" or item.get("status") == "failed":
        return False
    return as_word(as_shares(item.get("action")).get("type")) not in _FREE_ACTIONS


def decode_usage(value: object, uses: Uses = ()) -> Usage | None:
    """Token counts in canonical classes; `None` where the provider reported none. Zero is a report."""
    usage = as_shares(value)
    whole = whole_counts(usage, "input_tokens", "output_tokens")
    if whole is None:
        return None
    prompt, output = whole
    into, out = as_shares(usage.get("input_tokens_details")), as_shares(usage.get("output_tokens_details"))
    read = min(as_share(into.get("cached_tokens")), prompt)
    written = min(as_share(into.get("cache_write_tokens")), prompt - read)
    # The wire keeps for 30 minutes or 12 hours; each is counted as the nearest class that is priced.
    long_lived = min(as_share(as_shares(into.get("cache_write_tokens_details")).get("ttl_12h_tokens")), written)
    return counted(
        uses,
        input=prompt - read - written,
        cache_read=read,
        cache_write_5m=written - long_lived,
        cache_write_1h=long_lived,
        output=output,
        reasoning=as_share(out.get("reasoning_tokens")),
    )


def encode_usage(usage: Usage) -> dict[str, Any]:
    """The wire's own counts: the input includes what was read from and written to a cache."""
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write_5m + usage.cache_write_1h,
        },
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total,
    }
