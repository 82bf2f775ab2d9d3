"""The words that a whole answer and a streamed one share: usage and finish reasons.

https://docs.cohere.com/reference/chat. Of the two counts that the wire reports, `billed_units` is the one that Cohere
charges for; `tokens` has what Cohere adds to a prompt too, and counts where an answer reports nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.canonical.response import FinishReason, ended
from gateway.canonical.usage import Usage, counted
from gateway.protocols.shared.provider_json import as_shares, as_text, whole_counts

PROTOCOL = "cohere_chat"
# The type of the error of a model that began a call and could not write it: an end of the answer, as on other wires.
INVALID_CALL = "INVALID_TOOL_GENERATION"

_REASONS: Mapping[str, FinishReason] = {
    "COMPLETE": FinishReason.STOP,
    "STOP_SEQUENCE": FinishReason.STOP_SEQUENCE,
    "MAX_TOKENS": FinishReason.LENGTH,
    "ERROR_LIMIT": FinishReason.LENGTH,
    "TOOL_CALL": FinishReason.TOOL_CALLS,
    INVALID_CALL: FinishReason.MALFORMED_TOOL_CALL,
    "ERROR_TOXIC": FinishReason.CONTENT_FILTER,
    "ERROR": FinishReason.ERROR,
    "TIMEOUT": FinishReason.ERROR,
}


def decode_finish_reason(word: object, called: bool) -> FinishReason:
    """A word that is not known yet is a plain stop. `called` says whether tools were, which is the better witness."""
    return ended(_REASONS.get(as_text(word).upper(), FinishReason.STOP), called)


def decode_usage(value: object) -> Usage | None:
    """Token counts in canonical classes; `None` where the provider reported none. Zero is a report."""
    usage = as_shares(value)
    for name in ("billed_units", "tokens"):
        whole = whole_counts(as_shares(usage.get(name)), "input_tokens", "output_tokens")
        if whole is not None:
            return counted(input=whole[0], output=whole[1])
    return None
