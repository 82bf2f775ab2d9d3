"""What Bedrock's refusals mean to our caller, as HTTP errors and as messages inside a stream.

The kind of an error counts before its status: AWS names it in a header, in the body or in the message's headers
(https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html). A provider's own words reach a caller only
where the fault is the caller's, and then without keys, addresses and account ids; everything else is said in our words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from gateway.errors import (
    GatewayError,
    InvalidRequest,
    RequestTooLarge,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamTimeout,
)
from gateway.framing.eventstream import HeaderValue

_MESSAGE_CHARACTERS_MAX = 1000
_HIDDEN = "[hidden]"
_SECRETS = re.compile(
    r"\b(?:[a-z]+://|www\.)\S+"  # addresses
    r"|\barn:aws[\w:/.@-]+"  # what an account owns
    r"|\b(?:[a-z0-9-]+\.)+(?:com|net|org|io|ai|cloud|local|internal)\b"  # hosts
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b"
    r"|\b(?:AKIA|ASIA|ABSK)[A-Za-z0-9+/=]{8,}|\bBearer\s+\S+"  # keys
    r"|\b\d{12}\b"  # accounts
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",  # requests
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"(?:input|prompt) is too long|exceed(?:s|ed)? (?:the )?(?:model's )?(?:maximum )?context|"
    r"too many (?:input )?tokens|context (?:window|length) (?:limit|exceeded)",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(r"`?signature`?.{0,40}`?thinking`?|thinking\.signature|redacted_thinking", re.IGNORECASE)
# The gateway's own catalog or account, which AWS reports as if the request were at fault.
_OUR_MODEL = re.compile(
    r"model identifier|on-demand throughput|inference profile|end of its life|Operation not allowed", re.IGNORECASE
)
# `messages.1.content.0: ...`, behind the preface that says it was the model who refused.
_PATH = re.compile(r"(?:^|: |\bat )((?:messages|system|toolConfig|inferenceConfig)(?:\.\w+)+)")


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """What an HTTP error means.

    A thought whose signature the provider does not know has the code `invalid_signature` (field case E3).
    """
    fields = _reported(body)
    named = {name.lower(): value for name, value in headers.items()}.get("x-amzn-errortype") or fields.get("__type")
    return _meaning(_kind(named), status, fields)


def decode_exception(headers: Mapping[str, HeaderValue], payload: bytes) -> GatewayError:
    """What a message means that is not an event: an exception of the model's, or an error of the stream itself."""
    fields = _reported(payload)
    named = headers.get(":exception-type") or headers.get(":error-code")
    return _meaning(_kind(named), 502, fields)


def _kind(named: object) -> str:
    """The bare name, out of `throttlingException`, `ThrottlingException:http://…` and `….v1#ThrottlingException`."""
    name = named.partition(":")[0].rpartition("#")[2] if isinstance(named, str) else ""
    return name[:1].upper() + name[1:]


def _meaning(kind: str, status: int, fields: Mapping[str, Any]) -> GatewayError:
    meaning = _BY_KIND.get(kind) or _BY_STATUS.get(status)
    if meaning is not None:
        return meaning(fields)
    if status >= 500:
        return _failed(fields)
    return UpstreamError("The provider refused the request.", retryable=False)


def _invalid(fields: Mapping[str, Any]) -> GatewayError:
    message = _text(fields.get("message") or fields.get("Message"))
    if _OUR_MODEL.search(message):
        return _unknown(fields)
    codes = (("context_length_exceeded", _TOO_LONG), ("invalid_signature", _SIGNATURE))
    path = _PATH.search(message)
    return InvalidRequest(
        message or "The provider found the request invalid.",
        param=re.sub(r"\.(\d+)", r"[\1]", path[1]) if path else None,
        code=next((code for code, pattern in codes if pattern.search(message)), None),
    )


def _failed(_: Mapping[str, Any]) -> GatewayError:
    return UpstreamError("The provider failed while serving the request.")


def _too_large(_: Mapping[str, Any]) -> GatewayError:
    return RequestTooLarge("The request is larger than the provider accepts.")


def _credentials(_: Mapping[str, Any]) -> GatewayError:
    return UpstreamError("The provider did not accept the gateway's account.", retryable=False)


def _unknown(_: Mapping[str, Any]) -> GatewayError:
    return UpstreamError("The provider does not serve this model now.")


def _timeout(_: Mapping[str, Any]) -> GatewayError:
    return UpstreamTimeout("The provider did not answer in time.")


def _overloaded(_: Mapping[str, Any]) -> GatewayError:
    return UpstreamOverloaded("The provider is overloaded or its quota is used up.")


_BY_KIND: Mapping[str, Callable[[Mapping[str, Any]], GatewayError]] = {
    "ValidationException": _invalid,
    "SerializationException": _invalid,
    "ConflictException": _failed,
    "InternalServerException": _failed,
    "ModelErrorException": _failed,
    "ModelStreamErrorException": _failed,
    "ModelTimeoutException": _timeout,
    "ModelNotReadyException": _overloaded,
    "ServiceQuotaExceededException": _overloaded,
    "ServiceUnavailableException": _overloaded,
    "ThrottlingException": _overloaded,
    "TooManyRequestsException": _overloaded,
    "AccessDeniedException": _credentials,
    "ExpiredTokenException": _credentials,
    "IncompleteSignatureException": _credentials,
    "InvalidSignatureException": _credentials,
    "MissingAuthenticationTokenException": _credentials,
    "UnrecognizedClientException": _credentials,
    "ResourceNotFoundException": _unknown,
}
_BY_STATUS: Mapping[int, Callable[[Mapping[str, Any]], GatewayError]] = {
    400: _invalid,
    401: _credentials,
    403: _credentials,
    404: _unknown,
    408: _timeout,
    413: _too_large,
    424: _failed,
    429: _overloaded,
    503: _overloaded,
    504: _timeout,
}


def _reported(body: bytes) -> Mapping[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _text(message: object) -> str:
    if not isinstance(message, str):
        return ""
    return _SECRETS.sub(_HIDDEN, message[: 2 * _MESSAGE_CHARACTERS_MAX])[:_MESSAGE_CHARACTERS_MAX]
