"""What has to be done around a SnapStart snapshot: let go before it, take up again after each restore.

A module registers once, when it is imported. Connections and anything drawn from randomness do not survive:
after a restore there are many copies of one process.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

Hook = Callable[[], Awaitable[None]]

_before_snapshot: list[Hook] = []
_after_restore: list[Hook] = []


def before_snapshot(hook: Hook) -> Hook:
    """Register a hook to run before the snapshot, the last registered first; usable as a decorator."""
    _before_snapshot.append(hook)
    return hook


def after_restore(hook: Hook) -> Hook:
    """Register a hook to run after each restore, the first registered first; usable as a decorator."""
    _after_restore.append(hook)
    return hook


async def run_before_snapshot() -> None:
    """Run what was registered, in reverse."""
    for hook in reversed(_before_snapshot):
        await hook()


async def run_after_restore() -> None:
    """Reseed `random`, which would give the same numbers in every copy, then run what was registered."""
    random.seed()
    for hook in _after_restore:
        await hook()
