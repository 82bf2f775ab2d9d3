"""Hooks around a SnapStart snapshot: release resources before it, acquire them again after each restore.

A module registers once, when it is imported. Connections and random values do not survive: after a restore there are
many copies of one process.
"""

from __future__ import annotations

import os
import random
import ssl
from collections.abc import Awaitable, Callable

Hook = Callable[[], Awaitable[None]]

# As much as OpenSSL's generator takes to be seeded anew, in bytes.
_SEED_BYTES = 48

_before_snapshot: list[Hook] = []
_after_restore: list[Hook] = []


def before_snapshot(hook: Hook) -> Hook:
    """Registers a hook to run before the snapshot, the last registered first; usable as a decorator."""
    _before_snapshot.append(hook)
    return hook


def after_restore(hook: Hook) -> Hook:
    """Registers a hook to run after each restore, the first registered first; usable as a decorator."""
    _after_restore.append(hook)
    return hook


async def run_before_snapshot() -> None:
    """Runs the registered hooks, in reverse."""
    for hook in reversed(_before_snapshot):
        await hook()


async def run_after_restore() -> None:
    """Reseeds the generators that are in the process's memory, then runs the registered hooks.

    Every copy would draw the same numbers from `random`, and from OpenSSL's generator, of which handshakes are made.
    What is drawn from the kernel (`secrets`, `os.urandom`, `SystemRandom`, `uuid4`) is never the same.
    """
    random.seed()
    ssl.RAND_add(os.urandom(_SEED_BYTES), _SEED_BYTES)
    for hook in _after_restore:
        await hook()
