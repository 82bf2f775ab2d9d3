"""Builds the store of cached answers."""

from __future__ import annotations

from functools import cache

from gateway.ports.answers import CachedAnswers
from gateway.stores.answers import DynamoAnswers
from gateway.wiring.objects import bucket_objects
from gateway.wiring.process import process


@cache
def answers() -> CachedAnswers:
    """The answers that accounts keep."""
    on = process()
    return DynamoAnswers(on.aws, on.settings.cache_table, bucket_objects(on.settings.answers_bucket))
