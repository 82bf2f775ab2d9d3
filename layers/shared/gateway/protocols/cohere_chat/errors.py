"""Converts Cohere's refusal to the error tree. https://docs.cohere.com/reference/errors: a status and a `message`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.errors import GatewayError, InvalidRequest
from gateway.protocols.shared import provider_errors
from gateway.protocols.shared.error_bodies import CONTEXT_FULL
from gateway.protocols.shared.provider_errors import (
    INVALID,
    UNEXPLAINED,
    error_fields,
    is_context_full,
    reported,
    retry_after_s,
    scrubbed,
    status_unstated,
)

# The input or the output was blocked: the caller's text is at fault.
_BLOCKED = 498


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """Converts an HTTP error."""
    fields = error_fields(reported(body))
    return _meaning(status, fields, retry_after_s(headers, fields.get("message")))


def decode_error_object(error: object) -> GatewayError:
    """Converts an error inside a stream, which names no status."""
    fields = error_fields({"error": error} if isinstance(error, str) else error)
    return _meaning(status_unstated(fields), fields, retry_after_s({}, fields.get("message")))


def _meaning(status: int, fields: Mapping[str, Any], after_s: int | None) -> GatewayError:
    message = scrubbed(fields.get("message"))
    if status == _BLOCKED:
        return InvalidRequest(message or UNEXPLAINED, code="content_filter")
    if status not in INVALID:
        return provider_errors.meaning(status, after_s)
    return InvalidRequest(message or UNEXPLAINED, code=CONTEXT_FULL if is_context_full(message) else None)
