"""Builds stored responses."""

from __future__ import annotations

from functools import cache

from gateway.responses.store import StoredResponses
from gateway.stores.responses import DynamoResponseRecords
from gateway.wiring.objects import bucket_objects
from gateway.wiring.process import process


@cache
def stored() -> StoredResponses:
    """The stored responses of this deployment."""
    on = process()
    records = DynamoResponseRecords(on.aws, on.settings.responses_table)
    return StoredResponses(records, bucket_objects(on.settings.responses_bucket), on.clock)
