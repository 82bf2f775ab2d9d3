"""Plans: what an account's terms cost and change, from a data file; and the plan that would have been cheapest.

A plan changes two things. Its limit of requests a minute is the account's. Its lower fee on real model ids (tier
passthrough) is given back as a credit for each month that is over, less the plan's own price: every charge is made at
the list price and the standard fee, so all callers are told the same prices. Where the price is more than the fee that
is saved, nothing is booked: no plan costs more than paying as you go.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import orjson
from msgspec import Struct

from gateway.canonical.money import NanoUsd
from gateway.ledger.money import format_usd, parse_usd

FILE = "plans.json"
# Hundredths of a percent.
WHOLE = 10_000
HINT_PERCENT_MIN = 1


class Plan(Struct, frozen=True):
    """One plan. `fee` is in hundredths of a percent of the list price."""

    plan: str
    name: str
    monthly_nanousd: NanoUsd
    fee: int
    rpm_limit: int


class Hint(Struct, frozen=True):
    """A plan that would have cost less, by what, and by how many whole percent of what was spent."""

    plan: Plan
    savings_nanousd: NanoUsd
    savings_percent: int


@cache
def plans() -> tuple[Plan, ...]:
    """All plans; the first is that of an account which has chosen none."""
    return read_plans(data_file())


def data_file() -> bytes:
    """The data file as it is in the layer."""
    from pkgutil import get_data  # noqa: PLC0415  # only what shows plans pays for it

    return get_data("gateway.billing", FILE) or b""


def read_plans(document: bytes) -> tuple[Plan, ...]:
    """The plans of a data file; raises `ValueError` where the first one has a price, or a name comes twice."""
    rows = orjson.loads(document)["plans"]
    found = tuple(
        Plan(
            row["plan"],
            row["name"],
            parse_usd(row["monthly_usd"]),
            int(Decimal(row["passthrough_fee_percent"]) * 100),
            row["rpm_limit"],
        )
        for row in rows
    )
    if found[0].monthly_nanousd or len({one.plan for one in found}) < len(found):
        raise ValueError("the first plan is free, and each has a name of its own")
    return found


def plan_of(name: str) -> Plan:
    """The plan of a name; the first one for an account that has chosen none, or one that is no more."""
    return next((one for one in plans() if one.plan == name), plans()[0])


def rebate(charged_nanousd: NanoUsd, plan: Plan, standard: Plan) -> NanoUsd:
    """The rebate of a plan on charges at the standard fee: the difference of fees less the plan's price, or nothing.

    `charged_nanousd` is list price and standard fee together. Rounded down.
    """
    saved = charged_nanousd * (standard.fee - plan.fee) // (WHOLE + standard.fee)
    return max(0, saved - plan.monthly_nanousd)


def hint(spent_nanousd: NanoUsd, passthrough_nanousd: NanoUsd, current: Plan, every: Sequence[Plan]) -> Hint | None:
    """The plan that would have given back the most, where that is at least a percent of all that was spent.

    Both amounts are of the same 30 days; `passthrough_nanousd` is the part that fees are on.
    """
    standard = every[0]
    own = rebate(passthrough_nanousd, current, standard)
    best = max(every, key=lambda one: (rebate(passthrough_nanousd, one, standard), -one.monthly_nanousd))
    savings = rebate(passthrough_nanousd, best, standard) - own
    percent = 0 if spent_nanousd <= own else savings * 100 // (spent_nanousd - own)
    return Hint(best, savings, percent) if percent >= HINT_PERCENT_MIN else None


def plan_view(plan: Plan) -> dict[str, Any]:
    """A plan as its customers see it."""
    return {
        "object": "plan",
        "plan": plan.plan,
        "name": plan.name,
        "monthly_usd": format_usd(plan.monthly_nanousd),
        "passthrough_fee_percent": f"{plan.fee / 100:g}",
        "rpm_limit": plan.rpm_limit,
        "currency": "USD",
    }


def hint_view(found: Hint | None) -> dict[str, Any]:
    """The hint of the last 30 days, or none."""
    if found is None:
        return {"object": "upgrade_hint", "hint": None}
    return {
        "object": "upgrade_hint",
        "hint": {
            "recommend_plan": found.plan.plan,
            "savings_pct": found.savings_percent,
            "savings_usd": format_usd(found.savings_nanousd),
            "days": 30,
        },
    }
