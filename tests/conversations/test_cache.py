"""Tests of the endpoints of the cache: what an account has saved, and its deletion."""

import pytest

from gateway.accounts.cache import FORGOTTEN_MAX
from gateway.accounts.pages import iso_utc
from gateway.ports.answers import AnswerName, CacheCounts, CachedAnswer
from tests.control_plane.harness import ACCOUNT, NOW_S, OTHER_ACCOUNT
from tests.conversations.harness import Served

pytestmark = pytest.mark.anyio

ANSWER = CachedAnswer(b"answer", NOW_S, int(NOW_S) + 60)
NOTHING = {
    "hits": 0,
    "misses": 0,
    "hit_rate": None,
    "saved_usd": "0",
    "saved_input_tokens": 0,
    "saved_output_tokens": 0,
}


async def test_an_account_without_a_cache_has_saved_nothing(served: Served) -> None:
    assert await served.does("GET", "/v1/cache/stats") == {
        "object": "cache.stats",
        "days": 7,
        **NOTHING,
        "by_day": [],
        "semantic": [],
    }


async def test_savings_are_reported_in_all_and_by_day(served: Served) -> None:
    await served.cached.count(ACCOUNT, "20200101", CacheCounts(hits=99))
    await served.cached.count(OTHER_ACCOUNT, "29991231", CacheCounts(hits=99))
    day = CacheCounts(hits=3, misses=1, saved_nanousd=59_062, saved_input_tokens=30, saved_output_tokens=15)
    await served.cached.count(ACCOUNT, "29991231", day)
    found = await served.does("GET", "/v1/cache/stats?days=90")
    shown = {
        "hits": 3,
        "misses": 1,
        "hit_rate": 0.75,
        "saved_usd": "0.000059062",
        "saved_input_tokens": 30,
        "saved_output_tokens": 15,
    }
    assert found == {
        "object": "cache.stats",
        "days": 90,
        **shown,
        "by_day": [{"date": "2999-12-31", **shown}],
        "semantic": [],
    }


async def test_the_checks_of_hits_by_meaning_are_reported_by_key(served: Served) -> None:
    for agreed in (True, True, False):
        await served.questions.note(ACCOUNT, "key_1", agreed=agreed)
    await served.questions.stop(ACCOUNT, "key_1", NOW_S)
    await served.questions.note(OTHER_ACCOUNT, "key_2", agreed=True)
    found = (await served.does("GET", "/v1/cache/stats"))["semantic"]
    stopped_at = found[0].pop("stopped_at")
    assert found == [{"key_id": "key_1", "checked": 3, "disagreed": 1, "false_hit_rate": 0.3333}]
    assert stopped_at == iso_utc(int(NOW_S))


@pytest.mark.parametrize("days", ["0", "91", "x"])
async def test_a_report_of_impossible_days_is_refused(served: Served, days: str) -> None:
    assert (await served.send("GET", f"/v1/cache/stats?days={days}")).json()["error"]["param"] == "days"


async def test_an_account_deletes_its_own_answers(served: Served) -> None:
    own, other = AnswerName(ACCOUNT, "a"), AnswerName(OTHER_ACCOUNT, "a")
    for name in (own, other):
        await served.cached.keep(name, ANSWER)
    assert await served.does("DELETE", "/v1/cache") == {"object": "cache.deleted", "deleted": 1, "has_more": False}
    assert await served.does("DELETE", "/v1/cache") == {"object": "cache.deleted", "deleted": 0, "has_more": False}
    assert list(served.cached.standing) == [other]


async def test_very_many_answers_take_more_than_one_call(served: Served) -> None:
    for number in range(FORGOTTEN_MAX + 1):
        await served.cached.keep(AnswerName(ACCOUNT, str(number)), ANSWER)
    assert (await served.does("DELETE", "/v1/cache"))["has_more"]
    assert await served.does("DELETE", "/v1/cache") == {"object": "cache.deleted", "deleted": 1, "has_more": False}
