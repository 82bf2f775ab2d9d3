"""Asks a provider once for an operation's answer, outside of any request's plan, hold and retries."""

from __future__ import annotations

from typing import Any

from gateway.auth.principal import Principal
from gateway.errors import NotConfigured
from gateway.pipeline.operation import A, Operation, R
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.upstream import Credential
from gateway.routing.plan import Candidate


async def asked_once(
    providers: ProviderClient,
    operation: Operation[R, A],
    request: R,
    candidate: Candidate[Any],
    principal: Principal,
    now_s: float,
) -> A:
    """The candidate's whole answer, at the deployment's cost; raises what went wrong."""
    found = await providers.choice(candidate, principal)
    if not found:
        raise NotConfigured
    credential = await providers.ready(candidate.target.provider, found[0])
    bodies = [
        await _part(providers, operation, part, candidate, credential, now_s)
        for part in operation.parts(request, candidate)
    ]
    return operation.decode_answer(request, candidate, bodies, "")


async def _part(
    providers: ProviderClient,
    operation: Operation[R, A],
    part: R,
    candidate: Candidate[Any],
    credential: Credential,
    now_s: float,
) -> bytes:
    call = operation.call(part, candidate, credential, now_s, stream=False)
    response = await providers.send(call.request)
    try:
        if response.status in call.accepted:
            return await call.read(response)
        raise call.decode_error(response.status, response.headers, await response.read())
    finally:
        await response.aclose()
