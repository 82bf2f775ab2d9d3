"""Converts a provider's refusal on this wire to the error tree.

A provider's own words reach a caller only where the fault is the caller's, and then without keys, addresses
and account ids; everything else is said in our words. https://platform.openai.com/docs/guides/error-codes
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.errors import GatewayError
from gateway.protocols.shared.openai_errors import refusal
from gateway.protocols.shared.provider_errors import INVALID, error_fields, reported, retry_after_s, status_unstated

# What a vendor's code or type means where the status says another thing, or none.
_STATUS_BY_WORD: Mapping[str, int] = {
    # The model wrote a call, or JSON, that cannot be read: https://console.groq.com/docs/errors.
    "tool_use_failed": 502,
    "json_validate_failed": 502,
    # The gateway's own account is in arrears: https://www.alibabacloud.com/help/en/model-studio/error-code,
    # https://docs.z.ai/api-reference/api-code, https://platform.moonshot.ai/docs/api/chat#error-description.
    "Arrearage": 402,
    "1113": 402,
    "exceeded_current_quota_error": 402,
}
# The words for a text that the vendor's filter stopped; xAI says it under 403, in words alone.
_FILTERED = frozenset({"content_filter", "data_inspection_failed", "1301", "1026", "1027"})
_AGAINST_RULES = "usage guidelines"
_CONTENT_FILTER = "content_filter"
# `base_resp.status_code` of a body of status 200: https://platform.minimax.io/docs/api-reference/errorcode.
_STATUS_BY_BASE: Mapping[int, int] = {
    1001: 504,
    1002: 429,
    1004: 401,
    1008: 402,
    1026: 400,
    1027: 400,
    1039: 429,
    1041: 429,
    2013: 400,
    2049: 401,
    2056: 429,
}

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
    value = reported(body)
    fields = error_fields(value)
    based = _base(value if isinstance(value, dict) else {})
    if based is not None:
        return based
    return _meant(_stated(fields) or status, fields, retry_after_s(headers, fields.get("message")))


def decode_error_object(error: object) -> GatewayError:
    """Converts an error inside a stream or a body of status 200; its status is where providers put it."""
    fields = error_fields({"error": error})
    return _meant(_stated(fields) or _status(fields), fields, retry_after_s({}, fields.get("message")))


def refused_in(value: Mapping[str, Any]) -> GatewayError | None:
    """The error that stands in the place of an answer, or of a chunk of one: `error`, or MiniMax's `base_resp`."""
    if value.get("error"):
        return decode_error_object(value["error"])
    return _base(value)


def _base(value: Mapping[str, Any]) -> GatewayError | None:
    base = value.get("base_resp")
    code = base.get("status_code") if isinstance(base, dict) else None
    if not isinstance(base, dict) or type(code) is not int or code == 0:
        return None
    fields = {"message": base.get("status_msg"), "code": str(code)}
    return _meant(_STATUS_BY_BASE.get(code, 502), fields, retry_after_s({}, fields["message"]))


def _words(fields: Mapping[str, Any]) -> tuple[str, str]:
    return str(fields.get("code")), str(fields.get("type"))


def _stated(fields: Mapping[str, Any]) -> int | None:
    """The status of what the vendor's own word says."""
    return next((_STATUS_BY_WORD[word] for word in _words(fields) if word in _STATUS_BY_WORD), None)


def _meant(status: int, fields: Mapping[str, Any], after_s: int | None) -> GatewayError:
    """The error of a status; what a filter stopped is the caller's text, under one code."""
    message = fields.get("message")
    against_rules = status == 403 and isinstance(message, str) and _AGAINST_RULES in message
    if against_rules or (status in INVALID and not _FILTERED.isdisjoint(_words(fields))):
        return refusal(400, {**fields, "code": _CONTENT_FILTER}, after_s)
    return refusal(status, fields, after_s)


def _status(fields: Mapping[str, Any]) -> int:
    for name in ("status", "status_code", "code"):
        value = fields.get(name)
        if type(value) is int and 400 <= value < 600:
            return value
    return _STATUS_BY_TYPE.get(str(fields.get("type"))) or status_unstated(fields)
