"""Builds what shows accounts the memories of their agents."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from gateway.ports.memories import Memories
from gateway.stores.memories import DynamoMemories
from gateway.wiring.process import process


@cache
def memories() -> Memories:
    """The memories that accounts' agents keep across runs."""
    on = process()
    return DynamoMemories(on.aws, on.settings.memories_table)


async def memory_of_run(account_id: str, task_id: str) -> Mapping[str, str]:
    """The memory of one run or task as it stands; raises `NotFound`."""
    from gateway.wiring.agents import runs  # noqa: PLC0415  # few calls ask for it, and no cold start pays for it

    return await runs().memory(account_id, task_id)
