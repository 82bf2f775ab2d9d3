"""Defines the time after which a test counts as hanging. It is generous, since no test judges by duration."""

import time
from collections.abc import Callable
from typing import Final

HANGS_AFTER_S: Final = 120.0
LOOKS_EVERY_S: Final = 0.05


def comes_true(holds: Callable[[], bool]) -> bool:
    """True if a condition comes true before it counts as hanging."""
    deadline_s = time.monotonic() + HANGS_AFTER_S
    while not (true := holds()) and time.monotonic() < deadline_s:
        time.sleep(LOOKS_EVERY_S)
    return true
