"""Erases what an account has left, as the state machine of erasures requests."""

import time
from typing import Any

from gateway.wiring.erasing import erasing
from gateway.wiring.managed import managed


async def erase(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Goes on with the erasure of `{account_id, round}`; hands it over before the function's own time ends."""
    return await erasing().run(event, time.time_ns() / 1e9 + context.get_remaining_time_in_millis() / 1000)


handler = managed(erase)
