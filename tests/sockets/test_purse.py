"""Tests that a session pays by a chain of holds: each charge ends one, and what a limit refuses is paid too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.money import AccountSnapshot, Admission, Charge, EntryKind, Hold, HoldRequest, Refusal, Tier
from gateway.canonical.realtime import Spent
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError, InsufficientBalance, RateLimited, ServiceUnavailable
from gateway.ports.keys import KeyRecord
from gateway.ports.money import DeferredSettlements
from gateway.sockets.purse import Purse
from tests.fakes.money import MemoryMoney
from tests.realtime.sessions import terms
from tests.sockets.conversations import own_key
from tests.stores.conftest import StoppedClock

ACCOUNT, MODEL = "acct_a", "gpt-realtime"


class Nowhere:
    """A queue of ends that nothing may be put into."""

    async def put(self, hold: Hold, charge: Charge | None) -> None:
        pytest.fail(f"{hold} was deferred with {charge}")


class Deferred:
    """A queue of ends."""

    def __init__(self) -> None:
        self.ends: list[tuple[Hold, Charge | None]] = []

    async def put(self, hold: Hold, charge: Charge | None) -> None:
        self.ends.append((hold, charge))


class LosesAnswers(MemoryMoney):
    """Money whose store makes a hold, and whose answer is lost."""

    async def admit(self, request: HoldRequest, now_s: float) -> Admission | Refusal:
        await super().admit(request, now_s)
        raise ServiceUnavailable("down")


class Payer:
    """An account with some money, and a purse of a session."""

    def __init__(
        self, rpm: int = 60, money: MemoryMoney | None = None, deferred: DeferredSettlements | None = None
    ) -> None:
        self.money, self.clock = money or MemoryMoney(), StoppedClock()
        key = KeyRecord("key_a", ACCOUNT, "name", "0000", 0, rpm_limit=rpm, max_parallel=1)
        self.purse = Purse(
            Principal(ACCOUNT, key),
            self.money,
            deferred or Nowhere(),
            self.clock,
            request_id="r",
            model=MODEL,
            candidate=terms(MODEL).candidate,
            over_by_s=int(self.clock.now_s()) + 3600,
        )

    async def books(self) -> AccountSnapshot:
        found = await self.money.read_account(ACCOUNT)
        assert found is not None
        assert found.balanced
        return found

    async def charges(self) -> list[int]:
        # Entries of one millisecond have no order.
        entries = (await self.books()).entries
        return sorted(-entry.amount_nanousd for entry in entries if entry.kind is EntryKind.CHARGE)


def spent(cost: int, model: str = MODEL) -> Spent:
    return Spent(f"resp_{cost}", model, cost, Usage(output=cost), beside=model != MODEL)


def paying(
    test: Callable[[Payer], Awaitable[None]],
    nanousd: int = 1_000,
    rpm: int = 60,
    money: MemoryMoney | None = None,
    deferred: DeferredSettlements | None = None,
) -> None:
    async def main() -> None:
        payer = Payer(rpm, money, deferred)
        await payer.money.open_account(ACCOUNT, 1_000)
        await payer.money.credit(ACCOUNT, nanousd, once="first", now_s=payer.clock.now_s())
        await test(payer)

    asyncio.run(main())


def test_each_response_is_charged_and_held_for_again() -> None:
    async def test(payer: Payer) -> None:
        assert await payer.purse.open(100) is None
        assert [await payer.purse.charge(spent(cost), 200) for cost in (30, 40)] == [None, None]
        assert (await payer.books()).held_nanousd == 200
        await payer.purse.close()
        assert await payer.charges() == [30, 40]
        assert (await payer.books()).free_nanousd == 1_000 - 70

    paying(test)


def test_a_transcript_is_a_line_of_the_next_charge() -> None:
    async def test(payer: Payer) -> None:
        await payer.purse.open(100)
        await payer.purse.charge(spent(5, "whisper"), 100)
        await payer.purse.charge(spent(30), 100)
        await payer.purse.charge(spent(7, "whisper"), 100)
        await payer.purse.close()
        entries = [e for e in (await payer.books()).entries if e.charge is not None and e.kind is EntryKind.CHARGE]
        told = [(e.charge.cost_nanousd, [(t.tool, t.nanousd) for t in e.charge.tools]) for e in entries if e.charge]
        assert sorted(told) == [(7, [("whisper", 7)]), (35, [("whisper", 5)])]

    paying(test)


def test_a_charge_names_the_provider_that_served_as_any_request_does() -> None:
    async def test(payer: Payer) -> None:
        await payer.purse.open(100)
        await payer.purse.charge(spent(30), 100)
        payer.purse.served_by(replace(terms(MODEL, "openai").candidate, own=own_key("first")))
        await payer.purse.charge(spent(40), 100)
        await payer.purse.close()
        entries = (await payer.books()).entries
        told = {e.charge.route: e.charge.tier for e in entries if e.charge is not None}
        assert told == {"openai": Tier.PASSTHROUGH, f"openai|{MODEL}|served|own": Tier.BYOK}

    paying(test)


def test_a_response_beyond_the_minute_is_refused_and_what_was_spent_is_paid() -> None:
    async def test(payer: Payer) -> None:
        assert await payer.purse.open(100) is None
        assert await payer.purse.charge(spent(30), 100) is None
        assert payer.purse.hold is None
        assert isinstance(await payer.purse.begin(), RateLimited)
        assert await payer.purse.charge(spent(40), 100) is None
        assert await payer.charges() == [30, 40]

    paying(test, rpm=1)


def test_what_was_delivered_without_a_hold_takes_the_balance_and_the_rest_is_written_off() -> None:
    async def test(payer: Payer) -> None:
        assert await payer.purse.open(100) is None
        assert await payer.purse.charge(spent(30), 100) is None
        assert payer.purse.hold is None
        await payer.purse.charge(spent(1_500), 100)
        assert await payer.charges() == [30, 1_500]
        assert (await payer.books()).free_nanousd == 0

    paying(test, rpm=1)


def test_money_that_is_gone_ends_the_session() -> None:
    async def refusals(payer: Payer) -> list[GatewayError | None]:
        return [await payer.purse.cover(900), await payer.purse.cover(1_001), await payer.purse.charge(spent(990), 100)]

    async def test(payer: Payer) -> None:
        await payer.purse.open(100)
        covered, beyond, gone = await refusals(payer)
        assert covered is None
        assert isinstance(beyond, InsufficientBalance)
        assert isinstance(gone, InsufficientBalance)
        assert (await payer.books()).free_nanousd == 10

    paying(test)


def test_a_death_is_charged_by_what_was_owed_beside() -> None:
    async def test(payer: Payer) -> None:
        await payer.purse.open(100)
        await payer.purse.charge(spent(5, "whisper"), 100)
        hold = payer.purse.hold
        assert hold is not None
        # The real store reads it here: it is what the session's record has.
        assert hold.checkpoint is not None
        assert hold.checkpoint.cost_nanousd == 5
        await payer.money.expire(hold, payer.clock.now_s())
        assert await payer.charges() == [5]

    paying(test)


def test_a_death_is_charged_by_what_a_response_had_come_to() -> None:
    async def test(payer: Payer) -> None:
        await payer.purse.open(100)
        await payer.purse.charge(spent(5, "whisper"), 100)
        await payer.purse.checkpoint(spent(30))
        hold = payer.purse.hold
        assert hold is not None
        await payer.money.expire(hold, payer.clock.now_s())
        assert await payer.charges() == [35]

    paying(test)


@pytest.mark.parametrize("noted", [0, 30])
def test_a_transcript_beside_a_running_response_is_charged_with_it_at_a_death(noted: int) -> None:
    async def test(payer: Payer) -> None:
        await payer.purse.open(100)
        if noted:
            await payer.purse.checkpoint(spent(noted))
        await payer.purse.charge(spent(5, "whisper"), 100, spent(40))
        hold = payer.purse.hold
        assert hold is not None
        assert hold.checkpoint is not None
        assert hold.checkpoint.cost_nanousd == 45
        await payer.money.expire(hold, payer.clock.now_s())
        assert await payer.charges() == [45]

    paying(test)


def test_transcripts_without_a_response_are_held_for_until_the_money_is_gone() -> None:
    async def test(payer: Payer) -> None:
        await payer.purse.open(100)
        refusals = [await payer.purse.charge(spent(300, "whisper"), 100) for _ in range(4)]
        assert refusals[:3] == [None] * 3
        assert isinstance(refusals[3], InsufficientBalance)
        assert (await payer.books()).held_nanousd == 1_000
        await payer.purse.close()

    paying(test)


def test_a_transcript_that_no_hold_was_open_for_is_noted_with_the_next_one() -> None:
    async def test(payer: Payer) -> None:
        await payer.purse.open(100)
        # The next hold is refused by the limit.
        await payer.purse.charge(spent(30), 100)
        await payer.purse.charge(spent(5, "whisper"), 100)
        payer.clock.at_s += 60
        assert await payer.purse.begin() is None
        hold = payer.purse.hold
        assert hold is not None
        assert hold.checkpoint is not None
        assert hold.checkpoint.cost_nanousd == 5

    paying(test, rpm=1)


def test_a_hold_whose_answer_was_lost_is_given_back_and_does_not_stay_open() -> None:
    deferred = Deferred()

    async def test(payer: Payer) -> None:
        with pytest.raises(ServiceUnavailable):
            await payer.purse.open(100)
        assert (await payer.books()).held_nanousd == 100
        ((hold, charge),) = deferred.ends
        assert charge is None
        await payer.money.release(hold, payer.clock.now_s())
        assert (await payer.books()).free_nanousd == 1_000

    paying(test, money=LosesAnswers(), deferred=deferred)


def test_what_is_said_passes_while_a_limit_lets_no_response_begin() -> None:
    async def test(payer: Payer) -> None:
        await payer.purse.open(100)
        await payer.purse.charge(spent(30), 100)
        assert await payer.purse.cover(150) is None
        assert isinstance(await payer.purse.begin(), RateLimited)

    paying(test, rpm=1)
