"""Judges under `provider.require_parameters` whether a target takes every parameter of a request, by writing it."""

from __future__ import annotations

from gateway.canonical.chat_models import ChatModel
from gateway.canonical.request import ChatRequest
from gateway.errors import InvalidRequest
from gateway.operations.chat import provider_of, target_of
from gateway.operations.provider_tools import with_sold_tools
from gateway.providers.chat.profiles import PROFILES
from gateway.providers.constraints.refusals import member_of
from gateway.routing.needs import capabilities_asked, reasons
from gateway.routing.plan import Candidate
from gateway.signatures import is_about_signatures

# The value that asks for nothing: https://platform.openai.com/docs/api-reference/chat/create.
_USUAL = 1
_MEMBERS = {"tools": "tools", "structured_output": "response_format", "reasoning": "effort"}


def refused_parameter(request: ChatRequest, candidate: Candidate[ChatModel]) -> InvalidRequest | None:
    """The refusal of the first parameter that the candidate does not take; nothing where it takes all."""
    lacking = _lacking(request, candidate)
    if lacking is not None:
        path = member_of(request, lacking)
        message = f"Invalid '{path}': the model '{candidate.model.id}' does not take it."
        return InvalidRequest(message, param=path, code="unsupported_value")
    try:
        provider_of(candidate, request).written(with_sold_tools(request, candidate.target), target_of(candidate))
    except InvalidRequest as refused:
        # Signatures are looked for later, and are no parameters.
        return None if is_about_signatures(refused) else refused
    return None


def _lacking(request: ChatRequest, candidate: Candidate[ChatModel]) -> str | None:
    """The parameter that the model cannot do by the catalog, or does as it likes by its profile."""
    asked = capabilities_asked(request) | ({"reasoning"} if reasons(request) else set())
    missing = asked - {*candidate.model.capabilities}
    if missing:
        return _MEMBERS[min(missing)]
    if not PROFILES[candidate.target.profile].fixed_sampling:
        return None
    drawn = ((name, getattr(request.sampling, name)) for name in ("temperature", "top_p"))
    return next((name for name, value in drawn if value not in (None, _USUAL)), None)
