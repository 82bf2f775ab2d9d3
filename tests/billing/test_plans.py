"""Tests of plans: what they give back, and the hint of the last 30 days, by examples worked by hand."""

from __future__ import annotations

import orjson
import pytest

from gateway.billing import plans as module
from gateway.billing.membership import give_back, set_plan
from gateway.billing.plans import Plan, data_file, hint, plan_of, plans, read_plans, rebate
from gateway.canonical.money import Act, Tier
from gateway.errors import InvalidRequest, NotFound
from tests.billing.harness import Till
from tests.control_plane.harness import ACCOUNT, DAY_S, NOW_S

pytestmark = pytest.mark.anyio
USD = 10**9
ACT = Act("ann", "a test")
PAYG, TEAM, SCALE = (
    Plan(n, n, m * USD, f, r) for n, m, f, r in (("a", 0, 500, 1), ("b", 20, 300, 2), ("c", 200, 200, 3))
)
EVERY = (PAYG, TEAM, SCALE)


@pytest.mark.parametrize(
    ("charged", "plan", "given"),
    [
        # 1,050 USD are 1,000 of list price and 50 of fee; at 3 % the fee is 30: 20 saved, which is the plan's price.
        (1_050, TEAM, 0),
        # 10,500 USD: 10,000 and 500; at 3 % 300, less 20 for the plan; at 2 % 200, less 200.
        (10_500, TEAM, 180),
        (10_500, SCALE, 100),
        # 31,500 USD: 30,000; 900 saved less 200.
        (31_500, SCALE, 700),
        (10_500, PAYG, 0),
    ],
)
def test_a_plan_gives_back_the_difference_of_fees_less_its_price(charged: int, plan: Plan, given: int) -> None:
    assert rebate(charged * USD, plan, PAYG) == given * USD


@pytest.mark.parametrize(
    ("spent", "passthrough", "current", "expected"),
    [
        # Nothing spent, or too little for any plan.
        (0, 0, PAYG, None),
        (1_050, 1_050, PAYG, None),
        # 180 of 10,500 are 1.71 %.
        (10_500, 10_500, PAYG, ("b", 180, 1)),
        # 700 of 31,500 are 2.2 %; the other plan would save 580.
        (31_500, 31_500, PAYG, ("c", 700, 2)),
        # The same from the middle plan: 700 less the 580 that it gives already, of 30,920: below one percent.
        (31_500, 31_500, TEAM, None),
        # 315,000: 300,000 of list price. Scale gives 8,800, team 5,980: 2,820 of 309,020 are 0.9 %.
        (315_000, 315_000, TEAM, None),
        (315_000, 315_000, PAYG, ("c", 8_800, 2)),
        # Flat aliases have no fee: nothing is saved on them, and they count in what was spent.
        (40_000, 10_500, PAYG, None),
        # A plan that costs more than it gives back is worth leaving for none: it is never charged, so nothing is saved.
        (100, 100, SCALE, None),
    ],
)
def test_the_hint_names_the_plan_that_would_have_cost_least(
    spent: int, passthrough: int, current: Plan, expected: tuple[str, int, int] | None
) -> None:
    found = hint(spent * USD, passthrough * USD, current, EVERY)
    shown = None if found is None else (found.plan.plan, found.savings_nanousd // USD, found.savings_percent)
    assert shown == expected


async def test_the_hint_is_of_the_last_30_days(till: Till) -> None:
    assert (await till.ask("GET", "upgrade-hint")).json() == {"object": "upgrade_hint", "hint": None}
    await till.money.credit(ACCOUNT, 50_000 * USD, once="more", now_s=NOW_S)
    await till.nexgate.spend("31500", NOW_S - 31 * DAY_S)
    assert (await till.ask("GET", "upgrade-hint")).json()["hint"] is None
    await till.nexgate.spend("10500", NOW_S - 29 * DAY_S)
    assert (await till.ask("GET", "upgrade-hint")).json()["hint"] == {
        "recommend_plan": "team", "savings_pct": 1, "savings_usd": "180", "days": 30,
    }  # fmt: skip


async def test_a_plan_changes_the_limit_of_its_account_and_is_shown(till: Till) -> None:
    assert (await till.ask("GET", "plan")).json()["plan"] == "payg"
    await set_plan(till.books, till.money, ACCOUNT, "scale")
    assert (await till.ask("GET", "plan")).json() == {
        "object": "plan", "plan": "scale", "name": "Scale", "monthly_usd": "200", "passthrough_fee_percent": "2",
        "rpm_limit": 5000, "currency": "USD",
    }  # fmt: skip
    assert (await till.look()).rpm_limit == 5000
    with pytest.raises(NotFound, match="payg, team, scale"):
        await set_plan(till.books, till.money, ACCOUNT, "gold")
    listed = (await till.ask("GET", "plans")).json()
    assert ([one["plan"] for one in listed["data"]], listed["has_more"]) == (["payg", "team", "scale"], False)


async def test_a_month_s_rebate_is_of_its_passthrough_charges_and_booked_once(till: Till) -> None:
    await till.money.credit(ACCOUNT, 50_000 * USD, once="more", now_s=NOW_S)
    october_s = NOW_S - 40 * DAY_S
    await till.nexgate.spend("10500", october_s)
    await till.nexgate.spend("5000", october_s, Tier.FAST)
    await till.nexgate.spend("3000", NOW_S)
    await set_plan(till.books, till.money, ACCOUNT, "team")
    first, again = [await give_back(till.books, till.money, ACCOUNT, 202610, NOW_S, ACT) for _ in range(2)]
    assert first is not None
    assert (first, first.amount_nanousd, first.note) == (again, 180 * USD, "plan team, 2026-10")
    assert await give_back(till.books, till.money, ACCOUNT, 202609, NOW_S, ACT) is None
    with pytest.raises(InvalidRequest, match="over"):
        await give_back(till.books, till.money, ACCOUNT, 202611, NOW_S, ACT)


def test_the_data_file_is_read_and_a_wrong_one_refused() -> None:
    assert plan_of("none of them") == plans()[0] == module.plans()[0]
    rows = orjson.loads(data_file())["plans"]
    for wrong in (rows[1:], [rows[0], rows[0]]):
        with pytest.raises(ValueError, match="the first plan is free"):
            read_plans(orjson.dumps({"plans": wrong}))
