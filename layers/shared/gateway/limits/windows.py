"""Fixed UTC minutes: what is left of a window, and when it turns. Given now, never asking for it."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.canonical.money import Window

WINDOW_S = 60
ACCOUNT_RPM_LIMIT = 1_000
KEY_RPM_LIMIT = 60


def minute_of(now_s: float) -> int:
    """The minute since the epoch that `now_s` lies in; its window is that minute."""
    return int(now_s) // WINDOW_S


def month_of(now_s: float) -> int:
    """The UTC month of `now_s` as 202611, which orders as months do."""
    day = datetime.fromtimestamp(now_s, UTC)
    return day.year * 100 + day.month


def reset_s(now_s: float) -> int:
    """Whole seconds until the window turns, 1 to 60; a client that waits them meets the next one."""
    return WINDOW_S - int(now_s) % WINDOW_S


def tighter(*, account: tuple[int, int], key: tuple[int, int], now_s: float) -> Window:
    """The window with less left of (limit, used) pairs; the smaller one where they are level."""
    left = [(max(limit - used, 0), limit) for limit, used in (account, key)]
    remaining, limit = min(left)
    return Window(limit=limit, remaining=remaining, reset_s=reset_s(now_s))
