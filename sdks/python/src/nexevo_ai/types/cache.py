"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Optional

from nexevo_ai._models import Money, NexevoModel

# Shared.


class CacheChecks(NexevoModel):
    """A key's hits by meaning that were checked, and how many of their answers disagreed."""

    key_id: str
    checked: int
    disagreed: int
    false_hit_rate: Optional[float]
    stopped_at: Optional[str]


class CacheDay(NexevoModel):
    """Counts of one day in UTC."""

    hits: int
    misses: int
    hit_rate: Optional[float]
    saved_usd: Money
    saved_input_tokens: int
    saved_output_tokens: int
    date: str


class CacheDeleted(NexevoModel):
    """A deletion of kept answers; the rest of very many is left to another call."""

    object: str
    deleted: int
    has_more: bool


class CacheStats(NexevoModel):
    """Counts of the last days, today included, and the checks of hits by meaning."""

    hits: int
    misses: int
    hit_rate: Optional[float]
    saved_usd: Money
    saved_input_tokens: int
    saved_output_tokens: int
    object: str
    days: int
    by_day: list[CacheDay]
    semantic: list[CacheChecks]


CacheChecks.model_rebuild()
CacheDay.model_rebuild()
CacheDeleted.model_rebuild()
CacheStats.model_rebuild()
