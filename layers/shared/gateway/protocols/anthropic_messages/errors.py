"""Errors in this wire's shape: ours to a caller, and a provider's to the drawn tree.

A provider's own words reach a caller only where the fault is the caller's, and then without keys, addresses and
account ids; everything else is said in our words. https://docs.claude.com/en/api/errors
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.errors import GatewayError, InvalidRequest
from gateway.protocols.shared.error_bodies import CONTEXT_FULL, error_body, message_of
from gateway.protocols.shared.provider_errors import (
    INVALID,
    UNEXPLAINED,
    credentials,
    error_fields,
    is_context_full,
    meaning,
    reported,
    retry_after_s,
    scrubbed,
    status_unstated,
)

THREAD_UNSUPPORTED = "thread_unsupported_request"

# `messages.1.content.0.thinking: ...`, as the provider opens its refusals.
_PATH = re.compile(r"([a-z_]+(?:\.[a-z0-9_]+)*): ")
# Claude Code compacts the conversation when it reads these words.
_FULL_CONTEXT = "prompt is too long"
_SIGNATURE = re.compile(r"`?signature`?.{0,40}`?thinking`?|`?data`?.{0,20}`redacted_thinking`", re.IGNORECASE)
# The gateway's own account, which the provider reports as if the request were at fault.
_OUR_ACCOUNT = re.compile(r"credit balance|organization has been disabled|usage limits", re.IGNORECASE)

_TYPE_BY_STATUS: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    415: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
_STATUS_BY_TYPE: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


def error_object(error: GatewayError) -> dict[str, Any]:
    """The members of `error` on this wire; a message that does not say where the fault is gets its path.

    `details` are for the one code that official SDKs act upon.
    """
    message = message_of(error, _FULL_CONTEXT)
    if error.param is not None and error.param not in message and error.code != CONTEXT_FULL:
        message = f"{error.param}: {message}"
    said = {"type": _TYPE_BY_STATUS.get(error.status, "api_error"), "message": message}
    return said | ({"details": {"error_code": error.code}} if error.code == THREAD_UNSUPPORTED else {})


def encode_error(error: GatewayError, request_id: str) -> bytes:
    """The body of an error response."""
    return error_body(error, {"type": "error", "error": error_object(error), "request_id": request_id})


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """Converts a provider's refusal to the caller's error.

    A thought whose signature the provider does not know has the code `invalid_signature` (field case E3).
    """
    fields = error_fields(reported(body))
    return _meaning(status, fields, retry_after_s(headers, fields.get("message")))


def decode_error_object(error: object) -> GatewayError:
    """Converts an error inside a stream or a body of status 200; its type gives its status."""
    fields = error_fields({"error": error})
    status = _STATUS_BY_TYPE.get(str(fields.get("type"))) or status_unstated(fields)
    return _meaning(status, fields, retry_after_s({}, fields.get("message")))


def _meaning(status: int, fields: Mapping[str, Any], after_s: int | None) -> GatewayError:
    return _invalid(fields) if status in INVALID else meaning(status, after_s)


def _invalid(fields: Mapping[str, Any]) -> GatewayError:
    message = scrubbed(fields.get("message"))
    if _OUR_ACCOUNT.search(message):
        return credentials()
    path = _PATH.match(message)
    code = "invalid_signature" if _SIGNATURE.search(message) else None
    return InvalidRequest(
        message or UNEXPLAINED,
        param=_as_json_path(path[1]) if path else None,
        code=CONTEXT_FULL if is_context_full(message) else code,
    )


def _as_json_path(path: str) -> str:
    """`messages.1.content` as `messages[1].content`."""
    return re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", path)
