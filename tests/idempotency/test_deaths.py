"""Tests that a process may die between any two steps: one key still pays for one answer, and is served in the end."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import Conflict
from gateway.idempotency.ring import Answer
from tests.fakes.idempotency import MemoryIdempotencyRecords
from tests.fakes.money import MemoryMoney
from tests.fakes.objects import MemoryObjects
from tests.idempotency.gateway_of_one_account import COST, CREDIT, LEASE_S, Gateway, is_repeat

pytestmark = pytest.mark.anyio

# Every write and read of an attempt that succeeds another one: it claims, disowns, claims, and is served and stored.
STEPS_MAX = 10


class Dead(BaseException):
    """The process has died: nothing of it runs any more, not even its `except` and `finally`."""


@dataclass
class Mortal:
    """A process that counts its steps into the stores, and dies before or after step `steps`."""

    steps: int | None = None
    after: bool = False
    dead: bool = field(default=False, init=False)

    async def step(self, act: Any, *args: Any, **named: Any) -> Any:
        last = self.steps == 0
        if self.dead or (last and not self.after):
            self.dead = True
            raise Dead
        outcome = await act(*args, **named)
        if last:
            self.dead = True
            raise Dead
        if self.steps is not None:
            self.steps -= 1
        return outcome


class Through:
    """A store as a mortal process calls it."""

    def __init__(self, store: object, mortal: Mortal) -> None:
        self._store = store
        self._mortal = mortal

    def __getattr__(self, name: str) -> Any:
        act = getattr(self._store, name)

        async def step(*args: Any, **named: Any) -> Any:
            return await self._mortal.step(act, *args, **named)

        return step


@dataclass
class AppUnderTest:
    """The stores that outlive every process, and their clock."""

    lasting: Gateway = field(default_factory=Gateway)
    tries: int = 0

    def process(self, mortal: Mortal) -> Gateway:
        self.tries += 1000
        stores: dict[str, Any] = {
            name: Through(getattr(self.lasting, name), mortal) for name in ("records", "objects", "money")
        }
        return Gateway(clock=self.lasting.clock, served=self.lasting.served, tries=self.tries, **stores)

    async def ask(self, mortal: Mortal) -> Answer | None:
        """Returns the answer, or None if the process died or an earlier one still counts as alive."""
        try:
            return await self.process(mortal).ask()
        except (Dead, Conflict):
            return None

    async def sweep(self) -> None:
        """Does what the sweeper does with holds whose deadline has passed."""
        async for hold in self.lasting.money.overdue(self.lasting.clock.at_s):
            await self.lasting.money.release(hold, self.lasting.clock.at_s)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("steps", range(STEPS_MAX))
async def test_a_key_whose_process_died_is_served_once_its_lease_is_over_and_pays_once(steps: int, after: bool) -> None:
    nexgate = AppUnderTest()
    await nexgate.lasting.open()
    await nexgate.ask(Mortal(steps, after))
    nexgate.lasting.clock.at_s += LEASE_S
    answer = await nexgate.ask(Mortal())
    assert answer is not None
    assert await nexgate.lasting.paid() == COST


async def test_until_then_the_key_of_a_dead_process_is_in_flight() -> None:
    nexgate = AppUnderTest()
    await nexgate.lasting.open()
    await nexgate.ask(Mortal(2))
    nexgate.lasting.clock.at_s += LEASE_S - 1
    with pytest.raises(Conflict) as raised:
        await nexgate.process(Mortal()).ask()
    assert raised.value.code == "idempotency_in_progress"


async def test_of_two_that_succeed_a_dead_one_at_once_one_is_served() -> None:
    nexgate = AppUnderTest()
    await nexgate.lasting.open()
    await nexgate.ask(Mortal(3))
    nexgate.lasting.clock.at_s += LEASE_S

    async def meanwhile() -> int:
        assert await nexgate.ask(Mortal()) is None
        return 200

    answer = await nexgate.process(Mortal()).ask(provider=meanwhile)
    assert (answer.status, await nexgate.lasting.paid()) == (200, COST)


async def test_the_dead_one_whose_answer_was_kept_is_replayed() -> None:
    nexgate = AppUnderTest()
    await nexgate.lasting.open()
    # claim, admit, settle, put, finish
    await nexgate.ask(Mortal(4, after=True))
    answer = await nexgate.ask(Mortal())
    assert answer is not None
    assert (is_repeat(answer), len(nexgate.lasting.served), await nexgate.lasting.paid()) == (True, 1, COST)


async def test_a_charge_whose_answer_was_lost_is_paid_back_with_an_entry_of_its_own() -> None:
    nexgate = AppUnderTest()
    await nexgate.lasting.open()
    # claim, admit, settle
    await nexgate.ask(Mortal(2, after=True))
    nexgate.lasting.clock.at_s += LEASE_S
    await nexgate.ask(Mortal())
    entries = (await nexgate.lasting.look()).entries
    assert sorted(entry.amount_nanousd for entry in entries) == [-COST, -COST, COST, CREDIT]


deaths = st.lists(
    st.tuples(st.integers(0, STEPS_MAX), st.booleans(), st.sampled_from([0, LEASE_S, 2 * LEASE_S, 1200])), max_size=6
)


@settings(max_examples=150, deadline=None)
@given(deaths=deaths)
def test_one_key_pays_for_one_answer_although_processes_die_at_any_step(deaths: list[tuple[int, bool, int]]) -> None:
    async def live() -> None:
        nexgate = AppUnderTest()
        await nexgate.lasting.open()
        answers = []
        for steps, after, pause_s in deaths:
            answers.append(await nexgate.ask(Mortal(steps, after)))
            nexgate.lasting.clock.at_s += pause_s
            await nexgate.sweep()
            await nexgate.lasting.look()
        nexgate.lasting.clock.at_s += LEASE_S
        answers.append(await nexgate.ask(Mortal()))
        assert len({answer.body for answer in answers if answer is not None}) == 1
        assert await nexgate.lasting.paid() == COST

    asyncio.run(live())


def test_the_stores_that_the_deaths_are_tried_on_are_the_real_ones() -> None:
    nexgate = AppUnderTest()
    kinds = (type(nexgate.lasting.records), type(nexgate.lasting.objects), type(nexgate.lasting.money))
    assert kinds == (MemoryIdempotencyRecords, MemoryObjects, MemoryMoney)
