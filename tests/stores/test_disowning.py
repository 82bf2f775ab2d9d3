"""Tests of undoing a dead request on each money store: its hold ends, its charge is refunded, each exactly once."""

import pytest

from gateway.canonical.money import Admission, Charge, Hold, HoldRequest, Tier
from gateway.idempotency.ring import disown_hold
from gateway.ledger.hold_ids import hold_id_at
from gateway.ports.money import Money
from gateway.stores.aws.deferred_settlements import message_of, settle_deferred
from gateway.stores.money.store import DynamoMoney
from gateway.transport import Client
from tests.fakes.money import MemoryMoney
from tests.stores.conftest import StoppedClock, api, new_table
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio

ACCOUNT = "acct_1"
CREDIT, HELD = 1_000, 300


@pytest.fixture(params=["memory", "dynamodb", "moto"])
async def money(request: pytest.FixtureRequest, client: Client, clock: StoppedClock) -> Money:
    made: Money = MemoryMoney()
    if request.param != "memory":
        endpoints: Endpoints = request.getfixturevalue("endpoints")
        endpoint = endpoints.of(request.param)
        accounts, ledger = new_table(endpoint, "account_id"), new_table(endpoint, "account_id", "sk")
        made = DynamoMoney(api(client, clock, "dynamodb", endpoint), accounts, ledger)
    await made.open_account(ACCOUNT, 1000)
    await made.credit(ACCOUNT, CREDIT, once="first", now_s=clock.at_s)
    return made


async def admitted(money: Money, clock: StoppedClock, *, cap_nanousd: int | None = None) -> Hold:
    wanted = HoldRequest(
        account_id=ACCOUNT,
        key_id="key_1",
        hold_id=hold_id_at(clock.at_s, 1),
        amount_nanousd=HELD,
        deadline_s=int(clock.at_s) + 960,
        key_rpm_limit=60,
        spend_cap_nanousd=cap_nanousd,
    )
    outcome = await money.admit(wanted, clock.at_s)
    assert isinstance(outcome, Admission)
    return outcome.hold


def charge(cost_nanousd: int) -> Charge:
    return Charge(cost_nanousd, "req", "gen-nxn-1", "gpt-4o", "gpt-4o", Tier.PASSTHROUGH, "2026-11-01")


async def left(money: Money) -> tuple[int, int]:
    """Returns the free and the held amount, after checking the sum of all."""
    look = await money.read_account(ACCOUNT)
    assert look is not None
    assert look.balanced
    return look.free_nanousd, look.held_nanousd


@pytest.mark.parametrize("cap_nanousd", [None, 10_000], ids=["uncapped", "capped"])
async def test_an_open_hold_is_released(money: Money, clock: StoppedClock, cap_nanousd: int | None) -> None:
    hold = await admitted(money, clock, cap_nanousd=cap_nanousd)
    await disown_hold(money, clock, ACCOUNT, hold.hold_id)
    assert await left(money) == (CREDIT, 0)


async def test_a_parked_hold_is_released(money: Money, clock: StoppedClock) -> None:
    hold = await money.park(await admitted(money, clock))
    await disown_hold(money, clock, ACCOUNT, hold.hold_id)
    assert await left(money) == (CREDIT, 0)


@pytest.mark.parametrize(
    "cost_nanousd", [120, 450, 2_000], ids=["within the hold", "beyond the hold", "with a shortfall"]
)
async def test_a_charge_comes_back(money: Money, clock: StoppedClock, cost_nanousd: int) -> None:
    hold = await admitted(money, clock)
    await money.settle(hold, charge(cost_nanousd), clock.at_s)
    await disown_hold(money, clock, ACCOUNT, hold.hold_id)
    assert await left(money) == (CREDIT, 0)


async def test_a_charge_comes_back_once(money: Money, clock: StoppedClock) -> None:
    hold = await admitted(money, clock)
    await money.settle(hold, charge(120), clock.at_s)
    for _ in range(2):
        await disown_hold(money, clock, ACCOUNT, hold.hold_id)
    assert await left(money) == (CREDIT, 0)


async def test_a_request_that_never_came_to_a_hold_leaves_nothing_to_undo(money: Money, clock: StoppedClock) -> None:
    await disown_hold(money, clock, ACCOUNT, hold_id_at(clock.at_s, 2))
    assert await left(money) == (CREDIT, 0)


async def test_a_request_that_comes_to_a_hold_after_it_was_disowned_is_never_charged(
    money: Money, clock: StoppedClock
) -> None:
    for _ in range(2):
        await disown_hold(money, clock, ACCOUNT, hold_id_at(clock.at_s, 1))
    hold = await admitted(money, clock)
    assert await left(money) == (CREDIT - HELD, HELD)
    assert not (await money.settle(hold, charge(120), clock.at_s)).applied
    assert await left(money) == (CREDIT, 0)


async def test_a_settlement_that_comes_later_charges_nothing(money: Money, clock: StoppedClock) -> None:
    hold = await admitted(money, clock)
    await disown_hold(money, clock, ACCOUNT, hold.hold_id)
    await settle_deferred(money, message_of(hold, charge(120)), clock.at_s)
    assert await left(money) == (CREDIT, 0)


async def test_the_sweeper_finds_nothing_more_to_do(money: Money, clock: StoppedClock) -> None:
    hold = await admitted(money, clock)
    await disown_hold(money, clock, ACCOUNT, hold.hold_id)
    await money.release(hold, clock.at_s + 1200)
    assert await left(money) == (CREDIT, 0)


@pytest.mark.parametrize("estimate", [None, 80])
async def test_a_disowned_request_that_the_sweeper_had_ended_is_not_charged_late(
    money: Money, clock: StoppedClock, estimate: int | None
) -> None:
    hold = await admitted(money, clock)
    if estimate is not None:
        hold = await money.checkpoint(hold, charge(estimate))
    await money.expire(hold, hold.deadline_s + 1)
    await disown_hold(money, clock, ACCOUNT, hold.hold_id)
    await settle_deferred(money, message_of(hold, charge(120)), clock.at_s)
    assert await left(money) == (CREDIT, 0)


async def test_a_late_charge_comes_back(money: Money, clock: StoppedClock) -> None:
    hold = await money.checkpoint(await admitted(money, clock), charge(80))
    await money.expire(hold, hold.deadline_s + 1)
    await money.settle(hold, charge(120), clock.at_s)
    for _ in range(2):
        await disown_hold(money, clock, ACCOUNT, hold.hold_id)
    assert await left(money) == (CREDIT, 0)
