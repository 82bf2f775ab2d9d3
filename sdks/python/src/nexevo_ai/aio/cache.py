"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexevo_ai._async.conveniences import AsyncResource
from nexevo_ai._request import call_of
from nexevo_ai.types.cache import CacheDeleted, CacheStats

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.cache import CacheDeleteParams, CacheStatsParams


class AsyncCacheResource(AsyncResource):
    """Methods of `client.cache`."""

    async def stats(self, **params: Unpack[CacheStatsParams]) -> CacheStats:
        """Reports the hits, misses and savings of the account's last days."""
        call = call_of("GET", "/v1/cache/stats", {**params}, query=("days",))
        answer: CacheStats = await self._ask(call, kind=CacheStats)
        return answer

    async def delete(self, **params: Unpack[CacheDeleteParams]) -> CacheDeleted:
        """Deletes the account's kept answers; its counts stay."""
        call = call_of("DELETE", "/v1/cache", {**params})
        answer: CacheDeleted = await self._ask(call, kind=CacheDeleted)
        return answer
