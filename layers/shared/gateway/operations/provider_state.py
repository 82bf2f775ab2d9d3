"""Refuses requests that have a provider look something up in the operator's account, which all callers share."""

from __future__ import annotations

from gateway.canonical.request import ChatRequest
from gateway.errors import InvalidRequest


def refuse_provider_state(request: ChatRequest) -> None:
    """Raises `InvalidRequest` that names the member by which the request refers to provider state."""
    path = request.provider_state
    if path is not None:
        message = f"'{path}' refers to something that is kept at a provider, which is not served here. Send it in full."
        raise InvalidRequest(message, param=path, code="unsupported_parameter")
