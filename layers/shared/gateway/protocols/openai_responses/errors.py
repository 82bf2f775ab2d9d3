"""What a provider's refusal on this wire means in the drawn tree.

A provider's own words reach a caller only where the fault is the caller's, and then without keys, addresses and account
ids; everything else is said in our words. https://platform.openai.com/docs/guides/error-codes, and for what a failed
response says https://platform.openai.com/docs/api-reference/responses/object#responses/object-error.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.errors import GatewayError
from gateway.framing.openai_errors import refusal
from gateway.framing.provider_errors import Scrubber, members, reported, retry_after_s

_SCRUBBER = Scrubber(
    r"\bsess-[\w*.-]{4,}",  # keys
    r"\b(?:org|proj|user|req|acct)[-_][A-Za-z0-9]{6,}",  # accounts and requests
)
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


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """What a provider's refusal means to our caller."""
    return refusal(status, members(members(reported(body)).get("error")), retry_after_s(headers), _SCRUBBER)


def decode_error_object(error: object) -> GatewayError:
    """What an error inside a stream or a failed response means; its words tell its status."""
    fields = members(error)
    words = (str(fields.get(name)) for name in ("code", "type"))
    status = next((_STATUS_BY_WORD[word] for word in words if word in _STATUS_BY_WORD), 502)
    return refusal(status, fields, None, _SCRUBBER)
