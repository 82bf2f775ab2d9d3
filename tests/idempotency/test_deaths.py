"""A process may die between any two steps: whenever it does, one key pays for one answer, and is served in the end."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import Conflict
from gateway.idempotency import Answer
from gateway.stores.idempotency_memory import MemoryIdempotencyRecords
from gateway.stores.money_memory import MemoryMoney
from gateway.stores.objects_memory import MemoryObjects
from tests.idempotency.gateway_of_one_account import COST, CREDIT, LEASE_S, Gateway

pytestmark = pytest.mark.anyio

# Every write and read of an attempt that succeeds another one: it claims, disowns, claims, and is served and kept.
STEPS_MAX = 10


class Dead(BaseException):
    """The process is gone: nothing of it runs any more, its `except` and `finally` not either."""


@dataclass
class Mortal:
    """Counts a process's steps into its stores, and kills it after `steps` of them: before the step, or after it."""

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
    """A store as a mortal process reaches it."""

    def __init__(self, store: object, mortal: Mortal) -> None:
        self._store = store
        self._mortal = mortal

    def __getattr__(self, name: str) -> Any:
        act = getattr(self._store, name)

        async def step(*args: Any, **named: Any) -> Any:
            return await self._mortal.step(act, *args, **named)

        return step


@dataclass
class House:
    """The stores that outlive every process, and the clock on their wall."""

    lasting: Gateway = field(default_factory=Gateway)
    tries: int = 0

    def process(self, mortal: Mortal) -> Gateway:
        self.tries += 1000
        stores: dict[str, Any] = {
            name: Through(getattr(self.lasting, name), mortal) for name in ("records", "objects", "money")
        }
        return Gateway(clock=self.lasting.clock, served=self.lasting.served, tries=self.tries, **stores)

    async def ask(self, mortal: Mortal) -> Answer | None:
        """The answer, or nothing where the process died or an earlier one is still thought alive."""
        try:
            return await self.process(mortal).ask()
        except (Dead, Conflict):
            return None

    async def sweep(self) -> None:
        """What the sweeper does with holds whose deadline is over."""
        async for hold in self.lasting.money.overdue(self.lasting.clock.at_s):
            await self.lasting.money.release(hold, self.lasting.clock.at_s)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("steps", range(STEPS_MAX))
async def test_a_key_whose_process_died_is_served_once_its_lease_is_over_and_pays_once(steps: int, after: bool) -> None:
    house = House()
    await house.lasting.open()
    await house.ask(Mortal(steps, after))
    house.lasting.clock.at_s += LEASE_S
    answer = await house.ask(Mortal())
    assert answer is not None
    assert await house.lasting.paid() == COST


async def test_until_then_the_key_of_a_dead_process_is_in_flight() -> None:
    house = House()
    await house.lasting.open()
    await house.ask(Mortal(2))
    house.lasting.clock.at_s += LEASE_S - 1
    with pytest.raises(Conflict) as raised:
        await house.process(Mortal()).ask()
    assert raised.value.code == "idempotency_in_progress"


async def test_of_two_that_succeed_a_dead_one_at_once_one_is_served() -> None:
    house = House()
    await house.lasting.open()
    await house.ask(Mortal(3))
    house.lasting.clock.at_s += LEASE_S

    async def meanwhile() -> int:
        assert await house.ask(Mortal()) is None
        return 200

    answer = await house.process(Mortal()).ask(provider=meanwhile)
    assert (answer.status, await house.lasting.paid()) == (200, COST)


async def test_the_dead_one_whose_answer_was_kept_is_replayed() -> None:
    house = House()
    await house.lasting.open()
    # claim, admit, settle, put, finish
    await house.ask(Mortal(4, after=True))
    answer = await house.ask(Mortal())
    assert answer is not None
    assert (answer.replayed, len(house.lasting.served), await house.lasting.paid()) == (True, 1, COST)


async def test_a_charge_whose_answer_was_lost_is_paid_back_with_an_entry_of_its_own() -> None:
    house = House()
    await house.lasting.open()
    # claim, admit, settle
    await house.ask(Mortal(2, after=True))
    house.lasting.clock.at_s += LEASE_S
    await house.ask(Mortal())
    entries = (await house.lasting.look()).entries
    assert sorted(entry.amount_nanousd for entry in entries) == [-COST, -COST, COST, CREDIT]


deaths = st.lists(
    st.tuples(st.integers(0, STEPS_MAX), st.booleans(), st.sampled_from([0, LEASE_S, 2 * LEASE_S, 1200])), max_size=6
)


@settings(max_examples=150, deadline=None)
@given(deaths=deaths)
def test_whatever_dies_when_one_key_pays_for_one_answer(deaths: list[tuple[int, bool, int]]) -> None:
    async def live() -> None:
        house = House()
        await house.lasting.open()
        answers = []
        for steps, after, pause_s in deaths:
            answers.append(await house.ask(Mortal(steps, after)))
            house.lasting.clock.at_s += pause_s
            await house.sweep()
            await house.lasting.look()
        house.lasting.clock.at_s += LEASE_S
        answers.append(await house.ask(Mortal()))
        assert len({answer.body for answer in answers if answer is not None}) == 1
        assert await house.lasting.paid() == COST

    asyncio.run(live())


def test_the_stores_that_the_deaths_are_tried_on_are_the_real_ones() -> None:
    house = House()
    kinds = (type(house.lasting.records), type(house.lasting.objects), type(house.lasting.money))
    assert kinds == (MemoryIdempotencyRecords, MemoryObjects, MemoryMoney)
