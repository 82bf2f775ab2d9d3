"""Errors in this wire's shape: ours to a caller, and a provider's to the drawn tree.

Google's model of errors is https://google.aip.dev/193: a status of HTTP, its word, and details by type. A provider's
own words reach a caller only where the fault is the caller's, and then without keys, addresses and account ids;
everything else is said in our words. https://ai.google.dev/gemini-api/docs/troubleshooting
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from gateway.errors import GatewayError, InvalidRequest
from gateway.protocols.shared.error_bodies import CONTEXT_FULL, error_body, message_of
from gateway.protocols.shared.provider_errors import (
    INVALID,
    RETRY_AFTER_S_MAX,
    UNEXPLAINED,
    credentials,
    error_fields,
    harmless,
    is_context_full,
    meaning,
    reported,
    retry_after_s,
    scrubbed,
    status_unstated,
    timeout,
)

_TYPES = "type.googleapis.com/google.rpc."
_PATH = re.compile(r"[A-Za-z0-9_.\-\[\]]{1,200}")
_FULL_CONTEXT = "The input token count exceeds the maximum number of tokens allowed"
_SIGNATURE = re.compile(r"thought[_ ]?signature", re.IGNORECASE)
# The gateway's own account, which the provider reports as if the request were at fault.
_OUR_ACCOUNT = re.compile(
    r"API[_ ]key (?:not valid|expired|not found)|API_KEY_INVALID|location is not supported|billing", re.IGNORECASE
)
# Google's own number for a call that its caller gave up.
_CANCELLED = 499
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
        "message": message_of(error, _FULL_CONTEXT),
        "status": _WORD_BY_STATUS.get(error.status, "UNKNOWN"),
        "details": _details(error),
    }


def encode_error(error: GatewayError) -> bytes:
    """The body of an error response."""
    return error_body(error, {"error": error_object(error)})


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """Converts a provider's refusal to the caller's error.

    A signature that the provider does not know, or misses, has the code `invalid_signature` (field case E3).
    """
    fields = error_fields(reported(body))
    return _meaning(status, fields, _wait_s(headers, fields))


def decode_error_object(error: object) -> GatewayError:
    """Converts an error inside a stream or a body of status 200; its `code` is the status."""
    fields = error_fields({"error": error})
    code = fields.get("code")
    status = code if type(code) is int and 400 <= code < 600 else status_unstated(fields)
    return _meaning(status, fields, _wait_s({}, fields))


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


def _meaning(status: int, fields: Mapping[str, Any], after_s: int | None) -> GatewayError:
    if status == _CANCELLED:
        return timeout(after_s)
    return _invalid(fields) if status in INVALID else meaning(status, after_s)


def _invalid(fields: Mapping[str, Any]) -> GatewayError:
    message = fields.get("message")
    text = message if isinstance(message, str) else ""
    if _OUR_ACCOUNT.search(text):
        return credentials()
    code = "invalid_signature" if _SIGNATURE.search(text) else None
    return InvalidRequest(
        scrubbed(text) or UNEXPLAINED,
        param=_violated(fields),
        code=CONTEXT_FULL if is_context_full(text) else code,
    )


def _violated(fields: Mapping[str, Any]) -> str | None:
    """The first field that the provider names, where its path is harmless to pass on."""
    for detail in _objects(fields.get("details")):
        for violation in _objects(detail.get("fieldViolations")):
            if path := harmless(_PATH, violation.get("field")):
                return path
    return None


def _objects(value: object) -> list[dict[str, Any]]:
    """Returns the objects of an array, without its other elements."""
    return [element for element in value if isinstance(element, dict)] if isinstance(value, list) else []


def _wait_s(headers: Mapping[str, str], fields: Mapping[str, Any]) -> int | None:
    """The wait of the headers, else Google's own RetryInfo, else that of the message."""
    waits_s = (retry_after_s(headers), _delay_s(fields), retry_after_s({}, fields.get("message")))
    return next((wait_s for wait_s in waits_s if wait_s is not None), None)


def _delay_s(fields: Mapping[str, Any]) -> int | None:
    """Google's own RetryInfo in whole seconds."""
    for detail in _objects(fields.get("details")):
        delay = _DELAY.fullmatch(str(detail.get("retryDelay")))
        if delay is not None and float(delay[1]) <= RETRY_AFTER_S_MAX:
            return math.ceil(float(delay[1]))
    return None
