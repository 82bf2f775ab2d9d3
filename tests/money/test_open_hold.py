"""Tests of a request's hold while its store is slow, refuses, or is gone: the end never waits long, and never fails."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.limits import TokenDemand
from gateway.canonical.money import (
    Charge,
    EntryKind,
    Failure,
    Hold,
    NanoUsd,
    Settlement,
    Tier,
    ToolCost,
)
from gateway.canonical.usage import Usage, Uses
from gateway.errors import ServiceUnavailable
from gateway.ledger.hold_ids import hold_id_at
from gateway.logs.metrics import METRIC
from gateway.pipeline.charge import Billing, OpenHold
from gateway.pipeline.holding import Billable
from gateway.pipeline.operation import Cost, OpenOutput
from gateway.ports.keys import KeyRecord
from gateway.routing.plan import Candidate
from tests.fakes.money import MemoryMoney
from tests.money.given import NOW_S, opened, seen
from tests.virtual_time import LoopClock, run

ACCOUNT = "acct_1"
HANG_S = 20.0


@dataclass
class UnitMeter:
    """A meter that prices each unit of output, three bytes, at one nano-dollar."""

    open_output: OpenOutput | None = field(default_factory=lambda: OpenOutput(100, 800, 3))
    bound: int = 800

    def worst_case(self, open_units: int) -> NanoUsd:
        return open_units

    def cost(self, _served_by: Candidate[Any], usage: Usage) -> Cost:
        return Cost(usage.output, Tier.FAST, "v1", tuple(ToolCost(name, uses, 0) for name, uses in usage.uses))

    def bounded(self, _served_by: Candidate[Any], usage: Usage) -> Usage:
        return replace(usage, output=min(usage.output, self.bound))

    @property
    def tokens(self) -> TokenDemand:
        return TokenDemand(5, 6, 7)

    def units_within(self, tokens: int) -> int:
        return tokens

    def limited(self, units: int) -> UnitMeter:
        return dataclasses.replace(self, open_output=OpenOutput(100, units, 3))

    def estimate(self, delivered_bytes: int, _reported: Usage | None, seen: Uses = ()) -> Usage:
        return Usage(output=delivered_bytes // 3, uses=seen)

    def bytes_worth(self, _served_by: Candidate[Any], nanousd: NanoUsd) -> int:
        return nanousd * 3


# The part of a candidate that a charge names.
SERVED: Any = SimpleNamespace(
    model=SimpleNamespace(id="gpt-4o-mini"), target=SimpleNamespace(provider="openai"), own=None
)


class SlowMoney(MemoryMoney):
    """Memory whose named steps hang or fail."""

    def __init__(self) -> None:
        super().__init__()
        self.hangs: set[str] = set()
        self.fails: dict[str, Exception] = {}
        self.asked: list[str] = []
        self.hang_s = HANG_S

    async def _trouble(self, step: str) -> None:
        self.asked.append(step)
        if step in self.hangs:
            await asyncio.sleep(self.hang_s)
        if step in self.fails:
            raise self.fails[step]

    async def extend(
        self,
        hold: Hold,
        to_nanousd: NanoUsd,
        *,
        spend_cap_nanousd: NanoUsd | None = None,
        seat_cap_nanousd: NanoUsd | None = None,
    ) -> Hold | None:
        await self._trouble("extend")
        caps = {"spend_cap_nanousd": spend_cap_nanousd, "seat_cap_nanousd": seat_cap_nanousd}
        return await super().extend(hold, to_nanousd, **caps)

    async def checkpoint(self, hold: Hold, charge: Charge) -> Hold:
        await self._trouble("checkpoint")
        return await super().checkpoint(hold, charge)

    async def park(self, hold: Hold) -> Hold:
        await self._trouble("park")
        return await super().park(hold)

    async def settle(self, hold: Hold, charge: Charge, now_s: float) -> Settlement:
        await self._trouble("settle")
        return await super().settle(hold, charge, now_s)

    async def release(self, hold: Hold, now_s: float, failure: Failure | None = None) -> Settlement:
        await self._trouble("release")
        return await super().release(hold, now_s, failure)


@dataclass
class Queue:
    """`DeferredSettlements` that a test reads."""

    waiting: list[tuple[Hold, Charge | None]] = field(default_factory=list)

    async def put(self, hold: Hold, charge: Charge | None) -> None:
        self.waiting.append((hold, charge))


class Request:
    """One admitted request on a troubled store."""

    def __init__(self) -> None:
        self.money, self.queue = SlowMoney(), Queue()

    async def admit(
        self, balance: int | None = 1_000, cap: int | None = None, meter: UnitMeter | None = None
    ) -> OpenHold:
        if balance is not None:
            await opened(self.money, ACCOUNT, balance=balance)
        key = KeyRecord(
            key_id="key_1",
            account_id=ACCOUNT,
            name="k",
            last4="1234",
            created_at_s=0,
            monthly_spend_cap_nanousd=cap,
            user_id="user_1",
            org_id="org_1",
        )
        billing = Billing(self.money, self.queue, LoopClock())
        hold_id = hold_id_at(NOW_S, 1)
        billable = Billable(hold_id, "gen", "req", Principal(ACCOUNT, key), "gpt-4o", int(NOW_S) + 10**9, 0)
        outcome = await billing.admit(billable, meter or UnitMeter())
        assert isinstance(outcome, OpenHold)
        return outcome

    async def checkpoint(self) -> int | None:
        (hold,) = (await seen(self.money, ACCOUNT)).holds
        return None if hold.checkpoint is None else hold.checkpoint.cost_nanousd

    async def kept_uses(self) -> Uses:
        (hold,) = (await seen(self.money, ACCOUNT)).holds
        assert hold.checkpoint is not None
        return hold.checkpoint.usage.uses

    async def ends(self) -> list[tuple[EntryKind, int]]:
        look = await seen(self.money, ACCOUNT)
        return [(entry.kind, entry.amount_nanousd) for entry in look.entries[1:]]


def settled(hold: OpenHold) -> Coroutine[Any, Any, Any]:
    return hold.settle(SERVED, Usage(output=70), estimated=False)


async def lasts_s(step: Coroutine[Any, Any, Any]) -> float:
    began_s = asyncio.get_running_loop().time()
    await step
    return asyncio.get_running_loop().time() - began_s


@pytest.mark.parametrize("step", ["checkpoint", "park", "extend"])
def test_a_step_that_hangs_does_not_hold_the_end_back(step: str) -> None:
    async def story() -> None:
        request = Request()
        hold = await request.admit()
        request.money.hangs = {step}
        if step == "park":
            hold._parker = asyncio.create_task(hold._park())
        if step == "checkpoint":
            hold.progress(SERVED, 30)
            hold._begin_checkpoint()
        if step == "extend":
            assert await hold.carries(250)
        await asyncio.sleep(0.1)
        assert await lasts_s(settled(hold)) == 0
        assert await request.ends() == [(EntryKind.CHARGE, -70)]
        assert request.queue.waiting == []

    run(story())


def test_a_stream_goes_on_while_the_store_hangs_at_an_extension_and_ends_when_the_hold_is_used_up() -> None:
    async def story() -> None:
        request = Request()
        hold = await request.admit()
        request.money.hangs = {"extend"}
        assert await lasts_s(hold.carries(250)) == 0
        assert await hold.carries(299)
        began_s = asyncio.get_running_loop().time()
        assert not await hold.carries(300)
        assert asyncio.get_running_loop().time() - began_s == 2.0

    run(story())


def test_a_hold_is_raised_to_twice_its_output_when_three_quarters_of_it_have_come() -> None:
    async def story() -> None:
        request = Request()
        hold = await request.admit()
        assert hold.covers(224)
        assert await hold.carries(224)
        await asyncio.sleep(0.1)
        assert hold.hold.amount_nanousd == 100
        assert not hold.covers(225)
        assert await hold.carries(225)
        await asyncio.sleep(0.1)
        assert hold.hold.amount_nanousd == 200
        assert hold.covers(449)
        assert not hold.covers(450)

    run(story())


def test_a_death_with_the_accounts_own_key_is_charged_as_one() -> None:
    async def story() -> None:
        request = Request()
        hold = await request.admit()
        own: Any = SimpleNamespace(model=SERVED.model, target=SERVED.target, own=SimpleNamespace())
        hold.progress(own, 30)
        await asyncio.sleep(10.1)
        (open_hold,) = (await seen(request.money, ACCOUNT)).holds
        assert open_hold.checkpoint is not None
        assert (open_hold.checkpoint.tier, open_hold.checkpoint.route) == (Tier.BYOK, "openai|gpt-4o-mini|served|own")
        await settled(hold)

    run(story())


def test_a_checkpoint_is_made_every_ten_seconds_in_which_more_came() -> None:
    async def story() -> None:
        request = Request()
        hold = await request.admit()
        hold.progress(SERVED, 30)
        await asyncio.sleep(9.9)
        assert await request.checkpoint() is None
        await asyncio.sleep(0.2)
        assert await request.checkpoint() == 10
        hold.progress(SERVED, 60)
        await asyncio.sleep(9.7)
        assert await request.checkpoint() == 10
        await asyncio.sleep(0.4)
        assert await request.checkpoint() == 20
        await asyncio.sleep(30)
        assert request.money.asked.count("checkpoint") == 2
        await settled(hold)

    run(story())


@pytest.mark.parametrize(("delivered", "cost"), [(30, 10), (1, 0)])
def test_a_checkpoint_that_failed_is_made_again_although_nothing_more_came(delivered: int, cost: int) -> None:
    async def story() -> None:
        request = Request()
        hold = await request.admit()
        request.money.fails = {"checkpoint": ServiceUnavailable("busy")}
        hold.progress(SERVED, delivered)
        await asyncio.sleep(10.1)
        assert request.money.asked == ["checkpoint"]
        request.money.fails = {}
        await asyncio.sleep(10)
        assert await request.checkpoint() == cost
        await settled(hold)

    run(story())


def test_a_use_of_a_tool_is_kept_at_once_or_after_the_checkpoint_that_is_under_way() -> None:
    async def story() -> None:
        request = Request()
        hold = await request.admit()
        request.money.hangs, request.money.hang_s = {"checkpoint"}, 1.0
        hold.progress(SERVED, 30, (("web_search", 1),))
        await asyncio.sleep(0.5)
        hold.progress(SERVED, 30, (("web_search", 2),))
        await asyncio.sleep(1)
        assert await request.kept_uses() == (("web_search", 1),)
        await asyncio.sleep(10)
        assert await request.kept_uses() == (("web_search", 2),)
        await settled(hold)

    run(story())


def test_a_checkpoint_is_made_every_cent() -> None:
    async def story() -> None:
        request = Request()
        hold = await request.admit(balance=10**9)
        hold.meter = UnitMeter(bound=10**9)
        for delivered, kept in ((3, None), (30_000_002, None), (30_000_003, 10_000_001), (60_000_002, 10_000_001)):
            hold.progress(SERVED, delivered)
            await asyncio.sleep(0.1)
            assert await request.checkpoint() == kept
        hold.progress(SERVED, 60_000_003)
        await asyncio.sleep(0.1)
        assert await request.checkpoint() == 20_000_001
        await settled(hold)

    run(story())


def test_an_answer_that_comes_in_one_piece_is_carried_by_as_many_extensions_as_it_needs() -> None:
    async def story() -> None:
        request = Request()
        hold = await request.admit()
        assert await hold.carries(1_000)
        assert hold.hold.amount_nanousd == 400
        assert await hold.carries(10_000)
        assert hold.hold.amount_nanousd == 800

    run(story())


def test_no_hold_is_raised_beyond_the_longest_answer() -> None:
    async def story() -> None:
        request = Request()
        hold = await request.admit()
        hold.meter = UnitMeter(OpenOutput(100, 700, 3))
        assert await hold.carries(10_000)
        assert hold.hold.amount_nanousd == 700

    run(story())


@pytest.mark.parametrize(("estimated", "alarms"), [(False, 1), (True, 0)])
def test_usage_beyond_the_bounds_is_cut_and_alarmed_where_a_provider_reports_it(
    caplog: pytest.LogCaptureFixture, alarms: int, *, estimated: bool
) -> None:
    caplog.set_level("INFO")

    async def story() -> None:
        request = Request()
        hold = await request.admit()
        assert (await hold.settle(SERVED, Usage(output=900), estimated=estimated)).cost_nanousd == 800
        assert await request.ends() == [(EntryKind.CHARGE, -800)]

    run(story())
    assert [record.__dict__.get(METRIC) for record in caplog.records].count({"UsageBeyondBounds": 1}) == alarms


def test_after_its_end_a_hold_asks_the_store_for_nothing() -> None:
    async def story() -> None:
        request = Request()
        hold = await request.admit()
        hold.progress(SERVED, 30)
        await settled(hold)
        assert hold._timer is not None
        assert hold._timer.cancelled()
        assert not await hold.carries(300)
        hold.progress(SERVED, 30_000_000)
        hold.progress(SERVED, 60_000_000)
        await asyncio.sleep(11)
        await hold._park()
        assert request.money.asked == ["settle"]
        assert await request.ends() == [(EntryKind.CHARGE, -70)]

    run(story())


def test_an_answer_stops_where_the_balance_does_not_carry_it() -> None:
    async def story() -> None:
        request = Request()
        hold = await request.admit(balance=250)
        assert await hold.carries(599)
        assert hold.hold.amount_nanousd == 200
        assert not await hold.carries(600)

    run(story())


def test_an_answer_stops_where_the_keys_cap_does_not_carry_it() -> None:
    async def story() -> None:
        request = Request()
        hold = await request.admit(cap=399)
        assert await hold.carries(599)
        assert hold.hold.amount_nanousd == 200
        assert not await hold.carries(600)

    run(story())


@pytest.mark.parametrize(
    "error",
    [ServiceUnavailable("busy"), RuntimeError("ExpiredTokenException"), ValueError("a bug")],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("charged", [True, False])
def test_an_end_that_fails_goes_to_the_queue_and_raises_nothing(error: Exception, *, charged: bool) -> None:
    async def story() -> None:
        request = Request()
        hold = await request.admit()
        request.money.fails = {"settle": error, "release": error}
        await (settled(hold) if charged else hold.release())
        assert [charge and charge.cost_nanousd for _, charge in request.queue.waiting] == [70 if charged else None]

    run(story())


@pytest.mark.parametrize(
    ("ends", "entry"), [(settled, (EntryKind.CHARGE, -70)), (OpenHold.release, (EntryKind.RELEASE, 0))]
)
def test_an_end_that_the_store_takes_does_not_go_to_the_queue(
    ends: Callable[[OpenHold], Coroutine[Any, Any, Any]], entry: tuple[EntryKind, int]
) -> None:
    async def story() -> None:
        request = Request()
        await ends(await request.admit())
        assert (await request.ends(), request.queue.waiting) == ([entry], [])

    run(story())


@pytest.mark.parametrize("estimated", [False, True])
def test_a_charge_names_what_was_asked_and_what_served_it(*, estimated: bool) -> None:
    used = Usage(output=70, uses=(("web_search", 2),))

    async def story() -> None:
        request = Request()
        bill = await (await request.admit()).settle(SERVED, used, estimated=estimated)
        assert (bill.cost_usd, bill.tool_lines) == (
            "0.00000007",
            [{"tool": "web_search", "uses": 2, "cost_usd": "0"}],
        )
        assert (await seen(request.money, ACCOUNT)).entries[-1].charge == Charge(
            cost_nanousd=70,
            request_id="req",
            generation_id="gen",
            model_requested="gpt-4o",
            model_used="gpt-4o-mini",
            tier=Tier.FAST,
            price_version="v1",
            usage=used,
            user_id="user_1",
            org_id="org_1",
            estimated=estimated,
            tools=(ToolCost("web_search", 2, 0),),
            route="openai",
        )

    run(story())


def test_an_end_on_a_store_that_hangs_goes_to_the_queue_after_two_seconds() -> None:
    async def story() -> None:
        request = Request()
        hold = await request.admit()
        request.money.hangs = {"settle"}
        assert await lasts_s(settled(hold)) == 2.0
        assert len(request.queue.waiting) == 1

    run(story())


@pytest.mark.parametrize("ends", [settled, OpenHold.release], ids=["settle", "release"])
def test_a_cancellation_inside_the_end_leaves_no_hold(ends: Callable[[OpenHold], Coroutine[Any, Any, Any]]) -> None:
    async def story() -> None:
        request = Request()
        hold = await request.admit()
        request.money.hangs = {"settle", "release"}
        ending = asyncio.create_task(ends(hold))
        await asyncio.sleep(0.5)
        ending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ending
        await hold.release()
        assert len(request.queue.waiting) == 1

    run(story())
