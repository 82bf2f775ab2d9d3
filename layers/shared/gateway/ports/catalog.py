"""The catalog as a plan reads it, the providers' names as it checks them, and the operator's document over it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from gateway.canonical.models import Alias, Model, Name, Offer, Retired

M_co = TypeVar("M_co", bound=Model[Any], covariant=True)


class Catalog(Protocol[M_co]):
    """The models of one kind for sale, by name."""

    def find(self, requested: str) -> Name | None:
        """The offer that a caller's `model` names, or `None`."""

    def offers(self) -> Iterable[M_co | Alias | Retired]:
        """All that is for sale."""

    def models_behind(self, offer: Offer) -> tuple[M_co, ...]:
        """The models that serve the offer, best first."""


class KnownNames(Struct, frozen=True):
    """The names that rows of one kind may use: each provider with its wires, each profile with the wires of its family.

    Providers go by the name of their row (`gateway.ports.upstream.row_of`). `default_wires` are the wires of a target
    that names none, where these are not all of its provider's.
    `regional` are the providers whose target may have a region of its own, different from their credential's, with the
    pattern of their regions' names. `tools` are the words for what providers run, by the wire that has them.
    """

    providers: Mapping[str, Collection[str]]
    profiles: Mapping[str, Collection[str]] = {}
    regional: Mapping[str, str] = {}
    tools: Mapping[str, Collection[str]] = {}
    default_wires: Mapping[str, Collection[str]] = {}

    def among(self, providers: Collection[str]) -> KnownNames:
        """The names of these providers alone, for models that have neither wires nor profiles."""
        regional = {name: pattern for name, pattern in self.regional.items() if name in providers}
        return KnownNames(providers=dict.fromkeys(providers, ()), regional=regional)


class StoredOverrides(Struct, frozen=True):
    """One version of the operator's document: its text, who set it and when, and why. Versions count from 1."""

    version: int
    text: str
    by: str
    at_s: int
    note: str = ""


class OverrideStore(Protocol):
    """The versions of one deployment's document."""

    async def current(self) -> StoredOverrides | None:
        """The last version, or `None` where the operator has set none; raises `ServiceUnavailable`."""

    async def version(self, number: int) -> StoredOverrides | None:
        """One version, or `None`."""

    async def add(self, stored: StoredOverrides) -> bool:
        """Adds the version after the last one; false where another was added meanwhile."""

    async def history(self, most: int) -> Sequence[StoredOverrides]:
        """The last versions, the newest first."""
