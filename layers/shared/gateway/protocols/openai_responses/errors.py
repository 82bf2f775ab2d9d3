"""Errors in this wire's shape: ours to a caller, and a provider's to the drawn tree.

A provider's own words reach a caller only where the fault is the caller's, and then without keys, addresses and account
ids; everything else is said in our words. https://platform.openai.com/docs/guides/error-codes, and for what a failed
response says https://platform.openai.com/docs/api-reference/responses/object#responses/object-error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.errors import GatewayError, InvalidRequest, RequestTimeout
from gateway.framing.provider_errors import INVALID, UNEXPLAINED, Scrubber, meaning, members, reported, retry_after_s

_SCRUBBER = Scrubber(
    r"\bsess-[\w*.-]{4,}",  # keys
    r"\b(?:org|proj|user|req|acct)[-_][A-Za-z0-9]{6,}",  # accounts and requests
)
_WORD = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_PATH = re.compile(r"[A-Za-z0-9_.\-\[\]]{1,200}")
_TOO_LONG = re.compile(r"(?:maximum|exceeds the|model's) context (?:length|window)", re.IGNORECASE)
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


def error_object(error: GatewayError) -> dict[str, Any]:
    """The members of `error` on this wire, section 5 of the public contract."""
    return {"message": error.message, "type": error.type, "param": error.param, "code": error.code}


def encode_error(error: GatewayError) -> bytes:
    """The body of an error response; one that took too long says so in `detail` too."""
    body: dict[str, Any] = {"error": error_object(error)}
    if isinstance(error, RequestTimeout):
        body["detail"] = {"type": error.type, "message": error.message}
    return orjson.dumps(body)


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """What a provider's refusal means to our caller."""
    return _meaning(status, members(members(reported(body)).get("error")), retry_after_s(headers))


def decode_error_object(error: object) -> GatewayError:
    """What an error inside a stream or a failed response means; its words tell its status."""
    fields = members(error)
    words = (str(fields.get(name)) for name in ("code", "type"))
    return _meaning(next((_STATUS_BY_WORD[word] for word in words if word in _STATUS_BY_WORD), 502), fields, None)


def _meaning(status: int, fields: Mapping[str, Any], after_s: int | None) -> GatewayError:
    return _invalid(fields) if status in INVALID else meaning(status, after_s)


def _invalid(fields: Mapping[str, Any]) -> GatewayError:
    message = _SCRUBBER.text(fields.get("message"))
    code = _SCRUBBER.matching(_WORD, fields.get("code"))
    if code != "context_length_exceeded" and _TOO_LONG.search(message):
        code = "context_length_exceeded"
    return InvalidRequest(message or UNEXPLAINED, param=_SCRUBBER.matching(_PATH, fields.get("param")), code=code)
