"""Tests of /v1/billing: an account's balance, every entry of its ledger, and its costs by day and tier."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.canonical.money import Admission, HoldRequest, Tier
from gateway.ledger.hold_ids import hold_id_at
from tests.control_plane.harness import ACCOUNT, DAY_S, MANAGER_ID, NOW_S, OTHER_KEY, AppUnderTest, refusal

pytestmark = pytest.mark.anyio

START = 10 * 10**9
NO_TOKENS = {
    "input_tokens": 0,
    "cache_read_tokens": 0,
    "cache_write_5m_tokens": 0,
    "cache_write_1h_tokens": 0,
    "output_tokens": 0,
    "reasoning_tokens": 0,
    "audio_input_tokens": 0,
    "audio_output_tokens": 0,
    "image_output_tokens": 0,
}


def row(requests: int, cost_usd: str) -> dict[str, Any]:
    """Builds a row with that number of the harness's requests."""
    each = {"input_tokens": 100, "output_tokens": 10, "cache_read_tokens": 7, "reasoning_tokens": 4}
    counted = {name: count * requests for name, count in each.items()}
    return {"requests": requests, **NO_TOKENS, **counted, "cost_usd": cost_usd}


@pytest.fixture
async def nexgate(nexgate: AppUnderTest) -> AppUnderTest:
    """Builds an app whose account received 10 USD long ago."""
    await nexgate.money.credit(ACCOUNT, START, once="start", now_s=NOW_S - 200 * DAY_S, note="a gift")
    return nexgate


async def test_the_balance_is_what_is_free_beside_what_is_held(nexgate: AppUnderTest) -> None:
    wanted = HoldRequest(ACCOUNT, MANAGER_ID, hold_id_at(NOW_S, 1), 2_500_000_001, int(NOW_S) + 960, 60)
    assert isinstance(await nexgate.money.admit(wanted, NOW_S), Admission)
    assert (await nexgate.ask("GET", "/v1/billing/balance")).json() == {
        "object": "balance",
        "balance_usd": "7.499999999",
        "held_usd": "2.500000001",
        "currency": "USD",
        "suspended": False,
    }


async def test_a_suspended_account_says_so(nexgate: AppUnderTest) -> None:
    await nexgate.money.set_account(ACCOUNT, disabled=True)
    assert (await nexgate.ask("GET", "/billing/balance")).json()["suspended"] is True


async def test_a_charge_names_everything_it_was_for(nexgate: AppUnderTest) -> None:
    await nexgate.spend("0.0000525")
    (shown, _) = (await nexgate.ask("GET", "/v1/billing/transactions")).json()["data"]
    tokens = {**NO_TOKENS, "input_tokens": 100, "output_tokens": 10, "cache_read_tokens": 7, "reasoning_tokens": 4}
    number = shown["request_id"].removeprefix("req-")
    assert shown == {
        "object": "transaction",
        "id": shown["hold_id"],
        "kind": "charge",
        "amount_usd": "-0.0000525",
        "currency": "USD",
        "created_at": "2026-11-21T06:40:11Z",
        "hold_id": shown["hold_id"],
        "key_id": MANAGER_ID,
        "request_id": f"req-{number}",
        "generation_id": f"gen-nxn-{shown['hold_id']}",
        "user_id": "user-1",
        "org_id": "org-1",
        "model_requested": "gpt-4o",
        "model_used": "gpt-4o-2024-11-20",
        "tier": "passthrough",
        "price_version": "2026-11-20",
        "cache": None,
        "models_tried": [
            {"model": "gpt-4o", "provider": "openai", "outcome": "502 upstream_error", "own_key": True},
            {"model": "gpt-4o-2024-11-20", "provider": "openai", "outcome": "served"},
        ],
        "usage": tokens,
        "tools": [],
        "estimated": False,
        "note": None,
        "schema_version": 1,
    }


async def test_a_credit_is_a_transaction_without_a_request(nexgate: AppUnderTest) -> None:
    (shown,) = (await nexgate.ask("GET", "/v1/billing/transactions")).json()["data"]
    assert (shown["kind"], shown["amount_usd"], shown["note"], shown["usage"]) == ("credit", "10", "a gift", None)
    assert shown["models_tried"] == []


async def test_transactions_go_from_the_newest_to_the_oldest_page_by_page(nexgate: AppUnderTest) -> None:
    for second in range(5):
        await nexgate.spend(f"0.{second + 1}", NOW_S + second)
    shown: list[list[str]] = []
    cursor = None
    while cursor is not None or not shown:
        page = (await nexgate.ask("GET", "/v1/billing/transactions", params={"limit": 2, "cursor": cursor})).json()
        shown.append([entry["amount_usd"] for entry in page["data"]])
        cursor = page["next_cursor"]
        assert page["has_more"] == (cursor is not None)
    assert shown == [["-0.5", "-0.4"], ["-0.3", "-0.2"], ["-0.1", "10"]]


async def test_entries_of_one_millisecond_are_shown_once_each(nexgate: AppUnderTest) -> None:
    for _ in range(5):
        await nexgate.spend("0.5")
    first = (await nexgate.ask("GET", "/v1/billing/transactions?limit=3")).json()
    second = (await nexgate.ask("GET", f"/v1/billing/transactions?limit=3&cursor={first['next_cursor']}")).json()
    assert len({entry["id"] for entry in first["data"] + second["data"]}) == 6


async def test_usage_is_a_row_for_each_day_and_one_for_each_tier(nexgate: AppUnderTest) -> None:
    await nexgate.spend("1", NOW_S - DAY_S, Tier.FAST)
    await nexgate.spend("2", NOW_S - DAY_S, Tier.PASSTHROUGH)
    await nexgate.spend("0.5", NOW_S, Tier.FAST)
    report = (await nexgate.ask("GET", "/v1/billing/usage?days=3")).json()
    assert report == {
        "object": "usage",
        "days": 3,
        "currency": "USD",
        "daily": [
            {"date": "2026-11-19", **row(0, "0")},
            {"date": "2026-11-20", **row(2, "3")},
            {"date": "2026-11-21", **row(1, "0.5")},
        ],
        "by_tier": {
            "fast": row(2, "1.5"),
            "balanced": row(0, "0"),
            "passthrough": row(1, "2"),
            "byok": row(0, "0"),
        },
        "total": row(3, "3.5"),
    }


async def test_usage_covers_seven_days_unless_asked_otherwise(nexgate: AppUnderTest) -> None:
    assert [day["date"][-2:] for day in (await nexgate.ask("GET", "/v1/billing/usage")).json()["daily"]] == [
        "15", "16", "17", "18", "19", "20", "21",
    ]  # fmt: skip


async def test_a_day_begins_at_midnight_utc(nexgate: AppUnderTest) -> None:
    midnight_s = NOW_S // DAY_S * DAY_S
    await nexgate.spend("1", midnight_s - 0.001)
    await nexgate.spend("2", midnight_s)
    daily = (await nexgate.ask("GET", "/v1/billing/usage?days=2")).json()["daily"]
    assert [day["cost_usd"] for day in daily] == ["1", "2"]


async def test_a_request_belongs_to_the_day_it_was_admitted_on(nexgate: AppUnderTest) -> None:
    before_midnight_s = NOW_S // DAY_S * DAY_S - 0.5
    await nexgate.spend("1", before_midnight_s)
    daily = (await nexgate.ask("GET", "/v1/billing/usage?days=2")).json()["daily"]
    assert [day["requests"] for day in daily] == [1, 0]


async def test_what_was_written_off_is_no_cost_and_no_second_request(nexgate: AppUnderTest) -> None:
    await nexgate.spend("9.5")
    wanted = HoldRequest(ACCOUNT, MANAGER_ID, hold_id_at(NOW_S, 77), 10**8, int(NOW_S) + 960, 60)
    admitted = await nexgate.money.admit(wanted, NOW_S)
    assert isinstance(admitted, Admission)
    charged = (await nexgate.money.entries(ACCOUNT, since_s=NOW_S, until_s=NOW_S + 1, limit=1))[0].charge
    assert charged is not None
    assert charged.cost_nanousd == 9_500_000_000
    await nexgate.money.settle(admitted.hold, charged, NOW_S)
    assert (await nexgate.ask("GET", "/v1/billing/usage?days=1")).json()["total"] == row(2, "10")


async def test_an_estimate_that_a_late_charge_corrects_is_no_second_request(nexgate: AppUnderTest) -> None:
    await nexgate.spend("2")
    wanted = HoldRequest(ACCOUNT, MANAGER_ID, hold_id_at(NOW_S, 79), 10**9, int(NOW_S) + 960, 60)
    admitted = await nexgate.money.admit(wanted, NOW_S)
    assert isinstance(admitted, Admission)
    charged = (await nexgate.money.entries(ACCOUNT, since_s=NOW_S, until_s=NOW_S + 1, limit=1))[0].charge
    assert charged is not None
    hold = await nexgate.money.checkpoint(admitted.hold, replace(charged, cost_nanousd=10**8))
    await nexgate.money.expire(hold, NOW_S + 1_000)
    await nexgate.money.settle(hold, charged, NOW_S + 1_001)
    assert (await nexgate.ask("GET", "/v1/billing/usage?days=1")).json()["total"] == row(2, "4")


async def test_a_released_request_is_none(nexgate: AppUnderTest) -> None:
    wanted = HoldRequest(ACCOUNT, MANAGER_ID, hold_id_at(NOW_S, 78), 10**8, int(NOW_S) + 960, 60)
    admitted = await nexgate.money.admit(wanted, NOW_S)
    assert isinstance(admitted, Admission)
    await nexgate.money.release(admitted.hold, NOW_S)
    assert (await nexgate.ask("GET", "/v1/billing/usage?days=1")).json()["total"] == row(0, "0")


async def test_usage_is_grouped_by_what_is_asked_for(nexgate: AppUnderTest) -> None:
    await nexgate.spend("1", NOW_S - DAY_S, Tier.FAST)
    await nexgate.spend("2", NOW_S, Tier.FAST, key_id="key_b")
    await nexgate.spend("4", NOW_S, Tier.PASSTHROUGH, key_id="key_b")
    report = (await nexgate.ask("GET", "/v1/billing/usage?days=3&group_by=key,tier")).json()
    assert report["group_by"] == ["key", "tier"]
    assert report["groups"] == [
        {"key_id": "key_b", "tier": "fast", **row(1, "2")},
        {"key_id": "key_b", "tier": "passthrough", **row(1, "4")},
        {"key_id": MANAGER_ID, "tier": "fast", **row(1, "1")},
    ]
    by_all = (await nexgate.ask("GET", "/v1/billing/usage?group_by=day,model,member")).json()["groups"]
    named = {"model": "gpt-4o-2024-11-20", "user_id": "user-1"}
    assert by_all == [{"date": "2026-11-20", **named, **row(1, "1")}, {"date": "2026-11-21", **named, **row(2, "6")}]


async def test_usage_without_groups_has_none(nexgate: AppUnderTest) -> None:
    report = (await nexgate.ask("GET", "/v1/billing/usage?group_by=")).json()
    assert (report.keys() & {"group_by", "groups"}, report["object"]) == (set(), "usage")


@pytest.mark.parametrize("query", ["group_by=week", "group_by=day,,key", "format=xml", "days=91", "days=0"])
async def test_usage_of_no_such_form_is_refused(nexgate: AppUnderTest, query: str) -> None:
    answer = refusal(await nexgate.ask("GET", f"/v1/billing/usage?{query}"))
    assert answer == (400, "invalid_value", query.partition("=")[0])


@pytest.mark.parametrize(
    ("query", "headers"), [("&format=csv", {}), ("", {"Accept": "text/csv"}), ("&format=csv", {"Accept": "*/*"})]
)
async def test_usage_is_told_as_csv(nexgate: AppUnderTest, query: str, headers: dict[str, str]) -> None:
    await nexgate.spend("1.5", NOW_S, Tier.FAST)
    answer = await nexgate.ask("GET", f"/v1/billing/usage?days=1&group_by=day,key{query}", headers=headers)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.split("\r\n") == [
        ",".join(["date", "key_id", "requests", *NO_TOKENS, "cost_usd"]),
        "2026-11-21,key_manager,1,100,7,0,0,10,4,0,0,0,1.5",
        "",
    ]


async def test_json_that_is_asked_for_is_no_csv(nexgate: AppUnderTest) -> None:
    answer = await nexgate.ask("GET", "/v1/billing/usage?format=json", headers={"Accept": "text/csv"})
    assert answer.json()["object"] == "usage"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\uff1d1"])
async def test_no_name_is_a_formula_of_a_spreadsheet(nexgate: AppUnderTest, name: str) -> None:
    await nexgate.spend("1", NOW_S, Tier.FAST, key_id=name)
    (_, told, _) = (await nexgate.ask("GET", "/v1/billing/usage?group_by=key&format=csv")).text.split("\r\n")
    assert told.startswith(f"'{name},1,")


async def test_an_account_does_not_see_the_money_of_another(nexgate: AppUnderTest) -> None:
    await nexgate.spend("1")
    balance = (await nexgate.ask("GET", "/v1/billing/balance", key=OTHER_KEY)).json()
    listed = (await nexgate.ask("GET", "/v1/billing/transactions", key=OTHER_KEY)).json()
    used = (await nexgate.ask("GET", "/v1/billing/usage", key=OTHER_KEY)).json()
    kinds = [entry["kind"] for entry in listed["data"]]
    assert (balance["balance_usd"], kinds, used["total"]["requests"]) == ("10", ["credit"], 0)
