"""Builds the sweeper, of holds and of dead sessions."""

from __future__ import annotations

from gateway.stores.money.sweep import SweepReport
from gateway.stores.money.sweep import sweep as sweep_holds
from gateway.wiring.money import money
from gateway.wiring.process import process


async def sweep() -> SweepReport:
    """Ends the holds whose deadline is over now."""
    return await sweep_holds(money(), process().clock.now_s())


async def clear_sessions() -> int:
    """Ends the sessions whose runs have died, and returns how many there were."""
    from gateway.wiring.clearing import clearing_of  # noqa: PLC0415  # most sweeps are of holds alone

    on = process()
    return await clearing_of(on, on.clock).clear_dead()
