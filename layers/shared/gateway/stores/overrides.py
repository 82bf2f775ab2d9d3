"""The Catalog table: every version of the operator's document, and how a process follows the last one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from typing import Any

from msgspec.structs import asdict

from gateway.catalog.catalog import M
from gateway.catalog.live import LiveCatalog
from gateway.catalog.schema import CatalogError
from gateway.errors import ServiceUnavailable
from gateway.logs.metrics import Metric, count
from gateway.ports.catalog import Catalog, OverrideStore, StoredOverrides
from gateway.ports.clock import Clock
from gateway.stores.aws.attributes import from_item, to_item
from gateway.stores.aws.client import AwsApi, ConditionFailed, Item
from gateway.stores.aws.table import Table

SCHEMA_VERSION = 1
# The hash key of all versions.
DOCUMENT = "overrides"
# A new document is live in every process that serves a request within a minute of it. A process that has served one in
# the last minute looks again beside a request, and waits for nothing.
LOOK_AFTER_S = 20.0
AGE_S_MAX = 45.0
# After a look that failed.
RETRY_AFTER_S = 10.0

log = logging.getLogger(__name__)


class DynamoOverrides:
    """`OverrideStore` in one table."""

    def __init__(self, aws: AwsApi, table: str) -> None:
        self._table = Table(aws, table)

    async def current(self) -> StoredOverrides | None:
        found = await self.history(1)
        return found[0] if found else None

    async def version(self, number: int) -> StoredOverrides | None:
        query = {
            "KeyConditionExpression": "document = :document AND sk = :sk",
            "ExpressionAttributeValues": to_item({":document": DOCUMENT, ":sk": _place(number)}),
            "ConsistentRead": True,
        }
        answer = await self._table.call("Query", query)
        return _stored(answer["Items"][0]) if answer["Items"] else None

    async def add(self, stored: StoredOverrides) -> bool:
        item = {**asdict(stored), "document": DOCUMENT, "sk": _place(stored.version), "schema_version": SCHEMA_VERSION}
        put = {"Item": to_item(item), "ConditionExpression": "attribute_not_exists(sk)"}
        try:
            await self._table.call("PutItem", put)
        except ConditionFailed:
            # A first try without an answer may have been applied; then the stored version is this one.
            return await self.version(stored.version) == stored
        return True

    async def history(self, most: int) -> Sequence[StoredOverrides]:
        query = {
            "KeyConditionExpression": "document = :document",
            "ExpressionAttributeValues": to_item({":document": DOCUMENT}),
            "ScanIndexForward": False,
            "ConsistentRead": True,
            "Limit": most,
        }
        answer = await self._table.call("Query", query)
        return [_stored(item) for item in answer["Items"]]


def _place(version: int) -> str:
    """The version as a sort key, which sorts as a text."""
    return f"{version:08}"


def _stored(item: Item) -> StoredOverrides:
    stands = from_item(item)
    return StoredOverrides(**{name: stands[name] for name in StoredOverrides.__struct_fields__})


class Following:
    """Keeps the catalogs of a process under the operator's last document.

    A document that cannot be read, or does not fit this release, changes nothing: the last good one stays in use, or
    the catalog as it was built. Each look that finds it counts for the operator's alarm.
    """

    def __init__(self, store: OverrideStore, catalogs: Sequence[LiveCatalog[Any]], clock: Clock) -> None:
        self._store = store
        self._catalogs = catalogs
        self._clock = clock
        self._looked_s: float | None = None
        self._next_s = 0.0
        self._version = 0
        self._refused = 0
        self._looking: asyncio.Task[None] | None = None

    def look(self) -> Awaitable[None] | None:
        """Begins a look where one is due. Returns it where this process knows too little to sell: it has just started,
        or has served no request for a while.
        """
        now_s = self._clock.monotonic_s()
        if self._looked_s is not None and now_s < self._next_s:
            return None
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        is_old = self._looked_s is None or now_s - self._looked_s > AGE_S_MAX
        return asyncio.shield(self._looking) if is_old else None

    async def at(self, catalog: LiveCatalog[M], version: int) -> Catalog[M]:
        """The catalog under an earlier version of the document, or as it is where that cannot be had any more."""
        if version == self._version:
            return catalog
        try:
            stored = await self._store.version(version) if version else None
            if version and stored is None:
                return catalog
            from gateway.catalog.overrides import read_overrides  # noqa: PLC0415  # the document has changed meanwhile

            return catalog.under(None if stored is None else read_overrides(stored.text.encode(), version))
        except (CatalogError, ServiceUnavailable):
            log.exception("version %d of the operator's document cannot be used again", version)
            return catalog

    async def _look(self) -> None:
        began_s, pause_s = self._clock.monotonic_s(), RETRY_AFTER_S
        try:
            self._take(await self._store.current())
            pause_s = LOOK_AFTER_S
        except Exception:  # no document, however wrong, takes the gateway down
            count(Metric.CATALOG_NOT_FOLLOWED)
            log.exception("the operator's document is not followed; version %d stays in use", self._version)
        finally:
            self._looked_s, self._next_s = began_s, began_s + pause_s
            self._looking = None

    def _take(self, stored: StoredOverrides | None) -> None:
        version = 0 if stored is None else stored.version
        if version == self._version:
            return
        if version == self._refused:
            raise CatalogError(f"version {version} was refused before")
        overrides = None
        try:
            if stored is not None:
                from gateway.catalog.overrides import read_overrides  # noqa: PLC0415  # there is a document

                overrides = read_overrides(stored.text.encode(), version)
            made = [(catalog, catalog.under(overrides)) for catalog in self._catalogs]
        except CatalogError as wrong:
            self._refused = version
            raise CatalogError(f"version {version}: {wrong}") from None
        for catalog, under in made:
            catalog.use(under)
        self._version = version
        log.info("the catalog follows version %d of the operator's document", version)
