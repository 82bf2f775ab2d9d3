"""The models of one kind that are for sale, and the names a caller may use for them. Pure.

A name is a model's id or another spelling of it, an alias of models, or a retired id that its successor serves; each
may end in a preference of its kind (`:fast`, `:cheap`, `:quality`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

from gateway.canonical.models import Alias, Model, Name, Offer, Retired
from gateway.catalog.names import differ_in_date, undated

M = TypeVar("M", bound=Model[Any])


class Catalog(Generic[M]):
    """All offers of one kind, by name."""

    def __init__(
        self, price_version: str, offers: Mapping[str, M | Alias | Retired], preferences: Iterable[str]
    ) -> None:
        self.price_version = price_version
        self._offers = offers
        self._preferences = frozenset(preferences)
        self._spelled: dict[str, M | Alias | Retired] = {}
        for offer in offers.values():
            self._spelled.setdefault(undated(offer.id), offer)
            if not isinstance(offer, Alias | Retired):
                self._spelled.setdefault(f"{offer.owned_by}/{undated(offer.id)}", offer)

    def offers(self) -> Iterable[M | Alias | Retired]:
        """All rows, aliases first, in the data file's order."""
        return self._offers.values()

    def models(self) -> tuple[M, ...]:
        """The models alone."""
        return tuple(offer for offer in self._offers.values() if not isinstance(offer, Alias | Retired))

    def find(self, requested: str) -> Name | None:
        """The offer that a caller's `model` names, or `None`."""
        name, _, preference = requested.rpartition(":")
        offer = self._named(requested) or (self._named(name) if preference in self._preferences else None)
        return None if offer is None else Name(requested, offer)

    def _named(self, name: str) -> M | Alias | Retired | None:
        """The offer of that id, or of another spelling of it."""
        offer = self._offers.get(name)
        if offer is not None:
            return offer
        offer = self._spelled.get(undated(name))
        return None if offer is None or differ_in_date(name, offer.id) else offer

    def models_behind(self, offer: Offer) -> tuple[M, ...]:
        """The models that serve the offer, best first, each once."""
        found: dict[str, M] = {}
        self._gather((offer.id,), found)
        return tuple(found.values())

    def _gather(self, names: Iterable[str], found: dict[str, M]) -> None:
        for name in names:
            match self._offers[name]:
                case Alias(models=models):
                    self._gather(models, found)
                case Retired(successor=successor):
                    self._gather((successor,), found)
                case model if name not in found:
                    found[name] = model
                    self._gather(model.fallbacks, found)
