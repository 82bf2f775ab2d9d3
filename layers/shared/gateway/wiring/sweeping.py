"""Builds the sweeper."""

from __future__ import annotations

from gateway.stores.money.sweep import SweepReport
from gateway.stores.money.sweep import sweep as sweep_holds
from gateway.wiring.money import money
from gateway.wiring.process import process


async def sweep() -> SweepReport:
    """Ends the holds whose deadline is over now."""
    return await sweep_holds(money(), process().clock.now_s())
