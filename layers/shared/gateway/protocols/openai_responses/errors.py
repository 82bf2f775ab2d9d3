"""Converts a provider's refusal on this wire to the error tree.

A provider's own words reach a caller only where the fault is the caller's, and then without keys, addresses and account
ids; everything else is said in our words. https://platform.openai.com/docs/guides/error-codes, and for what a failed
response says https://platform.openai.com/docs/api-reference/responses/object#responses/object-error.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.errors import GatewayError
from gateway.protocols.shared.openai_errors import error_object, refusal
from gateway.protocols.shared.provider_errors import error_fields, reported, retry_after_s, status_unstated

# Where an error has no HTTP status: inside a stream, and in a response that failed.
_STATUS_BY_WORD: Mapping[str, int] = {
    "invalid_request_error": 400,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "too_many_requests": 429,
    "insufficient_quota": 429,
    "server_is_overloaded": 503,
    "slow_down": 503,
    "timeout": 504,
    "vector_store_timeout": 504,
    "context_length_exceeded": 400,
    "invalid_prompt": 400,
    "data_residency_mismatch": 400,
    "bio_policy": 400,
    "misalignment_policy_violation": 400,
    "invalid_image": 400,
    "invalid_image_format": 400,
    "invalid_base64_image": 400,
    "invalid_image_url": 400,
    "image_too_large": 400,
    "image_too_small": 400,
    "image_parse_error": 400,
    "image_content_policy_violation": 400,
    "invalid_image_mode": 400,
    "image_file_too_large": 400,
    "unsupported_image_media_type": 400,
    "empty_image_file": 400,
    "failed_to_download_image": 400,
    "image_file_not_found": 400,
}


# The words of `response.failed` that agents act upon, by the status that the response would have had.
_WORD_BY_STATUS: Mapping[int, str] = {
    400: "invalid_prompt",
    402: "insufficient_quota",
    429: "rate_limit_exceeded",
    503: "server_is_overloaded",
}


def failure_object(error: GatewayError) -> dict[str, str]:
    """The `error` of a failed response; a code that this wire does not know is said in the nearest of its words."""
    is_refusal = error.status < 500 and error.status not in _WORD_BY_STATUS
    known = error.code if error.code in _STATUS_BY_WORD or is_refusal else None
    return {
        "code": known or _WORD_BY_STATUS.get(error.status, "server_error"),
        "message": error_object(error)["message"],
    }


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """Converts a provider's refusal to the caller's error."""
    fields = error_fields(reported(body))
    return refusal(status, fields, retry_after_s(headers, fields.get("message")))


def decode_error_object(error: object) -> GatewayError:
    """Converts an error inside a stream or a failed response; its texts give its status."""
    fields = error_fields({"error": error})
    words = (str(fields.get(name)) for name in ("code", "type"))
    known = next((_STATUS_BY_WORD[word] for word in words if word in _STATUS_BY_WORD), None)
    status = known or status_unstated(fields)
    return refusal(status, fields, retry_after_s({}, fields.get("message")))
