"""Errors in this wire's shape: ours to a caller, and a provider's to the drawn tree.

Google's model of errors is https://google.aip.dev/193: a status of HTTP, its word, and details by type. A provider's
own words reach a caller only where the fault is the caller's, and then without keys, addresses and account ids;
everything else is said in our words. https://ai.google.dev/gemini-api/docs/troubleshooting
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

_TYPES = "type.googleapis.com/google.rpc."
_MESSAGE_CHARACTERS_MAX = 1000
_RETRY_AFTER_S_MAX = 3600
_HIDDEN = "[hidden]"
_SECRETS = re.compile(
    r"\b(?:[a-z]+://|www\.)\S+"  # addresses
    r"|\b(?:projects|tunedModels|cachedContents|fileSearchStores)/\S+|\bproject[_ ](?:number|id):?\s*\S+"  # accounts
    r"|\b[\w-]+(?:\.[\w-]+)+(?::\d+)?/\S*"  # hosts with a path
    r"|\b(?:[a-z0-9-]+\.)+(?:com|net|org|io|ai|cloud|local|internal)\b"  # hosts alone
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b"
    r"|\bAIza[\w-]+|\bya29\.\S+|\bAQ\.[\w-]+|\b(?:sk|pk|key|rk)-[\w*.-]{4,}|\bBearer\s+\S+",  # keys
    re.IGNORECASE,
)
_PATH = re.compile(r"[A-Za-z0-9_.\-\[\]]{1,200}")
_TOO_LONG = re.compile(r"token count.{0,40}exceeds the maximum", re.IGNORECASE)
_SIGNATURE = re.compile(r"thought[_ ]?signature", re.IGNORECASE)
# The gateway's own account, which the provider reports as if the request were at fault.
_OUR_ACCOUNT = re.compile(
    r"API[_ ]key (?:not valid|expired|not found)|API_KEY_INVALID|location is not supported|billing", re.IGNORECASE
)
_DELAY = re.compile(r"(\d+(?:\.\d+)?)s")

_WORD_BY_STATUS: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    415: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def error_object(error: GatewayError) -> dict[str, Any]:
    """The members of `error` on this wire; the contract's type, code and param are in its details."""
    return {
        "code": error.status,
        "message": error.message,
        "status": _WORD_BY_STATUS.get(error.status, "UNKNOWN"),
        "details": _details(error),
    }


def encode_error(error: GatewayError) -> bytes:
    """The body of an error response; one that took too long says so in `detail` too."""
    body: dict[str, Any] = {"error": error_object(error)}
    if isinstance(error, RequestTimeout):
        body["detail"] = {"type": error.type, "message": error.message}
    return orjson.dumps(body)


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """What a provider's refusal means to our caller.

    A signature that the provider does not know, or misses, has the code `invalid_signature` (field case E3).
    """
    fields = _reported(body)
    return _meaning(status, fields, _retry_after_s(headers, fields))


def decode_error_object(error: object) -> GatewayError:
    """What an error inside a stream or a body of status 200 means; its `code` is the status."""
    fields = error if isinstance(error, dict) else {}
    code = fields.get("code")
    status = code if type(code) is int and 400 <= code < 600 else 502
    return _meaning(status, fields, _retry_after_s({}, fields))


def _details(error: GatewayError) -> list[dict[str, Any]]:
    reason = (error.code or error.type).upper()
    details: list[dict[str, Any]] = [
        {"@type": _TYPES + "ErrorInfo", "reason": reason, "domain": "nexevo", "metadata": {"type": error.type}}
    ]
    if error.param is not None:
        violation = {"field": error.param, "description": error.message}
        details.append({"@type": _TYPES + "BadRequest", "fieldViolations": [violation]})
    if error.retry_after_s is not None:
        details.append({"@type": _TYPES + "RetryInfo", "retryDelay": f"{error.retry_after_s}s"})
    return details


def _meaning(status: int, fields: Mapping[str, Any], retry_after_s: int | None) -> GatewayError:
    if status in _MEANINGS:
        return _MEANINGS[status](fields, retry_after_s)
    if status >= 500:
        return UpstreamError("The provider failed while serving the request.", retry_after_s=retry_after_s)
    return UpstreamError("The provider refused the request.", retryable=False)


def _invalid(fields: Mapping[str, Any], retry_after_s: int | None) -> GatewayError:
    message = fields.get("message")
    text = message if isinstance(message, str) else ""
    if _OUR_ACCOUNT.search(text):
        return _credentials(fields, retry_after_s)
    codes = (("context_length_exceeded", _TOO_LONG), ("invalid_signature", _SIGNATURE))
    return InvalidRequest(
        _SECRETS.sub(_HIDDEN, text[: 2 * _MESSAGE_CHARACTERS_MAX])[:_MESSAGE_CHARACTERS_MAX]
        or "The provider found the request invalid.",
        param=_violated(fields),
        code=next((code for code, pattern in codes if pattern.search(text)), None),
    )


def _violated(fields: Mapping[str, Any]) -> str | None:
    """The first field that the provider names, where its path is harmless to pass on."""
    for detail in _objects(fields.get("details")):
        for violation in _objects(detail.get("fieldViolations")):
            path = violation.get("field")
            if isinstance(path, str) and _PATH.fullmatch(path) and not _SECRETS.search(path):
                return path
    return None


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
    499: _timeout,
    504: _timeout,
    413: _too_large,
    429: _overloaded,
    503: _overloaded,
    529: _overloaded,
}


def _reported(body: bytes) -> Mapping[str, Any]:
    """The error's members: `{"error": {...}}`, or an array of one where a stream was asked for; else nothing."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    if isinstance(value, list):
        value = next(iter(value), None)
    error = value.get("error") if isinstance(value, dict) else None
    return error if isinstance(error, dict) else {}


def _objects(value: object) -> list[dict[str, Any]]:
    """The objects of an array, whatever else is in it."""
    return [element for element in value if isinstance(element, dict)] if isinstance(value, list) else []


def _retry_after_s(headers: Mapping[str, str], fields: Mapping[str, Any]) -> int | None:
    """`retry-after`, or Google's own RetryInfo, in whole seconds; a date is left out, since a codec has no clock."""
    told = {name.lower(): value for name, value in headers.items()}.get("retry-after", "")
    delays = [detail.get("retryDelay") for detail in _objects(fields.get("details"))]
    for text in (f"{told}s", *delays):
        found = _DELAY.fullmatch(text) if isinstance(text, str) else None
        if found is not None and float(found[1]) <= _RETRY_AFTER_S_MAX:
            return math.ceil(float(found[1]))
    return None
