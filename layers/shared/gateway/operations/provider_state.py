"""Refuses requests that have a provider look something up in the operator's account, which all callers share.

An account's own key of a provider reaches what the account keeps there. It is asked alone then, and on the caller's own
wire, where such a request is forwarded as it is.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from gateway.canonical.chat_models import ChatModel
from gateway.canonical.request import ChatRequest
from gateway.errors import InvalidRequest
from gateway.routing.plan import Candidate, Excluded, Plan, sifted


def keeping_state(
    request: ChatRequest,
    planned: Plan[ChatModel],
    speaks: Callable[[Candidate[ChatModel]], bool],
    excluded: list[Excluded] | None = None,
) -> Plan[ChatModel]:
    """The plan of what may serve a request that refers to provider state: the first of the account's own providers.

    What is kept at one provider is unknown at others. `speaks` is true for a candidate of the caller's own wire. Raises
    `InvalidRequest` where the account has no such key.
    """
    if request.provider_state is None:
        return planned
    own = [candidate for candidate in planned.candidates if candidate.own is not None and speaks(candidate)]
    if not own:
        refuse_provider_state(request)
    provider = own[0].target.provider

    def objection(candidate: Candidate[ChatModel]) -> str | None:
        reaches = candidate in own and candidate.target.provider == provider
        return None if reaches else "does not reach what the request refers to"

    kept = sifted(planned.candidates, request.provider_state, objection, [] if excluded is None else excluded)
    return replace(planned, candidates=tuple(kept))


def refuse_provider_state(request: ChatRequest) -> None:
    """Raises `InvalidRequest` that names the member by which the request refers to provider state."""
    path = request.provider_state
    if path is not None:
        message = f"'{path}' refers to something that is kept at a provider, which is not served here. Send it in full."
        raise InvalidRequest(message, param=path, code="unsupported_parameter")
