"""The models of one kind that are for sale, and the names a caller may use for them. Pure.

A name is a model's id or another spelling of it, an alias of models, or a retired id that its successor serves; each
may end in a preference of its kind (`:fast`, `:cheap`, `:quality`).

A row becomes a value at its first use: a process that starts for one request reads a few of them and not hundreds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, Generic, TypeVar

from gateway.canonical.models import Alias, Model, Name, Offer, Retired
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
        offer = self._named(name) if preference in self._preferences else None
        return None if offer is None else Name(requested, offer, preference)

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
