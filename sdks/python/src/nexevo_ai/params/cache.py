"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from nexevo_ai._request import RequestOptions

# Shared.


class CacheStatsParams(RequestOptions, total=False):
    """Arguments of `cache.stats`."""

    days: int


class CacheDeleteParams(RequestOptions, total=False):
    """Arguments of `cache.delete`."""
