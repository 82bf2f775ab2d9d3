"""Resources of the sync client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexevo_ai._request import call_of
from nexevo_ai._sync.conveniences import Resource
from nexevo_ai.types.cache import CacheDeleted, CacheStats

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.cache import CacheDeleteParams, CacheStatsParams


class CacheResource(Resource):
    """Methods of `client.cache`."""

    def stats(self, **params: Unpack[CacheStatsParams]) -> CacheStats:
        """Reports the hits, misses and savings of the account's last days."""
        call = call_of("GET", "/v1/cache/stats", {**params}, query=("days",))
        answer: CacheStats = self._ask(call, kind=CacheStats)
        return answer

    def delete(self, **params: Unpack[CacheDeleteParams]) -> CacheDeleted:
        """Deletes the account's kept answers; its counts stay."""
        call = call_of("DELETE", "/v1/cache", {**params})
        answer: CacheDeleted = self._ask(call, kind=CacheDeleted)
        return answer
