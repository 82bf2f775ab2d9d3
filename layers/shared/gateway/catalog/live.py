"""A catalog that follows the operator's document while requests are planned by it. Pure: its owner brings the document.

A request is planned in one go and takes its terms with it, so that a new document changes no request that is planned.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Generic

from gateway.canonical.models import Alias, Name, Offer, Retired
from gateway.catalog.catalog import Catalog, M
from gateway.catalog.loader import Kind, document_of, lazy
from gateway.ports.catalog import KnownNames

if TYPE_CHECKING:
    # Most deployments have no document.
    from gateway.catalog.overrides import Overrides


class LiveCatalog(Generic[M]):
    """The catalog of this release, until `use` puts another in its place."""

    def __init__(self, kind: Kind[M], known: KnownNames) -> None:
        self._kind = kind
        self._known = known
        self._file = document_of(kind)
        self._built_in = self.current = lazy(kind, self._file, known)

    def under(self, overrides: Overrides | None) -> Catalog[M]:
        """The catalog with a document, or as it was built; raises `CatalogError` where they do not fit."""
        if overrides is None:
            return self._built_in
        from gateway.catalog.overrides import used  # noqa: PLC0415  # there is a document

        return used(self._kind, self._file, overrides, self._known)

    def use(self, catalog: Catalog[M]) -> None:
        """Plans by another catalog from now on."""
        self.current = catalog

    def offers(self) -> Iterable[M | Alias | Retired]:
        """All rows, aliases first, in the data file's order."""
        return self.current.offers()

    def models(self) -> tuple[M, ...]:
        """The models alone."""
        return self.current.models()

    def find(self, requested: str) -> Name | None:
        """The offer that a caller's `model` names, or `None`."""
        return self.current.find(requested)

    def models_behind(self, offer: Offer) -> tuple[M, ...]:
        """The models that serve the offer, best first, each once."""
        return self.current.models_behind(offer)
