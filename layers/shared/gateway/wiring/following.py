"""Has the catalogs of a process follow the operator's document."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from gateway.wiring.process import process

if TYPE_CHECKING:
    # A family that sells nothing loads neither catalogs nor what follows the document.
    from gateway.canonical.models import Model
    from gateway.catalog.live import LiveCatalog
    from gateway.ports.catalog import Catalog
    from gateway.stores.overrides import Following

    L = TypeVar("L", bound=LiveCatalog[Any])
    M = TypeVar("M", bound=Model[Any])
else:
    L = TypeVar("L")

_catalogs: list[LiveCatalog[Any]] = []


def follow(catalog: L) -> L:
    """Has the catalog follow the document, for as long as the process lives."""
    # Loaded as the process starts, where CPU is plenty; its first request needs it.
    import_module("gateway.stores.overrides")
    _catalogs.append(catalog)
    return catalog


def look() -> Awaitable[None] | None:
    """Begins a look at the document where one is due; returns what is to be awaited before anything is sold."""
    following = _following() if _catalogs else None
    return None if following is None else following.look()


async def catalog_at(catalog: LiveCatalog[M], price_version: str) -> Catalog[M]:
    """The catalog under the version of the document that a price list names: `2026-11-29+4` is of version 4."""
    following = _following()
    version = int(price_version.partition("+")[2] or 0)
    return catalog if following is None or not price_version else await following.at(catalog, version)


@cache
def _following() -> Following | None:
    on = process()
    if not on.settings.catalog_table:
        return None
    from gateway.stores.overrides import DynamoOverrides, Following  # noqa: PLC0415  # families without a catalog never look

    return Following(DynamoOverrides(on.aws, on.settings.catalog_table), _catalogs, on.clock)
