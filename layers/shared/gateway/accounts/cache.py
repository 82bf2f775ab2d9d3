"""Reports what the cache of answers has saved an account, and empties it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.accounts.pages import iso_utc
from gateway.ledger.money import format_usd
from gateway.ports.answers import CacheCounts, CachedAnswers
from gateway.ports.questions import CachedQuestions

# The answers that one call deletes at most, and those of one page: a call is over long before its function is.
FORGOTTEN_MAX, PAGE = 5_000, 500


async def stats(
    answers: CachedAnswers, questions: CachedQuestions, account_id: str, now_s: float, days: int
) -> dict[str, Any]:
    """The counts of the last days, today included, in all and by day, and the checks of hits by meaning by key."""
    today = datetime.fromtimestamp(now_s, UTC).date()
    first = today - timedelta(days=days - 1)
    by_day = await answers.counted(account_id, f"{first:%Y%m%d}")
    total = CacheCounts()
    for counts in by_day.values():
        total = total + counts
    return {
        "object": "cache.stats",
        "days": days,
        **_shown(total),
        "by_day": [
            {"date": f"{datetime.strptime(day, '%Y%m%d').replace(tzinfo=UTC):%Y-%m-%d}", **_shown(counts)}
            for day, counts in sorted(by_day.items())
        ],
        "semantic": [
            {
                "key_id": key_id,
                "checked": each.checked,
                "disagreed": each.disagreed,
                "false_hit_rate": round(each.disagreed / each.checked, 4) if each.checked else None,
                "stopped_at": None if each.stopped_at_s is None else iso_utc(each.stopped_at_s),
            }
            for key_id, each in sorted((await questions.checks(account_id)).items())
        ],
    }


async def forgotten(answers: CachedAnswers, account_id: str) -> dict[str, Any]:
    """Deletes the answers; the rest of very many is left to another call."""
    deleted, seen, has_more = 0, 0, True
    while has_more and seen < FORGOTTEN_MAX:
        gone, has_more = await answers.forget(account_id, PAGE)
        deleted, seen = deleted + gone, seen + PAGE
    return {"object": "cache.deleted", "deleted": deleted, "has_more": has_more}


def _shown(counts: CacheCounts) -> dict[str, Any]:
    asked = counts.hits + counts.misses
    return {
        "hits": counts.hits,
        "misses": counts.misses,
        "hit_rate": round(counts.hits / asked, 4) if asked else None,
        "saved_usd": format_usd(counts.saved_nanousd),
        "saved_input_tokens": counts.saved_input_tokens,
        "saved_output_tokens": counts.saved_output_tokens,
    }
