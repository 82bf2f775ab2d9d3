"""Builds the common members of the error bodies of all wires: section 5 of the public contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.errors import GatewayError, RequestTimeout

CONTEXT_FULL = "context_length_exceeded"


def message_of(error: GatewayError, full_context: str) -> str:
    """The error's message; a full context is told in the wire's own words, by which agents know to compact."""
    is_said = error.code != CONTEXT_FULL or full_context.lower() in error.message.lower()
    return error.message if is_said else f"{full_context}: {error.message}"


def error_body(error: GatewayError, said: Mapping[str, Any]) -> bytes:
    """The body of an error response, `said` in the wire's own shape; one that took too long says so in `detail` too."""
    detail = {"detail": {"type": error.type, "message": error.message}} if isinstance(error, RequestTimeout) else {}
    return orjson.dumps({**said, **detail})
