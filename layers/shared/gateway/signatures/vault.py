"""Stores signed parts from one answer to the next request, and never blocks either.

They are stored before the caller learns that the answer has ended, so that the next turn, seconds later and in another
process, finds them. A slow or unreachable store costs a conversation its thoughts, not its answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence

from gateway.errors import ServiceUnavailable
from gateway.logs.metrics import Metric, count
from gateway.ports.clock import Clock
from gateway.ports.signatures import Signatures, SignedCall

KEEP_S = 24 * 60 * 60
KEEP_WITHIN_S = 1.0
RECALL_WITHIN_S = 1.0

log = logging.getLogger(__name__)


class Vault:
    """Signed calls of accounts, for a day after each answer."""

    def __init__(self, store: Signatures, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def keep(self, account_id: str, calls: Sequence[SignedCall]) -> None:
        """Stores the calls that `collect` found; without any it costs nothing."""
        if not calls:
            return
        expires_at_s = int(self._clock.now_s()) + KEEP_S
        try:
            async with asyncio.timeout(KEEP_WITHIN_S):
                await self._store.keep(account_id, calls, expires_at_s)
        except (TimeoutError, ServiceUnavailable):
            log.exception("the signatures of %d calls of account %s were not kept", len(calls), account_id)
            count(Metric.SIGNATURES_NOT_KEPT)

    async def recall(self, account_id: str, call_ids: Collection[str]) -> Mapping[str, SignedCall]:
        """The stored calls among the ids that `lacking` returned; without ids it costs nothing."""
        if not call_ids:
            return {}
        try:
            async with asyncio.timeout(RECALL_WITHIN_S):
                return await self._store.recall(account_id, call_ids, self._clock.now_s())
        except (TimeoutError, ServiceUnavailable):
            log.exception("the signatures of %d calls of account %s were not recalled", len(call_ids), account_id)
            return {}
