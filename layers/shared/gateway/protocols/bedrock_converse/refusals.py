"""How a request is refused that this wire, or the model behind it, cannot express: by the name of what is at fault."""

from __future__ import annotations

from gateway.canonical.parts import Opaque, Part
from gateway.errors import InvalidRequest


def inexpressible_parameter(path: str) -> InvalidRequest:
    """A parameter that has no place here."""
    message = f"'{path}' cannot be expressed for this model's provider."
    return InvalidRequest(message, param=path, code="unsupported_parameter")


def inexpressible_part(part: Part, path: str) -> InvalidRequest:
    """A part of a message that has no place here, or not in this role."""
    kind = f"{part.protocol} content" if isinstance(part, Opaque) else type(part).__name__.lower()
    message = f"Invalid '{path}': this {kind} cannot be expressed for this model's provider."
    return InvalidRequest(message, param=path, code="unsupported_content")
