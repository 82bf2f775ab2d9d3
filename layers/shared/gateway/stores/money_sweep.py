"""Ends the holds that nobody else will: what a death left behind is charged by its checkpoint, or given back.

Safe beside a late settlement and beside another sweep: whoever writes a hold's entry first has ended it.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, replace

from gateway.canonical.money import Hold, Settlement
from gateway.errors import ServiceUnavailable
from gateway.ports import Money

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Swept:
    """How many overdue holds came to which end; `left` are for the next sweep."""

    released: int = 0
    charged: int = 0
    ended_before: int = 0
    left: int = 0

    @property
    def found(self) -> int:
        """All overdue holds that were met."""
        return sum(asdict(self).values())


async def sweep(money: Money, now_s: float) -> Swept:
    """Ends every hold whose deadline is over by `now_s`."""
    swept = Swept()
    async for hold in money.overdue(now_s):
        try:
            settlement = await _end(money, hold, now_s)
        except ServiceUnavailable:
            log.warning("an overdue hold could not be ended", extra={"hold_id": hold.hold_id})
            swept.left += 1
            continue
        swept.ended_before += not settlement.applied
        swept.released += settlement.applied and hold.checkpoint is None
        swept.charged += settlement.applied and hold.checkpoint is not None
    return swept


async def _end(money: Money, hold: Hold, now_s: float) -> Settlement:
    if hold.checkpoint is None:
        return await money.release(hold, now_s)
    return await money.settle(hold, replace(hold.checkpoint, estimated=True), now_s)
