"""Converts a provider's refusal on this wire to the error tree.

A provider's own words reach a caller only where the fault is the caller's, and then without keys, addresses
and account ids; everything else is said in our words. https://platform.openai.com/docs/guides/error-codes
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.errors import GatewayError
from gateway.protocols.shared.openai_errors import refusal
from gateway.protocols.shared.provider_errors import error_fields, reported, retry_after_s, status_unstated

_STATUS_BY_TYPE: Mapping[str, int] = {
    "invalid_request_error": 400,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "overloaded_error": 503,
    "timeout": 504,
    "timeout_error": 504,
}


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """Converts a provider's refusal to the caller's error."""
    fields = error_fields(reported(body))
    return refusal(status, fields, retry_after_s(headers, fields.get("message")))


def decode_error_object(error: object) -> GatewayError:
    """Converts an error inside a stream or a body of status 200; its status is where providers put it."""
    fields = error_fields({"error": error})
    return refusal(_status(fields), fields, retry_after_s({}, fields.get("message")))


def _status(fields: Mapping[str, Any]) -> int:
    for name in ("status", "status_code", "code"):
        value = fields.get(name)
        if type(value) is int and 400 <= value < 600:
            return value
    return _STATUS_BY_TYPE.get(str(fields.get("type"))) or status_unstated(fields)
