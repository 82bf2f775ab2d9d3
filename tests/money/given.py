"""Builds requests, charges and accounts for the money tests."""

from __future__ import annotations

import itertools

from gateway.canonical.money import (
    AccountSnapshot,
    Admission,
    Charge,
    Failure,
    Hold,
    HoldRequest,
    Refusal,
    Tier,
    ToolCost,
)
from gateway.canonical.usage import Usage
from gateway.ledger.hold_ids import hold_id_at
from gateway.ports.money import Money
from tests.money.invariants import check

# 2026-11-21 06:40:00 UTC, the start of a minute.
NOW_S = 1_795_243_200.0
DEADLINE_S = 960
_numbers = itertools.count(1)


def wanted(account_id: str, amount: int = 100, now_s: float = NOW_S) -> HoldRequest:
    """Builds a request for a hold of `amount`. Its key may send 60 requests a minute and has no cap."""
    return HoldRequest(
        account_id=account_id,
        key_id="key_aaaaaaaaaa",
        hold_id=hold_id_at(now_s, next(_numbers)),
        amount_nanousd=amount,
        deadline_s=int(now_s) + DEADLINE_S,
        key_rpm_limit=60,
    )


def charge(cost: int) -> Charge:
    """Builds a charge of `cost` with every field that an entry names."""
    return Charge(
        cost_nanousd=cost,
        request_id="req-1",
        generation_id="gen-nxn-1",
        model_requested="nexevo/fast",
        model_used="gpt-5-mini",
        tier=Tier.FAST,
        price_version="2026-11-20",
        usage=Usage(
            input=7, cache_read=1, cache_write_5m=2, cache_write_1h=3, output=5, reasoning=4, uses=(("web_search", 2),)
        ),
        user_id="user-1",
        org_id="org-1",
        tools=(ToolCost("web_search", 2, cost // 2),),
        route="openai|gpt-5-mini|502 upstream_error\ngroq",
    )


FAILURE = Failure(
    request_id="req-1",
    generation_id="gen-nxn-1",
    model_requested="nexevo/fast",
    model_used="gpt-5-mini",
    user_id="user-1",
    org_id="org-1",
    route="openai|gpt-5-mini|502 upstream_error\ngroq|gpt-5-mini|503 upstream_overloaded",
)


async def opened(money: Money, account_id: str, balance: int = 1_000, rpm_limit: int = 1_000) -> None:
    """Opens an account with a balance."""
    await money.open_account(account_id, rpm_limit)
    if balance:
        await money.credit(account_id, balance, once="start", now_s=NOW_S - 86_400 * 60)


async def admitted(money: Money, asked: HoldRequest, now_s: float = NOW_S) -> Hold:
    """Returns the hold of a request that must be admitted."""
    outcome = await money.admit(asked, now_s)
    assert isinstance(outcome, Admission), outcome
    return outcome.hold


async def refused(money: Money, asked: HoldRequest, now_s: float = NOW_S) -> Refusal:
    """Returns the refusal of a request that must be refused."""
    outcome = await money.admit(asked, now_s)
    assert isinstance(outcome, Refusal), outcome
    return outcome


async def seen(money: Money, account_id: str) -> AccountSnapshot:
    """Reads the account, whose books must balance."""
    look = await money.read_account(account_id)
    assert look is not None
    check(look)
    return look


async def free_and_held(money: Money, account_id: str) -> tuple[int, int]:
    """Returns the two figures that most tests check."""
    look = await seen(money, account_id)
    return look.free_nanousd, look.held_nanousd
