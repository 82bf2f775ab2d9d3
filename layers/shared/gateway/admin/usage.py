"""Sums an account's usage up by hand: before the scheduled function has come to it, and after a rollback."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.admin.accounts import known_account
from gateway.wiring.operator import Operator

# Younger entries are left to the scheduled function.
SETTLED_S = 300


async def sum_up(services: Operator, account_id: str, mend_days: int) -> dict[str, Any]:
    """Adds all entries that are old enough, and compares the sums of the last whole days with their entries.

    It can be repeated and stopped. Raises `NotFound`.
    """
    await known_account(services, account_id)
    until_s, taken = services.clock.now_s() - SETTLED_S, 0
    while chunk := await services.sums.sum_up(account_id, until_s, at_least=1):
        taken += chunk
    today = datetime.fromtimestamp(until_s, UTC).date()
    days = [(today - timedelta(days=back + 1)).isoformat() for back in range(mend_days)]
    mended = {day: await services.sums.mend(account_id, day) for day in days}
    return {
        "account_id": account_id,
        "entries": taken,
        "mended": {day: cells for day, cells in mended.items() if cells},
    }
