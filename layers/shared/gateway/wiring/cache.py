"""Builds the cache of answers."""

from __future__ import annotations

from functools import cache

from gateway.pipeline.caching import AnswerCache
from gateway.wiring.answers import answers
from gateway.wiring.process import process


@cache
def answer_cache() -> AnswerCache:
    """The cache of this deployment."""
    return AnswerCache(answers(), process().clock)
