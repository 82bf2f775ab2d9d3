"""Converts Bedrock's refusals to the caller's errors, as HTTP errors and as messages inside a stream.

The kind of an error counts before its status: AWS names it in a header, in the body or in the message's headers
(https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html). A provider's own words reach a caller only
where the fault is the caller's, and then without keys, addresses and account ids; everything else is said in our words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from gateway.errors import GatewayError, InvalidRequest
from gateway.framing.eventstream import HeaderValue
from gateway.protocols.shared import provider_errors
from gateway.protocols.shared.error_bodies import CONTEXT_FULL
from gateway.protocols.shared.provider_errors import INVALID, UNEXPLAINED, error_fields, header, reported, scrubbed

# The model, not Bedrock, failed.
_MODEL_FAILED = 424
_SIGNATURE = re.compile(r"`?signature`?.{0,40}`?thinking`?|thinking\.signature|redacted_thinking", re.IGNORECASE)
# The gateway's own catalog or account, which AWS reports as if the request were at fault.
_OUR_MODEL = re.compile(
    r"model identifier|on-demand throughput|inference profile|end of its life|Operation not allowed", re.IGNORECASE
)
# `messages.1.content.0: ...`, behind the preface that says it was the model who refused.
_PATH = re.compile(r"(?:^|: |\bat )((?:messages|system|toolConfig|inferenceConfig)(?:\.\w+)+)")


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """Converts an HTTP error.

    A thought whose signature the provider does not know has the code `invalid_signature` (field case E3).
    """
    fields = error_fields(reported(body))
    named = header(headers, "x-amzn-errortype") or fields.get("__type")
    return _meaning(_kind(named), status, fields, _wait_s(headers, fields))


def decode_exception(headers: Mapping[str, HeaderValue], payload: bytes) -> GatewayError:
    """Converts a message that is not an event: an exception of the model's, or an error of the stream itself."""
    fields = error_fields(reported(payload))
    named = headers.get(":exception-type") or headers.get(":error-code")
    return _meaning(_kind(named), 502, fields, _wait_s({}, fields))


def _wait_s(headers: Mapping[str, str], fields: Mapping[str, Any]) -> int | None:
    return provider_errors.retry_after_s(headers, _message(fields))


def _message(fields: Mapping[str, Any]) -> object:
    """AWS spells the member in two ways."""
    return fields.get("message") or fields.get("Message")


def _kind(named: object) -> str:
    """The bare name, out of `throttlingException`, `ThrottlingException:http://…` and `….v1#ThrottlingException`."""
    name = named.partition(":")[0].rpartition("#")[2] if isinstance(named, str) else ""
    return name[:1].upper() + name[1:]


def _meaning(kind: str, status: int, fields: Mapping[str, Any], after_s: int | None) -> GatewayError:
    if kind in _MEANINGS:
        return _MEANINGS[kind](after_s)
    if kind in _INVALID_KINDS or status in INVALID:
        return _invalid(fields)
    return provider_errors.failed(after_s) if status == _MODEL_FAILED else provider_errors.meaning(status, after_s)


def _invalid(fields: Mapping[str, Any]) -> GatewayError:
    message = scrubbed(_message(fields))
    if _OUR_MODEL.search(message):
        return provider_errors.unknown_model()
    code = "invalid_signature" if _SIGNATURE.search(message) else None
    path = _PATH.search(message)
    return InvalidRequest(
        message or UNEXPLAINED,
        param=re.sub(r"\.(\d+)", r"[\1]", path[1]) if path else None,
        code=CONTEXT_FULL if provider_errors.is_context_full(message) else code,
    )


_INVALID_KINDS = frozenset({"ValidationException", "SerializationException"})
_MEANINGS: Mapping[str, Callable[[int | None], GatewayError]] = {
    "ConflictException": provider_errors.failed,
    "InternalServerException": provider_errors.failed,
    "ModelErrorException": provider_errors.failed,
    "ModelStreamErrorException": provider_errors.failed,
    "ModelTimeoutException": provider_errors.timeout,
    "ModelNotReadyException": provider_errors.overloaded,
    "ServiceQuotaExceededException": provider_errors.overloaded,
    "ServiceUnavailableException": provider_errors.overloaded,
    "ThrottlingException": provider_errors.overloaded,
    "TooManyRequestsException": provider_errors.overloaded,
    "AccessDeniedException": provider_errors.credentials,
    "ExpiredTokenException": provider_errors.credentials,
    "IncompleteSignatureException": provider_errors.credentials,
    "InvalidSignatureException": provider_errors.credentials,
    "MissingAuthenticationTokenException": provider_errors.credentials,
    "UnrecognizedClientException": provider_errors.credentials,
    "ResourceNotFoundException": provider_errors.unknown_model,
}
