"""Chooses, for one request, the order of its candidates and the credential for each, by how their targets do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import SystemRandom
from typing import Any

from msgspec import Struct

from gateway.errors import (
    CredentialRefused,
    InvalidRequest,
    NotConfigured,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamTimeout,
)
from gateway.pipeline.context import Attempt, RequestContext
from gateway.pipeline.health import Health
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.upstream import Credential
from gateway.routing.health import Phase, by_weight, in_order, place_of, target_name
from gateway.routing.plan import Candidate

CHANCE = SystemRandom()
Request = RequestContext[Any, Any]


class Routes(Struct, frozen=True):
    """The candidates of requests, the providers' credentials, and how both do.

    How accounts' `own` keys do stays in this process: it is no other account's concern.
    """

    providers: ProviderClient
    health: Health
    own: Health

    def all_well(self, context: Request) -> bool:
        """True if nothing is known against any target that the request may use: then the plan's order stands."""
        return self.health.all_well and (not context.inbound.principal.own_keys or self.own.all_well)

    async def in_order(self, context: Request) -> list[Candidate[Any]]:
        """The plan's candidates: those that are well, those that are due for a probe, and those that cool.

        One that is due goes before those that are well if this request is the one that may probe it.
        """
        candidates = context.plan.candidates
        phases = [await self._phase(context, candidate) for candidate in candidates]
        order, due = in_order(candidates, phases)
        if due is not None and await self._is_probed(context, due):
            order = [due, *(candidate for candidate in order if candidate is not due)]
        if Phase.WELL in phases:
            for candidate in candidates[: phases.index(Phase.WELL)]:
                if candidate is not context.probe:
                    context.pass_over(candidate)
        return order

    async def _is_probed(self, context: Request, due: Candidate[Any]) -> bool:
        """True if this request is the one that finds out about a candidate that is due."""
        health = self._health(due)
        for credential in await self._choice(context, due):
            names = _names(due, credential)
            if health.phase(names) is Phase.DUE and await health.claim(names):
                context.credentials[_holder(due)], context.probe = credential, due
                return True
        return False

    async def credential(self, context: Request, candidate: Candidate[Any]) -> Credential:
        """The credential of the candidate's provider that the request uses, ready for use, chosen by weight.

        Those that have failed this request come last. Raises `NotConfigured` where the provider has none.
        """
        provider, holder = candidate.target.provider, _holder(candidate)
        chosen = context.credentials.get(holder)
        if chosen is None:
            found = await self.providers.choice(candidate, context.inbound.principal)
            if not found:
                raise NotConfigured
            chosen = found[0] if len(found) == 1 else await self._chosen(context, candidate, found)
            context.credentials[holder] = chosen
        return await self.providers.ready(provider, chosen)

    async def first_well(self, context: Request, candidates: Iterable[Candidate[Any]]) -> Candidate[Any] | None:
        """The first candidate that is well, and that the request may still ask."""
        for candidate in candidates:
            if await self._phase(context, candidate) is Phase.WELL and not await self.is_spent(context, candidate):
                return candidate
        return None

    async def is_spent(self, context: Request, candidate: Candidate[Any]) -> bool:
        """True if the provider has asked, of each credential, to be left alone for longer than the request waits."""
        if not context.spent:
            return False
        found = await self._choice(context, candidate)
        return bool(found) and all(_is_spent(context, candidate, each) for each in found)

    async def has_another(self, context: Request, attempt: Attempt, error: UpstreamError | InvalidRequest) -> bool:
        """True if the failure is the credential's, and the provider has one that the request has not tried."""
        if not isinstance(error, CredentialRefused | UpstreamOverloaded):
            return False
        found = await self._choice(context, attempt.candidate)
        return len(found) > 1 and bool(_untried(context, attempt.candidate, found))

    def failed(self, context: Request, attempt: Attempt, error: UpstreamError) -> None:
        """Notes a failure of the attempt's target, if it is one; another attempt chooses its credential anew."""
        candidate, credential = attempt.candidate, attempt.credential
        if credential is None:
            return
        provider = candidate.target.provider
        context.credentials.pop(_holder(candidate), None)
        refused = isinstance(error, CredentialRefused)
        if not refused and not error.retryable:
            return
        named = error.retry_after_s or None
        shared = named and context.operation.shares_quota(candidate)
        name = target_name(provider, credential, "" if shared else place_of(candidate.target))
        self._health(candidate).failed(name, after_s=named, at_once=isinstance(error, UpstreamTimeout))
        if refused or named:
            context.spent.add(name)

    def served(self, attempt: Attempt, *, whole: bool) -> None:
        """Notes that the attempt's target has answered, or has begun to."""
        health = self._health(attempt.candidate)
        if attempt.credential is not None and not health.all_well:
            health.served(_names(attempt.candidate, attempt.credential), whole=whole)

    async def left_s(self, context: Request, candidate: Candidate[Any]) -> float:
        """The seconds for which the provider has asked, of each credential, to be left alone; 0 where it has not."""
        found = await self._choice(context, candidate)
        health = self._health(candidate)
        return min((health.left_s(_names(candidate, each)) for each in found), default=0.0)

    async def _phase(self, context: Request, candidate: Candidate[Any]) -> Phase:
        """The phase of the best credential; a provider without any is of no help."""
        found = await self._choice(context, candidate)
        health = self._health(candidate)
        return min((health.phase(_names(candidate, each)) for each in found), default=Phase.COOLING)

    async def _choice(self, context: Request, candidate: Candidate[Any]) -> Sequence[Credential]:
        """The credentials that the candidate may be asked with; none where the account's own cannot be opened."""
        try:
            return await self.providers.choice(candidate, context.inbound.principal)
        except UpstreamError:
            return ()

    def _health(self, candidate: Candidate[Any]) -> Health:
        return self.health if candidate.own is None else self.own

    async def _chosen(self, context: Request, candidate: Candidate[Any], found: Sequence[Credential]) -> Credential:
        """One of several credentials. One that is due for a probe is chosen once for each of its cooldowns."""
        usable = _untried(context, candidate, found) or found
        phases = [self.health.phase(_names(candidate, each)) for each in usable]
        well = [each for each, phase in zip(usable, phases, strict=True) if phase is Phase.WELL]
        awake = [each for each, phase in zip(usable, phases, strict=True) if phase is not Phase.COOLING]
        chosen = by_weight(awake or usable, CHANCE.random())
        if not well or chosen in well or await self.health.claim(_names(candidate, chosen)):
            return chosen
        return by_weight(well, CHANCE.random())


def _holder(candidate: Candidate[Any]) -> str:
    """The name under which a request notes its credential of the provider: the gateway's, or the account's own."""
    provider = candidate.target.provider
    return provider if candidate.own is None else f"{provider}#{candidate.own.key_id}"


def _names(candidate: Candidate[Any], credential: Credential) -> tuple[str, str]:
    provider = candidate.target.provider
    return target_name(provider, credential, place_of(candidate.target)), target_name(provider, credential)


def _is_spent(context: Request, candidate: Candidate[Any], credential: Credential) -> bool:
    return not context.spent.isdisjoint(_names(candidate, credential))


def _untried(context: Request, candidate: Candidate[Any], found: Sequence[Credential]) -> list[Credential]:
    """The credentials that are in use, and that the request has not tried in vain at the candidate's provider."""
    provider = candidate.target.provider
    tried = {
        attempt.credential.id
        for attempt in context.attempts
        if attempt.credential is not None and attempt.outcome and attempt.candidate.target.provider == provider
    }
    kept = (each for each in found if each.weight and each.id not in tried)
    return [each for each in kept if not _is_spent(context, candidate, each)]
