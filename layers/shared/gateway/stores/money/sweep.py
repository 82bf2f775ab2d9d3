"""Ends overdue holds: the remains of a crash are charged by their checkpoint, or released.

It is safe beside another sweep and beside a settlement: the first to write a hold's entry has ended it. A settlement
that comes after the sweep corrects it.
"""

from __future__ import annotations

import logging

from msgspec import Struct
from msgspec.structs import asdict

from gateway.errors import ServiceUnavailable
from gateway.logs.metrics import Metric, count
from gateway.ports.money import Money

log = logging.getLogger(__name__)


class SweepReport(Struct):
    """The number of overdue holds by their end; `left` are for the next sweep."""

    released: int = 0
    charged: int = 0
    ended_before: int = 0
    left: int = 0

    @property
    def found(self) -> int:
        """All overdue holds found."""
        return sum(asdict(self).values())


async def sweep(money: Money, now_s: float) -> SweepReport:
    """Ends every hold whose deadline is before `now_s`."""
    swept = SweepReport()
    async for hold in money.overdue(now_s):
        try:
            settlement = await money.expire(hold, now_s)
        except ServiceUnavailable:
            log.warning("an overdue hold could not be ended", extra={"hold_id": hold.hold_id})
            swept.left += 1
            continue
        except (KeyError, TypeError, ValueError):
            log.exception("the entries of hold %s cannot be read", hold.hold_id)
            count(Metric.HOLDS_UNREADABLE)
            swept.left += 1
            continue
        swept.ended_before += not settlement.applied
        swept.released += settlement.applied and hold.checkpoint is None
        swept.charged += settlement.applied and hold.checkpoint is not None
    return swept
