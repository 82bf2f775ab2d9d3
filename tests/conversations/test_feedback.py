"""Tests of the endpoints of feedback: whose generations are rated, how often, and the report of it."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.canonical.money import Admission, HoldRequest
from gateway.ledger.hold_ids import hold_id_at
from gateway.ports.keys import KeyRecord
from tests.control_plane.harness import ACCOUNT, DAY_S, MANAGER_ID, MANAGER_KEY, NOW_S, OTHER_KEY, refusal
from tests.conversations.harness import Served

pytestmark = pytest.mark.anyio
MODEL = "gpt-4o-2024-11-20"
NOTHING = {"count": 0, "positive": 0, "negative": 0, "positive_share": None}


def row(good: int, bad: int, **named: str) -> dict[str, Any]:
    count = good + bad
    return {**named, "count": count, "positive": good, "negative": bad, "positive_share": round(good / count, 4)}


async def summary(served: Served, query: str = "", **rest: Any) -> dict[str, Any]:
    return await served.does("GET", f"/v1/feedback/summary{query}", **rest)


@pytest.mark.parametrize("path", ["/v1/feedback", "/feedback"])
async def test_a_generation_is_rated(served: Served, path: str) -> None:
    generation_id = await served.spend("0.01", NOW_S - DAY_S)
    given = {"generation_id": generation_id, "rating": 1, "comment": "Helpful!", "tags": ["accurate", "accurate"]}
    assert await served.does("POST", path, given) == {
        "object": "feedback",
        "generation_id": generation_id,
        "rating": 1,
        "comment": "Helpful!",
        "tags": ["accurate"],
        "model": MODEL,
        "created_at": "2026-11-21T06:40:10Z",
        "replaced": False,
    }
    assert await served.does("GET", f"{path}/summary?days=1") == {
        "object": "feedback.summary",
        "days": 1,
        "total": row(1, 0),
        "by_model": [row(1, 0, model=MODEL)],
        "by_key": [row(1, 0, key_id=MANAGER_ID)],
        "by_tag": [row(1, 0, tag="accurate")],
        "more_tags": False,
    }


async def test_a_user_rates_a_generation_once_and_may_change_it(served: Served) -> None:
    generation_id = await served.spend("0.01")
    given = {"generation_id": generation_id, "rating": 1, "tags": ["accurate"]}
    await served.does("POST", "/v1/feedback", given)
    again = await served.does("POST", "/v1/feedback", {"generation_id": generation_id, "rating": -1, "tags": ["wrong"]})
    assert (again["rating"], again["replaced"]) == (-1, True)
    shown = await summary(served)
    assert (shown["total"], shown["by_tag"]) == (row(0, 1), [row(0, 1, tag="wrong")])
    # Another key without a person is another user; two keys of one person are one.
    assert not (await served.does("POST", "/v1/feedback", given, key=MANAGER_KEY))["replaced"]
    for key in ("sk-xc-janes-first", "sk-xc-janes-second"):
        await served.give_key(key, KeyRecord(key[6:], ACCOUNT, key, "0000", int(NOW_S), user_id="user_jane"))
    replaced = [(await served.does("POST", "/v1/feedback", given, key=f"sk-xc-janes-{n}"))["replaced"]
                for n in ("first", "second")]  # fmt: skip
    assert (replaced, (await summary(served))["total"]) == ([False, True], row(2, 1))


async def test_a_repeated_request_is_answered_again_and_rates_once(served: Served) -> None:
    given = {"generation_id": await served.spend("0.01"), "rating": 1}
    first, again = [await served.does("POST", "/v1/feedback", given, **{"Idempotency-Key": "once"}) for _ in range(2)]
    assert first == again
    assert (await summary(served))["total"] == row(1, 0)


async def test_a_generation_of_another_account_is_as_unknown_as_none(served: Served) -> None:
    generation_id = await served.spend("0.01")
    asked = [(OTHER_KEY, generation_id), (MANAGER_KEY, f"gen-nxn-{hold_id_at(NOW_S, 7)}")]
    refused = [
        await served.send("POST", "/v1/feedback", {"generation_id": each, "rating": 1}, key) for key, each in asked
    ]
    assert [refusal(each) for each in refused] == [(404, "generation_not_found", "generation_id")] * 2
    told = [each.json()["error"]["message"] for each in refused]
    assert told[0].replace(generation_id, "") == told[1].replace(asked[1][1], "")
    assert (await summary(served))["total"] == (await summary(served, key=OTHER_KEY))["total"] == NOTHING


@pytest.mark.parametrize("written", ["gen-nxn-", "x", "gen_{}", "gen-nxn-{}-late", "GEN-NXN-{}", "{}"])
async def test_a_generation_has_one_id(served: Served, written: str) -> None:
    hold_id = (await served.spend("0.01")).removeprefix("gen-nxn-")
    given = {"generation_id": written.format(hold_id), "rating": 1}
    assert refusal(await served.send("POST", "/v1/feedback", given))[:2] == (404, "generation_not_found")


async def test_a_generation_that_was_not_charged_cannot_be_rated(served: Served) -> None:
    wanted = HoldRequest(ACCOUNT, MANAGER_ID, hold_id_at(NOW_S, 1), 10, int(NOW_S) + 960, 1_000)
    outcome = await served.money.admit(wanted, NOW_S)
    assert isinstance(outcome, Admission)
    given = {"generation_id": f"gen-nxn-{wanted.hold_id}", "rating": 1}
    assert (await served.send("POST", "/v1/feedback", given)).status_code == 404
    await served.money.release(outcome.hold, NOW_S)
    assert (await served.send("POST", "/v1/feedback", given)).status_code == 404


async def test_a_report_is_of_whole_days(served: Served) -> None:
    for number, days_ago in enumerate((179, 6, 5, 0)):
        served.clock.at_s = NOW_S - days_ago * DAY_S
        given = {"generation_id": await served.spend("0.01"), "rating": 1 if number else -1, "tags": [f"t{number % 2}"]}
        await served.does("POST", "/v1/feedback", given)
    counts = [(await summary(served, query))["total"]["count"] for query in ("?days=1", "?days=6", "", "?days=180")]
    assert counts == [1, 2, 3, 4]
    assert (await summary(served, "?days=180"))["by_tag"] == [row(1, 1, tag="t0"), row(2, 0, tag="t1")]


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"rating": 0}, "invalid_value", "rating"),
        ({"rating": True}, "invalid_value", "rating"),
        ({"rating": "1"}, "invalid_value", "rating"),
        ({"comment": "x" * 2_001}, "invalid_value", "comment"),
        ({"tags": ["x" * 65]}, "invalid_value", "tags[0]"),
        ({"tags": [""]}, "invalid_value", "tags[0]"),
        ({"tags": ["x"] * 21}, "invalid_value", "tags"),
        ({"tag": "x"}, "unknown_parameter", "tag"),
        ({"generation_id": 1}, "invalid_type", "generation_id"),
    ],
)
async def test_what_is_no_feedback_is_refused(served: Served, change: dict[str, Any], code: str, param: str) -> None:
    given = {"generation_id": await served.spend("0.01"), "rating": 1, **change}
    assert refusal(await served.send("POST", "/v1/feedback", given)) == (400, code, param)


@pytest.mark.parametrize("days", ["0", "181", "x"])
async def test_a_report_of_other_than_180_days_is_refused(served: Served, days: str) -> None:
    assert refusal(await served.send("GET", f"/v1/feedback/summary?days={days}"))[::2] == (400, "days")
