"""Errors in Cohere's shape: https://docs.cohere.com/reference/errors."""

from __future__ import annotations

from gateway.errors import GatewayError
from gateway.protocols.shared.error_bodies import error_body, message_of

_FULL_CONTEXT = "too many tokens"


def encode_error(error: GatewayError, request_id: str) -> bytes:
    """The body of an error response."""
    message = message_of(error, _FULL_CONTEXT)
    return error_body(error, {"id": request_id, "message": message, "code": error.code, "param": error.param})
