"""Tests of refunds and disputes: the one case in which a balance is below zero, and what follows from it."""

from __future__ import annotations

import pytest

from gateway.canonical.money import Admission, CountedCall, EntryKind, HoldRequest, Refusal, RefusedBy
from gateway.ledger.hold_ids import hold_id_at
from gateway.ports.payments import Booking
from tests.billing.harness import Till
from tests.control_plane.harness import ACCOUNT, MANAGER_ID, MANAGER_KEY, NOW_S

pytestmark = pytest.mark.anyio


def wanted(usd: int, number: int) -> HoldRequest:
    return HoldRequest(ACCOUNT, MANAGER_ID, hold_id_at(NOW_S, 10**6 + number), usd * 10**9, int(NOW_S) + 960, 1_000)


async def test_a_refund_takes_what_it_pays_back(till: Till) -> None:
    intent = await till.paid("20")
    till.refund(intent, 500)
    assert await till.deliver_all() == [True]
    assert await till.movements() == [("credit", 2000), ("refund", -500)]
    (shown,) = (await till.ask("GET", "receipts")).json()["data"]
    assert (shown["amount_usd"], shown["returned_usd"]) == ("20", "5")


async def test_a_refund_that_came_before_its_payment_has_it_credited_first(till: Till) -> None:
    intent = till.pay(await till.checkout("20"))
    till.refund(intent, 2000)
    (*others, refund) = till.new_events()
    assert (await till.deliver(refund)).json()["booked"] is True
    for event in others:
        await till.deliver(event)
    assert await till.movements() == [("credit", 2000), ("refund", -2000)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 1, 0, 1), (1, 1, 0, 0)])
async def test_a_refund_that_failed_leaves_the_payment_whole_in_any_order(till: Till, order: tuple[int, ...]) -> None:
    intent = await till.paid("20")
    refund = till.refund(intent, 700)
    till.stripe(f"_sim/refunds/{refund['id']}/fail")
    events = till.new_events()
    for index in order:
        assert (await till.deliver(events[index])).status_code == 200
    assert sum(cents for kind, cents in await till.movements() if kind == "refund") == 0


async def test_a_lost_dispute_takes_the_payment_and_a_won_one_gives_it_again(till: Till) -> None:
    intent = await till.paid("20")
    dispute = till.stripe("_sim/disputes", payment_intent=intent)
    await till.deliver_all()
    assert await till.movements() == [("credit", 2000), ("dispute", -2000)]
    till.stripe(f"_sim/disputes/{dispute['id']}/win")
    await till.deliver_all()
    assert await till.movements() == [("credit", 2000), ("dispute", -2000), ("dispute", 2000)]


async def test_a_balance_below_zero_suspends_the_account_and_a_top_up_lifts_that(till: Till) -> None:
    intent = await till.paid("20")
    await till.nexgate.spend("25")
    till.refund(intent, 2000)
    await till.deliver_all()
    balance = (await till.ask("GET", "balance")).json()
    assert (balance["balance_usd"], balance["suspended"]) == ("-15", True)
    for usd in (0, 1):
        refused = await till.money.admit(wanted(usd, usd), NOW_S)
        assert isinstance(refused, Refusal)
        assert refused.by is RefusedBy.SUSPENDED
        assert refused.error().code == "account_suspended"
    for unpaid in (False, True):
        counted = await till.money.count(CountedCall(ACCOUNT, MANAGER_ID, 60, unpaid=unpaid), NOW_S)
        assert isinstance(counted, Refusal), unpaid
    # What shows money and takes it goes on.
    await till.paid("14", "too little")
    assert (await till.ask("GET", "balance")).json()["suspended"] is True
    await till.paid("3", "enough")
    till.clock.at_s += 6
    assert (await till.ask("GET", "balance")).json()["suspended"] is False
    assert isinstance(await till.money.admit(wanted(1, 9), till.clock.at_s), Admission)


async def test_a_request_that_runs_while_its_payment_is_taken_pays_from_its_hold(till: Till) -> None:
    intent = await till.paid("20")
    admitted = await till.money.admit(wanted(12, 1), NOW_S)
    assert isinstance(admitted, Admission)
    till.refund(intent, 2000)
    await till.deliver_all()
    assert (await till.look()).free_nanousd == -2 * 10**9
    await till.money.release(admitted.hold, NOW_S + 1)
    found = await till.look()
    assert (found.free_nanousd, found.held_nanousd) == (10 * 10**9, 0)


async def test_a_cost_beyond_the_hold_of_an_account_below_zero_is_written_off(till: Till) -> None:
    intent = await till.paid("20")
    await till.nexgate.spend("5")
    charge = next(one.charge for one in (await till.look()).entries if one.charge is not None)
    admitted = await till.money.admit(wanted(4, 1), NOW_S)
    assert isinstance(admitted, Admission)
    await till.nexgate.spend("18")
    till.refund(intent, 2000)
    await till.deliver_all()
    assert (await till.look()).free_nanousd == -17 * 10**9
    await till.money.settle(admitted.hold, charge, NOW_S + 1)
    found = await till.look()
    shortfall = sum(one.amount_nanousd for one in found.entries if one.kind is EntryKind.SHORTFALL)
    assert (found.free_nanousd, found.held_nanousd, shortfall) == (-17 * 10**9, 0, 10**9)


async def test_only_what_takes_a_payment_back_may_bring_a_balance_below_zero(till: Till) -> None:
    await till.paid("20")
    payment = (await till.books.list_paid(ACCOUNT, limit=1))[0]
    for kind in (EntryKind.CREDIT, EntryKind.CHARGE):
        with pytest.raises(ValueError, match="a movement is"):
            await till.books.book(Booking(ACCOUNT, payment.payment_id, kind, -50 * 10**9, f"x-{kind}"), NOW_S)


async def test_an_operators_suspension_stays_after_a_top_up(till: Till) -> None:
    await till.money.set_account(ACCOUNT, disabled=True)
    page = await till.ask("POST", "checkout", {"amount_usd": 20, "idempotency_key": "k"}, key=MANAGER_KEY)
    till.pay(page.json())
    await till.deliver_all()
    assert (await till.ask("GET", "balance")).json()["suspended"] is True
