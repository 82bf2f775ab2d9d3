"""Builds what every request of an account meets: its keys, its money, its idempotency keys."""

from __future__ import annotations

from functools import cache

from gateway.idempotency.ring import Idempotency
from gateway.stores.idempotency import DynamoIdempotencyRecords
from gateway.stores.keys.lookup import DynamoKeys
from gateway.wiring.objects import bucket_objects
from gateway.wiring.process import process


@cache
def keys() -> DynamoKeys:
    """Keys by the hash of their text."""
    on = process()
    return DynamoKeys(on.aws, on.clock, on.settings.keys_table)


@cache
def idempotency() -> Idempotency:
    """The ring on the Idempotency table and the answers bucket."""
    on = process()
    records = DynamoIdempotencyRecords(on.aws, on.settings.idempotency_table)
    return Idempotency(records, bucket_objects(on.settings.answers_bucket), on.clock)
