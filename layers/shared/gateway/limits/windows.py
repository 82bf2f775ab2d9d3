"""Fixed UTC minutes: the rest of a window, and the time until the next one. The time is given, never read."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.canonical.money import Window

WINDOW_S = 60
ACCOUNT_RPM_LIMIT = 1_000
KEY_RPM_LIMIT = 60
READS_RPM = 600


def enforced_rpm(rpm_limit: int | None) -> int:
    """The requests a minute that a key has: it has a limit where it sets none, too."""
    return KEY_RPM_LIMIT if rpm_limit is None else rpm_limit


def minute_of(now_s: float) -> int:
    """The number of the minute since the epoch that contains `now_s`; it is also the window."""
    return int(now_s) // WINDOW_S


def month_of(now_s: float) -> int:
    """The UTC month of `now_s` as 202611, so that months sort as numbers."""
    day = datetime.fromtimestamp(now_s, UTC)
    return day.year * 100 + day.month


def reset_s(now_s: float) -> int:
    """Whole seconds until the next window, 1 to 60; a client that waits so long is in it."""
    return WINDOW_S - int(now_s) % WINDOW_S


def month_reset_s(now_s: float) -> int:
    """Whole seconds until the next UTC month; a client that waits so long is in it."""
    day = datetime.fromtimestamp(now_s, UTC)
    turn = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
    return int(turn.timestamp()) - int(now_s)


def tighter(*, account: tuple[int, int], key: tuple[int, int], now_s: float) -> Window:
    """The window with less left, from (limit, used) pairs; the smaller one if both have the same left."""
    left = [(max(limit - used, 0), limit) for limit, used in (account, key)]
    remaining, limit = min(left)
    return Window(limit=limit, remaining=remaining, reset_s=reset_s(now_s))


def untouched(now_s: float) -> Window:
    """The window that an answer bears where none can be read: a new key's, of which a refusal takes nothing."""
    return Window(limit=KEY_RPM_LIMIT, remaining=KEY_RPM_LIMIT, reset_s=reset_s(now_s))
