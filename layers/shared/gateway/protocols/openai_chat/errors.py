"""Errors in this wire's shape: ours to a caller, and a provider's to the drawn tree.

A provider's own words reach a caller only where the fault is the caller's, and then without keys, addresses
and account ids; everything else is said in our words. https://platform.openai.com/docs/guides/error-codes
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
    r"|\b(?:sk|pk|gsk|xai|key|rk)-[\w*.-]{4,}|\bBearer\s+\S+|\bgsk_\w+|\bAIza[\w-]+"  # keys
    r"|\b(?:org|proj|user|req|acct)[-_][A-Za-z0-9]{6,}",  # accounts and requests
    re.IGNORECASE,
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
    return _meaning(status, _reported(body), _retry_after_s(headers))


def decode_error_object(error: object) -> GatewayError:
    """What an error inside a stream or a body of status 200 means; its status is where providers put it."""
    fields = _fields({"error": error})
    return _meaning(_status(fields), fields, None)


def _meaning(status: int, fields: Mapping[str, Any], retry_after_s: int | None) -> GatewayError:
    if status in _MEANINGS:
        return _MEANINGS[status](fields, retry_after_s)
    if status >= 500:
        return UpstreamError("The provider failed while serving the request.", retry_after_s=retry_after_s)
    return UpstreamError("The provider refused the request.", retryable=False)


def _invalid(fields: Mapping[str, Any], _: int | None) -> GatewayError:
    message = _text(fields.get("message"))
    code = _matching(_WORD, fields.get("code"))
    if code != "context_length_exceeded" and _TOO_LONG.search(message):
        code = "context_length_exceeded"
    return InvalidRequest(
        message or "The provider found the request invalid.", param=_matching(_PATH, fields.get("param")), code=code
    )


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
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return _fields(value) if isinstance(value, dict) else {}


def _fields(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The error's members, in the shapes of this wire's dialects: an object, a string, or the body itself."""
    error = value.get("error", value)
    if isinstance(error, str):
        return {"message": error}
    return error if isinstance(error, dict) else {}


def _status(fields: Mapping[str, Any]) -> int:
    for name in ("status", "status_code", "code"):
        value = fields.get(name)
        if type(value) is int and 400 <= value < 600:
            return value
    return _STATUS_BY_TYPE.get(str(fields.get("type")), 502)


def _text(message: object) -> str:
    if not isinstance(message, str):
        return ""
    return _SECRETS.sub(_HIDDEN, message[: 2 * _MESSAGE_CHARACTERS_MAX])[:_MESSAGE_CHARACTERS_MAX]


def _matching(pattern: re.Pattern[str], value: object) -> str | None:
    """A word of the provider's, where it is harmless to pass on."""
    plain = isinstance(value, str) and pattern.fullmatch(value) and not _SECRETS.search(value)
    return str(value) if plain else None


def _retry_after_s(headers: Mapping[str, str]) -> int | None:
    """`retry-after-ms` or `retry-after` in whole seconds; a date is left out, since a codec has no clock."""
    fields = {name.lower(): value for name, value in headers.items()}
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            seconds = float(fields.get(name, "")) / unit
        except ValueError:
            continue
        if 0 <= seconds <= _RETRY_AFTER_S_MAX:
            return math.ceil(seconds)
    return None
