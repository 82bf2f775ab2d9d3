"""Errors in this wire's shape: ours to a caller, and a provider's to the drawn tree.

A provider's own words reach a caller only where the fault is the caller's, and then without keys, addresses
and account ids; everything else is said in our words. https://platform.openai.com/docs/guides/error-codes
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.errors import GatewayError, InvalidRequest, RequestTimeout
from gateway.framing.provider_errors import INVALID, UNEXPLAINED, Scrubber, meaning, members, reported, retry_after_s

_SCRUBBER = Scrubber(
    r"\b(?:gsk|xai)-[\w*.-]{4,}|\bgsk_\w+|\bAIza[\w-]+",  # keys
    r"\b(?:org|proj|user|req|acct)[-_][A-Za-z0-9]{6,}",  # accounts and requests
)
_WORD = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_PATH = re.compile(r"[A-Za-z0-9_.\-\[\]]{1,200}")
_TOO_LONG = re.compile(r"(?:maximum|exceeds the|model's) context (?:length|window)", re.IGNORECASE)
_STATUS_BY_TYPE: Mapping[str, int] = {
    "invalid_request_error": 400,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "overloaded_error": 503,
    "timeout": 504,
    "timeout_error": 504,
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
    return _meaning(status, _fields(members(reported(body))), retry_after_s(headers))


def decode_error_object(error: object) -> GatewayError:
    """What an error inside a stream or a body of status 200 means; its status is where providers put it."""
    fields = _fields({"error": error})
    return _meaning(_status(fields), fields, None)


def _meaning(status: int, fields: Mapping[str, Any], after_s: int | None) -> GatewayError:
    return _invalid(fields) if status in INVALID else meaning(status, after_s)


def _invalid(fields: Mapping[str, Any]) -> GatewayError:
    message = _SCRUBBER.text(fields.get("message"))
    code = _SCRUBBER.matching(_WORD, fields.get("code"))
    if code != "context_length_exceeded" and _TOO_LONG.search(message):
        code = "context_length_exceeded"
    return InvalidRequest(message or UNEXPLAINED, param=_SCRUBBER.matching(_PATH, fields.get("param")), code=code)


def _fields(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The error's members, in the shapes of this wire's dialects: an object, a string, or the body itself."""
    error = value.get("error", value)
    if isinstance(error, str):
        return {"message": error}
    return members(error)


def _status(fields: Mapping[str, Any]) -> int:
    for name in ("status", "status_code", "code"):
        value = fields.get(name)
        if type(value) is int and 400 <= value < 600:
            return value
    return _STATUS_BY_TYPE.get(str(fields.get("type")), 502)
