"""A candidate, a plan, and the record of what a rule has left out of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from gateway.canonical.chat_models import ChatModel, ListPrice, flat_price
from gateway.canonical.models import WHOLE, Alias, Model, ModelTarget, Name

if TYPE_CHECKING:
    # Accounts with provider keys of their own load them, requests for `auto` alone are graded, few deployments learn.
    from gateway.learning.choice import Decision
    from gateway.ports.provider_keys import ProviderKey
    from gateway.routing.grading import Grade

M = TypeVar("M", bound=Model[Any])


class Candidate(Struct, Generic[M], frozen=True):
    """One target that may serve a request. `name` is the name that led to its model, and decides the price.

    `own` is the account's own key of the provider, with which the target is asked in place of the gateway's.
    """

    name: Name
    model: M
    target: ModelTarget[Any]
    own: ProviderKey | None = None


class Plan(Struct, Generic[M], frozen=True):
    """The candidates in order; never empty. `tries` counts attempts over all of them, in rounds.

    `grade` is what the request was found to need, where its alias is graded, and `decision` the policy's choice of the
    first candidate, where there is a policy.
    """

    candidates: tuple[Candidate[M], ...]
    tries: int
    grade: Grade | None = None
    decision: Decision | None = None

    @property
    def propensities(self) -> dict[str, float]:
        """The probability with which each candidate is tried first, by the candidate's id, in their order.

        The rules leave nothing to chance, so that the first one's is 1, unless a policy has decided.
        """
        if self.decision is not None:
            shares = {each.option.arm: each.propensity for each in self.decision.shown}
            return {arm: shares.get(arm, 0.0) for arm in map(id_of, self.candidates)}
        return dict.fromkeys(map(id_of, self.candidates), 0.0) | {id_of(self.candidates[0]): 1.0}

    @property
    def held_for(self) -> Plan[M]:
        """The part that is held for at admission: the candidates with the account's own keys, where there are any."""
        own = tuple(candidate for candidate in self.candidates if candidate.own is not None)
        return replace(self, candidates=own) if 0 < len(own) < len(self.candidates) else self


class Excluded(Struct, frozen=True):
    """A target that a rule has left out. `rule` is the parameter or setting behind it, `why` says it in words."""

    model: str
    provider: str
    region: str | None
    rule: str
    why: str


def id_of(candidate: Candidate[Any]) -> str:
    """The candidate's id in logs: provider, region where it has one of its own, own key where it has one, and model."""
    target = candidate.target
    place = target.provider if target.region is None else f"{target.provider}@{target.region}"
    place = place if candidate.own is None else f"{place}#{candidate.own.key_id}"
    return f"{place}/{candidate.model.id}"


def sifted(
    found: Iterable[Candidate[M]],
    rule: str,
    objection: Callable[[Candidate[M]], str | None],
    excluded: list[Excluded],
) -> list[Candidate[M]]:
    """The candidates without an objection; the others are added to `excluded`."""
    kept: list[Candidate[M]] = []
    for candidate in found:
        why = objection(candidate)
        if why is None:
            kept.append(candidate)
        else:
            target = candidate.target
            excluded.append(Excluded(candidate.model.id, target.provider, target.region, rule, why))
    return kept


def billed_at(candidate: Candidate[ChatModel]) -> ListPrice:
    """The list price for billing: the candidate's own, or the flat price of a routing alias on the gateway's keys."""
    offer = candidate.name.offer
    listed: ListPrice = candidate.target.price
    return flat_price(offer) if isinstance(offer, Alias) and offer.flat and candidate.own is None else listed


def billed_share(candidate: Candidate[Any]) -> int:
    """The share of that price by which a limit judges it, in hundredths of a percent: with the margin; a flat price is
    whole, and so is the list price where the account's own key serves, which the provider bills.
    """
    offer = candidate.name.offer
    is_flat = isinstance(offer, Alias) and offer.flat
    return WHOLE if is_flat or candidate.own is not None else WHOLE + candidate.model.sale.margin
