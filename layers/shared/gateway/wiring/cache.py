"""Builds the cache of answers."""

from __future__ import annotations

from functools import cache

from gateway.pipeline.caching import AnswerCache
from gateway.stores.answers import DynamoAnswers
from gateway.wiring.objects import bucket_objects
from gateway.wiring.process import process


@cache
def answer_cache() -> AnswerCache:
    """The cache of this deployment."""
    return AnswerCache(answers(), process().clock)


@cache
def answers() -> DynamoAnswers:
    """The store of kept answers."""
    on = process()
    return DynamoAnswers(on.aws, on.settings.cache_table, bucket_objects(on.settings.answers_bucket))
