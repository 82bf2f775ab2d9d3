"""Tests that any write of a hold's life may arrive a second time at any later moment: the books stay equal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.canonical.limits import KeyLimits, TokenDemand
from gateway.canonical.money import Hold
from gateway.ledger.hold_ids import hold_id_at
from gateway.stores.aws.client import ConditionFailed, Item, TransactionCanceled
from gateway.stores.money.store import DynamoMoney
from gateway.stores.money.sweep import sweep
from tests.money.given import DEADLINE_S, NOW_S, admitted, charge, opened, seen, wanted
from tests.money.simulation.dynamodb import SimulatedDynamoDb

pytestmark = pytest.mark.anyio

ACCOUNT, KEY = "acct_0123456789", "key_aaaaaaaaaa"
OVERDUE_S = NOW_S + DEADLINE_S + 1
Write = tuple[str, Mapping[str, Any]]


class TappedDynamoDb(SimulatedDynamoDb):
    """The simulation, which remembers the writes that it was sent."""

    def __init__(self) -> None:
        super().__init__(page=2)
        self.writes: list[Write] = []

    async def call(self, service: str, operation: str, payload: Mapping[str, Any]) -> Item:
        if operation not in {"GetItem", "Query"}:
            self.writes.append((operation, payload))
        return await super().call(service, operation, payload)


class Life:
    """One hold's life, step by step; `steps` name what happens to it."""

    def __init__(self, cap_nanousd: int | None) -> None:
        self.api = TappedDynamoDb()
        self.money = DynamoMoney(self.api, "accounts", "ledger")
        self.cap_nanousd = cap_nanousd
        self.hold: Hold | None = None

    async def begin(self) -> None:
        await opened(self.money, ACCOUNT)
        # The first request of the minute; a repeat of the second one's admission would be as good as the first.
        await self.money.release(await admitted(self.money, self.asked(10, 1)), NOW_S)

    def asked(self, amount: int, number: int) -> Any:
        asked = replace(wanted(ACCOUNT, amount), hold_id=hold_id_at(NOW_S, number), spend_cap_nanousd=self.cap_nanousd)
        if self.cap_nanousd is None:
            return asked
        return replace(asked, limits=KeyLimits(tpm_limit=1_000, max_parallel=9), tokens=TokenDemand(40, 50))

    def held(self) -> Hold:
        assert self.hold is not None
        return self.hold

    async def admit(self) -> None:
        self.hold = await admitted(self.money, self.asked(100, 2))

    async def extend(self) -> None:
        extended = await self.money.extend(self.held(), self.held().amount_nanousd + 50, spend_cap_nanousd=None)
        self.hold = extended or self.hold

    async def park(self) -> None:
        self.hold = await self.money.park(self.held())

    async def checkpoint(self) -> None:
        self.hold = await self.money.checkpoint(self.held(), charge(self.held().amount_nanousd - 70))

    async def count(self) -> None:
        await self.money.track_spend(ACCOUNT, KEY, NOW_S)

    async def settle(self) -> None:
        await self.money.settle(self.held(), charge(130), OVERDUE_S)

    async def release(self) -> None:
        await self.money.release(self.held(), OVERDUE_S)

    async def sweep(self) -> None:
        await sweep(self.money, OVERDUE_S)

    async def sweep_all(self) -> tuple[object, ...]:
        """Ends what is left, and returns what the account then has, and what its keys have spent and reserved."""
        for _ in range(2):
            await sweep(self.money, OVERDUE_S)
        look = await seen(self.money, ACCOUNT)
        assert not [key for key in self.api.tables["ledger"].items if key[1].startswith("hold#")]
        return look.free_nanousd, look.held_nanousd, look.key_spent, look.key_tokens, look.leases


LIVES = [
    "admit settle",
    "admit park settle",
    "admit extend park extend settle",
    "admit park extend checkpoint checkpoint settle",
    "admit checkpoint extend checkpoint sweep",
    "admit park sweep settle",
    "admit checkpoint sweep settle",
    "admit checkpoint sweep release",
    "admit count park settle",
    "admit park count extend settle",
    "count admit extend park release count",
]


async def lived(life: str, cap: int | None, again: int | None = None, at: int = 0) -> tuple[Life, list[int]]:
    """Lives a life; after step `at` the write number `again` arrives once more. Returns the writes before each step."""
    one = Life(cap)
    await one.begin()
    begun = len(one.api.writes)
    before = []
    steps: list[Callable[[], Awaitable[None]]] = [getattr(one, name) for name in life.split()]
    for place, step in enumerate(steps):
        before.append(len(one.api.writes) - begun)
        await step()
        await seen(one.money, ACCOUNT)
        if again is not None and at == place:
            with suppress(ConditionFailed, TransactionCanceled):
                one.api.done(*one.api.writes[begun + again])
            await seen(one.money, ACCOUNT)
    return one, [*before, len(one.api.writes) - begun]


@pytest.mark.parametrize("cap", [None, 5_000])
@pytest.mark.parametrize("life", LIVES)
async def test_a_write_that_arrives_twice_counts_once(life: str, cap: int | None) -> None:
    one, before = await lived(life, cap)
    expected = await one.sweep_all()
    for at in range(len(life.split())):
        for again in range(before[at + 1]):
            other, _ = await lived(life, cap, again, at)
            assert await other.sweep_all() == expected, (again, at)


@pytest.mark.parametrize("cap", [None, 5_000])
@pytest.mark.parametrize("life", ["park", "checkpoint settle", "extend park settle", "park extend release"])
async def test_a_hold_that_had_ended_before_it_was_admitted_gives_its_amount_back(life: str, cap: int | None) -> None:
    one = Life(cap)
    await one.begin()
    before = await seen(one.money, ACCOUNT)
    await one.money.release(Hold(ACCOUNT, hold_id_at(NOW_S, 2), "", 0, 0), NOW_S)
    await one.admit()
    for step in life.split():
        await getattr(one, step)()
        await seen(one.money, ACCOUNT)
    free, held, *_ = await one.sweep_all()
    assert (free, held) == (before.free_nanousd, 0)
