"""Refuses what a provider's wire, or the model behind it, cannot express, and names the member at fault."""

from __future__ import annotations

import base64
import binascii

from gateway.canonical.parts import Opaque, Part
from gateway.errors import InvalidRequest


def inexpressible_parameter(path: str) -> InvalidRequest:
    """The refusal of a parameter."""
    message = f"'{path}' cannot be expressed for this model's provider."
    return InvalidRequest(message, param=path, code="unsupported_parameter")


def inexpressible_part(part: Part, path: str) -> InvalidRequest:
    """The refusal of a part of a message, or of one in this role."""
    kind = f"{part.protocol} content" if isinstance(part, Opaque) else type(part).__name__.lower()
    message = f"Invalid '{path}': this {kind} cannot be expressed for this model's provider."
    return InvalidRequest(message, param=path, code="unsupported_content")


def plain_text(data_base64: str, path: str) -> str:
    """The text of an inline text file, for a wire without such files; raises `InvalidRequest` for other bytes."""
    try:
        return base64.b64decode(data_base64, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise InvalidRequest(f"Invalid '{path}': expected base64 of UTF-8 text.", param=path) from None
