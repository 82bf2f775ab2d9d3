"""Tests of ends that come after the sweeper on every store: a late charge is booked once, and the books are equal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from gateway.canonical.money import Entry, EntryKind, Hold, Settlement
from gateway.ports.money import Money
from gateway.stores.money.store import DynamoMoney
from gateway.stores.money.sweep import sweep
from tests.money.given import DEADLINE_S, NOW_S, admitted, charge, free_and_held, opened, refused, seen, wanted
from tests.money.test_spend_counts import BusyDynamoDb

pytestmark = pytest.mark.anyio

OVERDUE_S = NOW_S + DEADLINE_S + 1
LATE_S = OVERDUE_S + 60


async def swept(money: Money, account_id: str, amount: int = 300, checkpoint: int | None = None) -> Hold:
    """Returns the handle of a hold that the sweeper has ended, with a checkpoint of that cost."""
    hold = await admitted(money, wanted(account_id, amount))
    if checkpoint is not None:
        hold = await money.checkpoint(hold, charge(checkpoint))
    await sweep(money, OVERDUE_S)
    assert (await seen(money, account_id)).held_nanousd == 0
    return hold


async def ends(money: Money, account_id: str) -> list[tuple[EntryKind, int]]:
    """Returns kind and amount of each entry after the account's first credit, in their order."""
    return [(entry.kind, entry.amount_nanousd) for entry in (await seen(money, account_id)).entries[1:]]


@pytest.mark.parametrize("parked", [False, True])
async def test_a_settlement_after_the_sweeper_is_charged_from_the_balance(
    money: Money, account_id: str, *, parked: bool
) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    hold = await money.park(hold) if parked else hold
    await sweep(money, OVERDUE_S)
    assert (await money.settle(hold, charge(120), LATE_S)).applied
    assert await ends(money, account_id) == [(EntryKind.RELEASE, 0), (EntryKind.CHARGE, -120)]
    assert await free_and_held(money, account_id) == (880, 0)


async def test_a_late_charge_names_everything_it_was_for(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await swept(money, account_id)
    await money.settle(hold, charge(120), LATE_S)
    entry = (await seen(money, account_id)).entries[-1]
    # Whether it joined the sums of usage by itself depends on what else goes on.
    assert replace(entry, summed=False) == Entry(
        entry_id=f"{hold.hold_id}-late",
        account_id=account_id,
        kind=EntryKind.CHARGE,
        amount_nanousd=-120,
        created_at_s=int(LATE_S),
        hold_id=hold.hold_id,
        key_id=hold.key_id,
        charge=charge(120),
    )
    assert entry.late


async def test_a_late_charge_delivered_twice_is_booked_once(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await swept(money, account_id)
    first = await money.settle(hold, charge(120), LATE_S)
    assert await money.settle(hold, charge(120), LATE_S + 60) == first
    assert await free_and_held(money, account_id) == (880, 0)


async def test_another_late_charge_of_the_same_hold_changes_nothing_and_says_so(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await swept(money, account_id)
    first = await money.settle(hold, charge(120), LATE_S)
    assert await money.settle(hold, charge(500), LATE_S) == Settlement(applied=False, entries=first.entries)
    assert await money.release(hold, LATE_S) == Settlement(applied=False, entries=first.entries)
    assert await free_and_held(money, account_id) == (880, 0)


async def test_what_the_balance_lacks_for_a_late_charge_is_a_shortfall(money: Money, account_id: str) -> None:
    await opened(money, account_id, balance=300)
    hold = await swept(money, account_id)
    await money.settle(await admitted(money, wanted(account_id, 250), OVERDUE_S), charge(250), OVERDUE_S)
    first = await money.settle(hold, charge(120), LATE_S)
    assert [(entry.kind, entry.amount_nanousd) for entry in first.entries] == [
        (EntryKind.RELEASE, 0),
        (EntryKind.CHARGE, -120),
        (EntryKind.SHORTFALL, 70),
    ]
    assert await money.settle(hold, charge(120), LATE_S) == first
    assert await free_and_held(money, account_id) == (0, 0)


@pytest.mark.parametrize(("cost", "moved", "free"), [(120, -40, 880), (80, 0, 920), (50, 30, 950), (0, 80, 1_000)])
async def test_a_late_charge_corrects_what_the_sweeper_estimated(
    money: Money, account_id: str, cost: int, moved: int, free: int
) -> None:
    await opened(money, account_id)
    hold = await swept(money, account_id, checkpoint=80)
    await money.settle(hold, charge(cost), LATE_S)
    assert await ends(money, account_id) == [(EntryKind.CHARGE, -80), (EntryKind.CHARGE, moved)]
    assert await free_and_held(money, account_id) == (free, 0)


@pytest.mark.parametrize(("cost", "moved", "free"), [(500, -50, 600), (449, 0, 650), (420, 0, 650), (300, 50, 700)])
async def test_what_the_sweeper_wrote_off_stays_written_off(
    money: Money, account_id: str, cost: int, moved: int, free: int
) -> None:
    await opened(money, account_id, balance=350)
    hold = await swept(money, account_id, checkpoint=450)
    await money.credit(account_id, 650, once="top-up", now_s=OVERDUE_S - 86_400 * 60)
    settled = await money.settle(hold, charge(cost), LATE_S)
    assert {entry.entry_id.removeprefix(hold.hold_id): entry.amount_nanousd for entry in settled.entries} == {
        "": -450,
        "-shortfall": 100,
        "-late": moved,
    }
    assert await free_and_held(money, account_id) == (free, 0)


async def test_the_sweepers_end_repeated_after_the_late_one_is_the_same_end(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    await money.expire(hold, OVERDUE_S)
    settled = await money.settle(hold, charge(120), LATE_S)
    assert await money.expire(hold, LATE_S) == Settlement(applied=True, entries=settled.entries)
    assert await free_and_held(money, account_id) == (880, 0)


async def test_the_sweepers_end_repeated_is_no_end_for_good(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    first = await money.expire(hold, OVERDUE_S)
    assert await money.expire(hold, OVERDUE_S + 1) == first
    assert (await money.settle(hold, charge(120), LATE_S)).applied
    assert await free_and_held(money, account_id) == (880, 0)


async def test_the_sweepers_end_of_a_hold_that_was_read_before_its_checkpoint_charges_that(
    money: Money, account_id: str
) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    await money.checkpoint(hold, charge(80))
    expired = await money.expire(hold, OVERDUE_S)
    assert [entry.amount_nanousd for entry in expired.entries] == [-80]
    assert await free_and_held(money, account_id) == (920, 0)


async def test_after_a_late_release_no_charge_is_booked(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await swept(money, account_id, checkpoint=80)
    released = await money.release(hold, LATE_S)
    assert released.applied
    assert await money.release(hold, LATE_S + 1) == released
    assert await money.settle(hold, charge(120), LATE_S + 1) == Settlement(applied=False, entries=released.entries)
    assert await free_and_held(money, account_id) == (920, 0)


async def test_a_late_release_of_which_only_the_holds_id_is_known_is_a_fence_too(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await swept(money, account_id)
    await money.release(Hold(account_id, hold.hold_id, key_id="", amount_nanousd=0, deadline_s=0), LATE_S)
    assert not (await money.settle(hold, charge(120), LATE_S)).applied
    assert (await seen(money, account_id)).entries[-1].key_id == hold.key_id


async def test_a_late_charge_counts_against_the_keys_month(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, replace(wanted(account_id, 300), spend_cap_nanousd=400))
    await sweep(money, OVERDUE_S)
    await money.settle(hold, charge(320), LATE_S)
    await refused(money, replace(wanted(account_id, 81), spend_cap_nanousd=400))
    await admitted(money, replace(wanted(account_id, 80), spend_cap_nanousd=400))


@pytest.mark.parametrize(("cap", "told"), [(400, True), (None, False)])
async def test_a_late_charge_says_whether_it_is_counted_in_its_keys_month(
    money: Money, account_id: str, cap: int | None, *, told: bool
) -> None:
    await opened(money, account_id)
    hold = await admitted(money, replace(wanted(account_id, 300), spend_cap_nanousd=cap))
    await sweep(money, OVERDUE_S)
    assert (await money.settle(hold, charge(320), LATE_S)).alert is told


@pytest.mark.parametrize(("late", "other_cost", "short"), [(120, 950, 70), (1, 1_000, 1)])
async def test_a_balance_that_is_spent_at_any_moment_of_a_late_charge_is_not_spent_twice(
    late: int, other_cost: int, short: int
) -> None:
    for moment in range(6):
        api = BusyDynamoDb()
        money, other = (DynamoMoney(api, "accounts", "ledger") for _ in range(2))
        await opened(money, "acct")
        hold = await swept(money, "acct")
        running = await admitted(other, wanted("acct", 10), OVERDUE_S)
        calls = iter(range(1_000))

        async def traffic(
            calls: Iterator[int] = calls, other: DynamoMoney = other, running: Hold = running, moment: int = moment
        ) -> None:
            if next(calls) == moment:
                await other.settle(running, charge(other_cost), OVERDUE_S)

        api.traffic = traffic
        await money.settle(hold, charge(late), LATE_S)
        for _ in range(moment):
            await traffic()
        api.traffic = None
        look = await seen(money, "acct")
        assert (look.free_nanousd, sum(entry.amount_nanousd for entry in look.entries)) == (0, 0)
        assert [entry.amount_nanousd for entry in look.entries if entry.kind is EntryKind.SHORTFALL] == [short]


@pytest.mark.parametrize("parked", [False, True])
async def test_a_hold_that_is_raised_at_any_moment_of_its_end_is_ended_whole(*, parked: bool) -> None:
    for moment in range(6):
        api = BusyDynamoDb()
        money, other = (DynamoMoney(api, "accounts", "ledger") for _ in range(2))
        await opened(money, "acct", balance=350)
        hold = await admitted(money, wanted("acct", 100))
        hold = await money.park(hold) if parked else hold
        calls = iter(range(1_000))

        async def traffic(
            calls: Iterator[int] = calls, other: DynamoMoney = other, hold: Hold = hold, moment: int = moment
        ) -> None:
            if next(calls) == moment:
                await other.extend(hold, 150)

        api.traffic = traffic
        assert (await money.settle(hold, charge(450), NOW_S)).applied
        api.traffic = None
        look = await seen(money, "acct")
        assert [entry.amount_nanousd for entry in look.entries[1:]] == [-450, 100]
        assert (look.free_nanousd, look.holds) == (0, ())


async def test_a_late_charge_of_another_month_leaves_this_month_as_it_is(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, replace(wanted(account_id, 300), spend_cap_nanousd=400))
    next_month_s = NOW_S + 86_400 * 20
    await sweep(money, next_month_s)
    await admitted(money, replace(wanted(account_id, 10, next_month_s), spend_cap_nanousd=400), next_month_s)
    await money.settle(hold, charge(320), next_month_s)
    await admitted(money, replace(wanted(account_id, 390, next_month_s), spend_cap_nanousd=400), next_month_s)


async def test_a_hold_that_was_settled_before_the_sweep_has_no_late_end(money: Money, account_id: str) -> None:
    await opened(money, account_id)
    hold = await admitted(money, wanted(account_id, 300))
    settled = await money.settle(hold, charge(120), NOW_S + 1)
    assert not (await money.expire(hold, OVERDUE_S)).applied
    assert not (await money.settle(hold, charge(200), LATE_S)).applied
    assert (await seen(money, account_id)).entries[1:] == settled.entries
