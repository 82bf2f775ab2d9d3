"""Errors in this wire's shape: ours to a caller, and a provider's to the drawn tree.

A provider's own words reach a caller only where the fault is the caller's, and then without keys, addresses and
account ids; everything else is said in our words. https://docs.claude.com/en/api/errors
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from gateway.errors import (
    GatewayError,
    InvalidRequest,
    RequestTimeout,
    RequestTooLarge,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamTimeout,
)

_MESSAGE_CHARACTERS_MAX = 1000
_RETRY_AFTER_S_MAX = 3600
_HIDDEN = "[hidden]"
_SECRETS = re.compile(
    r"\b(?:[a-z]+://|www\.)\S+"  # addresses
    r"|\b[\w-]+(?:\.[\w-]+)+(?::\d+)?/\S*"  # hosts with a path
    r"|\b(?:[a-z0-9-]+\.)+(?:com|net|org|io|ai|cloud|local|internal)\b"  # hosts alone
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b"
    r"|\b(?:sk|pk|key|rk)-[\w*.-]{4,}|\bBearer\s+\S+"  # keys
    r"|\b(?:org|proj|user|req|acct|wrkspc|workspace)[-_][A-Za-z0-9]{6,}"  # accounts and requests
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",  # organizations
    re.IGNORECASE,
)
# `messages.1.content.0.thinking: ...`, as the provider opens its refusals.
_PATH = re.compile(r"([a-z_]+(?:\.[a-z0-9_]+)*): ")
_TOO_LONG = re.compile(r"prompt is too long|exceed(?:s|ed)? (?:the )?context (?:limit|window)", re.IGNORECASE)
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
    """The members of `error` on this wire; a message that does not say where the fault is gets its path."""
    is_named = error.param is None or error.param in error.message
    message = error.message if is_named else f"{error.param}: {error.message}"
    return {"type": _TYPE_BY_STATUS.get(error.status, "api_error"), "message": message}


def encode_error(error: GatewayError, request_id: str) -> bytes:
    """The body of an error response; one that took too long says so in `detail` too."""
    body: dict[str, Any] = {"type": "error", "error": error_object(error), "request_id": request_id}
    if isinstance(error, RequestTimeout):
        body["detail"] = {"type": error.type, "message": error.message}
    return orjson.dumps(body)


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """What a provider's refusal means to our caller.

    A thought whose signature the provider does not know has the code `invalid_signature` (field case E3).
    """
    return _meaning(status, _reported(body), _retry_after_s(headers))


def decode_error_object(error: object) -> GatewayError:
    """What an error inside a stream or a body of status 200 means; its type tells its status."""
    fields = error if isinstance(error, dict) else {}
    return _meaning(_STATUS_BY_TYPE.get(str(fields.get("type")), 502), fields, None)


def _meaning(status: int, fields: Mapping[str, Any], retry_after_s: int | None) -> GatewayError:
    if status in _MEANINGS:
        return _MEANINGS[status](fields, retry_after_s)
    if status >= 500:
        return UpstreamError("The provider failed while serving the request.", retry_after_s=retry_after_s)
    return UpstreamError("The provider refused the request.", retryable=False)


def _invalid(fields: Mapping[str, Any], retry_after_s: int | None) -> GatewayError:
    message = _text(fields.get("message"))
    if _OUR_ACCOUNT.search(message):
        return _credentials(fields, retry_after_s)
    path = _PATH.match(message)
    codes = (("context_length_exceeded", _TOO_LONG), ("invalid_signature", _SIGNATURE))
    return InvalidRequest(
        message or "The provider found the request invalid.",
        param=_as_json_path(path[1]) if path else None,
        code=next((code for code, pattern in codes if pattern.search(message)), None),
    )


def _as_json_path(path: str) -> str:
    """`messages.1.content` as `messages[1].content`."""
    return re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", path)


def _too_large(_: Mapping[str, Any], __: int | None) -> GatewayError:
    return RequestTooLarge("The request is larger than the provider accepts.")


def _credentials(_: Mapping[str, Any], __: int | None) -> GatewayError:
    return UpstreamError("The provider did not accept the gateway's account.", retryable=False)


def _unknown(_: Mapping[str, Any], __: int | None) -> GatewayError:
    return UpstreamError("The provider does not serve this model now.")


def _timeout(_: Mapping[str, Any], retry_after_s: int | None) -> GatewayError:
    return UpstreamTimeout("The provider did not answer in time.", retry_after_s=retry_after_s)


def _overloaded(_: Mapping[str, Any], retry_after_s: int | None) -> GatewayError:
    return UpstreamOverloaded("The provider is overloaded or its quota is used up.", retry_after_s=retry_after_s)


_MEANINGS: Mapping[int, Callable[[Mapping[str, Any], int | None], GatewayError]] = {
    400: _invalid,
    422: _invalid,
    401: _credentials,
    402: _credentials,
    403: _credentials,
    404: _unknown,
    408: _timeout,
    504: _timeout,
    413: _too_large,
    429: _overloaded,
    503: _overloaded,
    529: _overloaded,
}


def _reported(body: bytes) -> Mapping[str, Any]:
    """The error's members: `{"type": "error", "error": {...}}`, or nothing where the body is something else."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    error = value.get("error") if isinstance(value, dict) else None
    return error if isinstance(error, dict) else {}


def _text(message: object) -> str:
    if not isinstance(message, str):
        return ""
    return _SECRETS.sub(_HIDDEN, message[: 2 * _MESSAGE_CHARACTERS_MAX])[:_MESSAGE_CHARACTERS_MAX]


def _retry_after_s(headers: Mapping[str, str]) -> int | None:
    """`retry-after` in whole seconds; a date is left out, since a codec has no clock."""
    fields = {name.lower(): value for name, value in headers.items()}
    try:
        seconds = float(fields.get("retry-after", ""))
    except ValueError:
        return None
    return math.ceil(seconds) if 0 <= seconds <= _RETRY_AFTER_S_MAX else None
