"""Builds what sums usage up."""

from __future__ import annotations

from gateway.stores.money.tables import MoneyTables
from gateway.stores.money.usage import SummedUp, UsageSums, sum_up_active
from gateway.wiring.process import Process, process

# Less than the function's timeout by what the write of a chunk may take.
RUN_S = 40.0


def sums_of(on: Process) -> UsageSums:
    """The sums of usage in the tables that a process's settings name."""
    return UsageSums(MoneyTables(on.aws, on.settings.accounts_table, on.settings.ledger_table))


async def sum_up() -> SummedUp:
    """Sums up the usage of the accounts that were active lately."""
    on = process()
    return await sum_up_active(sums_of(on), on.clock.now_s, on.clock.now_s() + RUN_S)
