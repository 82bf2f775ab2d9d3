"""Puts an account's own keys of providers into a plan: a target is asked with the account's key, or with the gateway's.

Pure. Inside each model the own keys stand before the gateway's, since they cost the caller nothing or a fee. A key of
the mode `only` leaves the gateway's credentials of its provider out for this account.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from msgspec.structs import replace

from gateway.ports.provider_keys import ONLY, ProviderKey
from gateway.routing.plan import Candidate, Excluded, M, sifted


def with_own(
    found: Iterable[Candidate[M]], own_keys: Sequence[ProviderKey], excluded: list[Excluded]
) -> list[Candidate[M]]:
    """The candidates, and each again with the account's own key where it has one of the provider."""
    keys = {key.provider: key for key in own_keys}
    kept: list[Candidate[M]] = []

    def replaced(candidate: Candidate[M]) -> str | None:
        key = keys.get(candidate.target.provider)
        return "is asked with the account's own key alone" if key is not None and key.mode == ONLY else None

    for _, group in groupby(found, lambda each: (each.name, each.model.id)):
        targets = list(group)
        kept += (_asked_with(each, keys[each.target.provider]) for each in targets if each.target.provider in keys)
        kept += sifted(targets, "provider_keys", replaced, excluded)
    return kept


def _asked_with(candidate: Candidate[M], key: ProviderKey) -> Candidate[M]:
    """The candidate with the account's key, in the key's region where the target has none of its own, for the fee."""
    model, target = candidate.model, candidate.target
    placed = target if target.region is not None or key.region is None else replace(target, region=key.region)
    return replace(candidate, model=replace(model, sale=model.sale.with_own_key), target=placed, own=key)
