"""The models of one kind that are for sale, and the names a caller may use for them. Pure.

A name is a model's id or another spelling of it, an alias of models, or a retired id that its successor serves; each
may end in a preference of its kind (`:fast`, `:cheap`, `:quality`). A model's name behind that of a provider of it,
`azure/gpt-4o`, is the model at that provider alone, unless it is the name of an offer itself.

A row becomes a value at its first use: a process that starts for one request reads a few of them and not hundreds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, Generic, TypeVar

from gateway.canonical.models import Alias, Model, Name, Offer, Retired
from gateway.canonical.provider_names import qualified
from gateway.catalog.names import differ_in_date, undated
from gateway.catalog.schema import CatalogError

M = TypeVar("M", bound=Model[Any])
Row = dict[str, Any]


class Catalog(Generic[M]):
    """All offers of one kind, by name. `make` reads a row, and raises `CatalogError` for one that is wrong."""

    def __init__(
        self, rows: Mapping[str, Row], make: Callable[[Row], M | Alias | Retired], preferences: Iterable[str]
    ) -> None:
        self._rows = rows
        self._make = make
        self._preferences = frozenset(preferences)
        self._made: dict[str, M | Alias | Retired] = {}

    def offers(self) -> Iterable[M | Alias | Retired]:
        """All rows, aliases first, in the data file's order."""
        return [self.offer(name) for name in self._rows]

    def models(self) -> tuple[M, ...]:
        """The models alone."""
        return tuple(offer for offer in self.offers() if not isinstance(offer, Alias | Retired))

    def offer(self, name: str) -> M | Alias | Retired:
        """The row of that id; raises `CatalogError` for one that is wrong or not there."""
        made = self._made.get(name)
        if made is None:
            if name not in self._rows:
                raise CatalogError(f"there is no row {name!r}")
            made = self._made[name] = self._make(self._rows[name])
        return made

    @property
    def made(self) -> int:
        """The number of rows that have been read."""
        return len(self._made)

    def find(self, requested: str) -> Name | None:
        """The offer that a caller's `model` names, or `None`."""
        offer = self._named(requested)
        if offer is not None:
            return Name(requested, offer)
        name, _, preference = requested.rpartition(":")
        wished = [(name, preference)] if preference in self._preferences else []
        for read_as, wish in wished:
            offer = self._named(read_as)
            if offer is not None:
                return Name(requested, offer, wish)
        for read_as, wish in ((requested, ""), *wished):
            provider, model = self._at_provider(read_as)
            if model is not None:
                return Name(requested, model, wish, provider)
        return None

    def _at_provider(self, name: str) -> tuple[str, M | None]:
        """The provider and the model of a provider-qualified id: the model's name here, or the provider's own of it."""
        provider, rest = qualified(name)
        found = self._named(rest) if provider else None
        if found is None and provider:
            own = self._upstream.get((provider, rest))
            found = None if own is None else self.offer(own)
        if found is None or isinstance(found, Alias | Retired):
            return "", None
        return (provider, found) if any(target.provider == provider for target in found.targets) else ("", None)

    @cached_property
    def _upstream(self) -> Mapping[tuple[str, str], str]:
        """The ids by provider and the provider's own name of the model; read for a name that is none otherwise."""
        found: dict[tuple[str, str], str] = {}
        for name, row in self._rows.items():
            shared = {"provider": row.get("owned_by"), "upstream_model": name, **row}
            for target in row.get("targets", ({},)):
                at = {**shared, **target}
                found.setdefault((at["provider"], at["upstream_model"]), name)
        return found

    def _named(self, name: str) -> M | Alias | Retired | None:
        """The offer of that id, or of another spelling of it."""
        if name in self._rows:
            return self.offer(name)
        spelled = self._spelled.get(undated(name))
        return None if spelled is None or differ_in_date(name, spelled) else self.offer(spelled)

    @cached_property
    def _spelled(self) -> Mapping[str, str]:
        """The ids by their other spellings; read for a name that is no id."""
        spelled: dict[str, str] = {}
        for name, row in self._rows.items():
            spelled.setdefault(undated(name), name)
            spelled |= dict.fromkeys(row.get("also", ()), name)
            if "owned_by" in row:
                spelled.setdefault(f"{row['owned_by']}/{undated(name)}", name)
        return spelled

    def models_behind(self, offer: Offer) -> tuple[M, ...]:
        """The models that serve the offer, best first, each once."""
        found: dict[str, M] = {}
        self._gather((offer.id,), found)
        return tuple(found.values())

    def _gather(self, names: Iterable[str], found: dict[str, M]) -> None:
        for name in names:
            match self.offer(name):
                case Alias(models=models):
                    self._gather(models, found)
                case Retired(successor=successor):
                    self._gather((successor,), found)
                case model if name not in found:
                    found[name] = model
                    self._gather(model.fallbacks, found)
