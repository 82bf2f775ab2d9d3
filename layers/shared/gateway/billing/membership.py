"""Puts an account on a plan, and gives back what its plan saves: for the operator's commands."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace

from gateway.billing.plans import plan_of, plans, rebate
from gateway.billing.terms import changed_terms
from gateway.canonical.money import Act, Entry, NanoUsd, Tier
from gateway.errors import InvalidRequest, NotFound
from gateway.limits.windows import month_of
from gateway.ports.money import Money
from gateway.ports.payments import PaymentBooks

READ_AT_ONCE = 1_000


async def set_plan(books: PaymentBooks, money: Money, account_id: str, name: str) -> None:
    """Puts an account on a plan, whose limit of requests a minute is the account's from now on."""
    plan = plan_of(name)
    if plan.plan != name:
        raise NotFound(f"There is no plan '{name[:40]}'; there are {', '.join(one.plan for one in plans())}.")
    await money.set_account(account_id, rpm_limit=plan.rpm_limit)
    await changed_terms(books, account_id, lambda terms: replace(terms, plan=name))


async def give_back(
    books: PaymentBooks, money: Money, account_id: str, month: int, now_s: float, act: Act
) -> Entry | None:
    """Credits what the account's plan saves in a month that is over (202611), once; `None` where that is nothing."""
    if month >= month_of(now_s):
        raise InvalidRequest("A plan's rebate is of a month that is over.", code="month_not_over")
    plan = plan_of((await books.terms(account_id)).plan)
    amount = rebate(await passthrough_of(money, account_id, month), plan, plans()[0])
    if amount <= 0:
        return None
    note = f"plan {plan.plan}, {month // 100}-{month % 100:02}"
    return await money.credit(account_id, amount, once=f"plan-rebate-{month}", now_s=now_s, note=note, act=act)


async def passthrough_of(money: Money, account_id: str, month: int) -> NanoUsd:
    """Adds up what an account was charged in a month for real model ids, after write-offs."""
    year, number = divmod(month, 100)
    since = datetime(year, number, 1, tzinfo=UTC)
    until = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    charged, before = 0, None
    while True:
        found = await money.entries(
            account_id, since_s=since.timestamp(), until_s=until.timestamp(), limit=READ_AT_ONCE, before=before
        )
        of_tier = (one for one in found if one.charge is not None and one.charge.tier is Tier.PASSTHROUGH)
        charged -= sum(one.amount_nanousd for one in of_tier)
        if len(found) < READ_AT_ONCE:
            return charged
        before = found[-1].entry_id
