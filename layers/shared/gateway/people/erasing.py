"""Erases what an account has left, call by call: a state machine calls until it is told that the erasure is over.

Every call begins with the first store again, and finds there what is left; so a call that died is simply repeated. One
round is not enough: a request that was under way when the account ended may still write, and a job that has not ended
keeps its records, since its money is not settled. The later rounds find these.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from gateway.ports.clock import Clock
from gateway.ports.erasure import Erasable

# After the longest request and the longest response in the background, and after the longest job.
ROUNDS_AFTER_S = (4_000, 108_000)
# A step takes some seconds where the store is slow.
MARGIN_S = 30.0
AGAIN, WAIT, OVER = "again", "wait", "over"

log = logging.getLogger(__name__)


class Erasing(Struct, frozen=True):
    """The erasure over the stores."""

    stores: Sequence[Erasable]
    clock: Clock

    async def run(self, order: Mapping[str, Any], deadline_s: float) -> dict[str, Any]:
        """Erases until nothing is left, or its time is short; tells the state machine how to go on."""
        account_id, number = str(order["account_id"]), int(order["round"])
        erased, left = 0, 0
        for store in self.stores:
            after = None
            while True:
                if self.clock.now_s() > deadline_s - MARGIN_S:
                    return _answer(account_id, number, AGAIN)
                step = await store.erase_some(account_id, after)
                erased, left, after = erased + step.erased, left + step.left, step.after
                if after is None:
                    break
        log.info("erased", extra={"account_id": account_id, "round": number, "erased": erased, "left": left})
        if number < len(ROUNDS_AFTER_S):
            return _answer(account_id, number + 1, WAIT, ROUNDS_AFTER_S[number])
        if left:
            log.error("an erasure is over, and jobs that have not ended keep their records", extra={"left": left})
        return _answer(account_id, number, OVER)


def _answer(account_id: str, number: int, following: str, wait_s: int = 1) -> dict[str, Any]:
    return {"account_id": account_id, "round": number, "next": following, "wait_s": wait_s}
