"""Tests of what operators do by hand where money moves: plans, what they give back, and refunds."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.admin.commands import COMMANDS, parser
from gateway.canonical.money import Act
from gateway.errors import Conflict, GatewayError, InvalidRequest, NotFound
from gateway.ledger.money import NotAnAmount
from tests.billing.harness import Till
from tests.control_plane.harness import ACCOUNT, DAY_S, NOW_S, OTHER_ACCOUNT

pytestmark = pytest.mark.anyio
USD = 10**9
WHY = ("--by", "ann", "--why", "ticket 7")


async def run(till: Till, *words: str) -> dict[str, Any]:
    services: Any = SimpleNamespace(money=till.money, books=till.books, clock=till.clock)
    arguments = parser().parse_args(["--stack", "s", *words])
    return await COMMANDS[arguments.command](services, arguments)


async def payment_of(till: Till) -> str:
    (payment,) = await till.books.list_paid(ACCOUNT, limit=1)
    return payment.payment_id


async def test_a_refund_by_hand_is_booked_once_with_who_and_why_and_its_owner_is_not_shown_who(till: Till) -> None:
    await till.paid("20")
    words = ("refunds", "book", ACCOUNT, await payment_of(till), "5", "--once", "transfer-1", *WHY)
    first, again = await run(till, *words), await run(till, *words)
    assert first == again
    assert (first["kind"], first["amount_nano"], first["by"], first["why"]) == ("refund", -5 * USD, "ann", "ticket 7")
    assert await till.movements() == [("credit", 2000), ("refund", -500)]
    (entry, *_) = [one for one in (await till.look()).entries if one.kind.value == "refund"]
    assert entry.act == Act("ann", "ticket 7")
    shown = (await till.ask("GET", "transactions")).text
    assert "transfer-1" in shown
    assert "ann" not in shown.replace("channel", "")
    (paid,) = (await run(till, "refunds", "payments", ACCOUNT))["payments"]
    assert (paid["amount_usd"], paid["returned_usd"]) == ("20", "5")


@pytest.mark.parametrize("by_hand_first", [True, False])
async def test_a_refund_of_stripes_that_is_booked_by_hand_is_one_with_its_event(
    till: Till, by_hand_first: bool
) -> None:
    intent = await till.paid("20")
    refund = till.refund(intent, 700)
    words = ("refunds", "book", ACCOUNT, await payment_of(till), "7", "--once", refund["id"], *WHY)
    if by_hand_first:
        await run(till, *words)
    assert await till.deliver_all() == [True]
    await run(till, *words)
    assert await till.movements() == [("credit", 2000), ("refund", -700)]
    # What fails at Stripe is given again, by its event or not.
    till.stripe(f"_sim/refunds/{refund['id']}/fail")
    await till.deliver_all()
    assert sum(cents for kind, cents in await till.movements() if kind == "refund") == 0


async def test_no_more_is_returned_by_hand_than_was_paid_also_by_refunds_at_once(till: Till) -> None:
    await till.paid("20")
    payment = await payment_of(till)
    tried = await asyncio.gather(
        *(run(till, "refunds", "book", ACCOUNT, payment, "8", "--once", f"ref-{n}", *WHY) for n in range(4)),
        return_exceptions=True,
    )
    assert [isinstance(one, Conflict) for one in tried].count(True) == 2
    with pytest.raises(Conflict, match="More would be returned"):
        await run(till, "refunds", "book", ACCOUNT, payment, "4.01", "--once", "ref-9", *WHY)
    await run(till, "refunds", "book", ACCOUNT, payment, "4", "--once", "ref-9", *WHY)
    assert sum(cents for kind, cents in await till.movements() if kind == "refund") == -2000
    with pytest.raises(Conflict, match="has booked 4 USD before"):
        await run(till, "refunds", "book", ACCOUNT, payment, "5", "--once", "ref-9", *WHY)


@pytest.mark.parametrize(
    ("account", "payment", "usd", "refusal"),
    [
        (OTHER_ACCOUNT, None, "5", NotFound),
        (ACCOUNT, "pay_none", "5", NotFound),
        (ACCOUNT, None, "0", InvalidRequest),
        (ACCOUNT, None, "much", NotAnAmount),
    ],
)
async def test_a_refund_of_no_payment_or_of_no_amount_is_refused(
    till: Till, account: str, payment: str | None, usd: str, refusal: type[Exception]
) -> None:
    await till.paid("20")
    with pytest.raises(refusal):
        await run(till, "refunds", "book", account, payment or await payment_of(till), usd, "--once", "r", *WHY)
    assert await till.movements() == [("credit", 2000)]


async def test_a_payment_that_was_not_made_cannot_be_refunded(till: Till) -> None:
    page = await till.checkout("20")
    with pytest.raises(NotFound):
        await run(till, "refunds", "book", ACCOUNT, page["payment_id"], "5", "--once", "r", *WHY)


async def test_an_account_is_put_on_a_plan_that_gives_back_a_month_once_with_who_and_why(till: Till) -> None:
    every = (await run(till, "plans", "show"))["plans"]
    assert every[0]["plan"] == (await run(till, "plans", "show", ACCOUNT))["plan"]
    assert (await run(till, "plans", "set", ACCOUNT, "team", *WHY))["plan"] == "team"
    assert (await till.ask("GET", "plan")).json()["plan"] == "team"
    await till.money.credit(ACCOUNT, 50_000 * USD, once="more", now_s=NOW_S)
    await till.nexgate.spend("10500", NOW_S)
    with pytest.raises(InvalidRequest):
        await run(till, "plans", "give-back", ACCOUNT, "2026-11", *WHY)
    till.clock.at_s += 15 * DAY_S
    for _ in range(2):
        entry = (await run(till, "plans", "give-back", ACCOUNT, "2026-11", *WHY))["entry"]
        assert (entry["kind"], entry["amount_nano"], entry["by"], entry["why"]) == (
            "credit",
            180 * USD,
            "ann",
            "ticket 7",
        )
    assert (await run(till, "plans", "give-back", ACCOUNT, "2026-10", *WHY))["entry"] is None
    for words in (("set", "acct_none", "team"), ("set", ACCOUNT, "none"), ("give-back", "acct_none", "2026-10")):
        with pytest.raises(GatewayError):
            await run(till, "plans", *words, *WHY)
