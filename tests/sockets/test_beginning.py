"""Tests that a session begins whole or leaves nothing, and that a death on the way leaves what the sweeper finds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.money import AccountSnapshot, Hold, Settlement
from gateway.canonical.realtime import Spent
from gateway.canonical.usage import Usage
from gateway.errors import InsufficientBalance, RateLimited, ServiceUnavailable
from gateway.ports.keys import KeyRecord
from gateway.sockets.carrying import ALIVE_S
from gateway.sockets.clearing import Clearing
from gateway.sockets.connecting import Caller, Connecting, Handshake, Wanted
from gateway.sockets.purse import Purse
from tests.fakes.money import MemoryMoney
from tests.fakes.sockets import MemoryConnections, MemoryMailboxes, MemoryRuns, MemorySockets
from tests.realtime.sessions import terms
from tests.sockets.test_purse import Nowhere
from tests.stores.conftest import StoppedClock

ACCOUNT = "acct_one"
WANTED = Wanted("realtime", "gpt-realtime", terms("gpt-realtime").candidate, 100)


class Dies(Exception):
    """The process is gone: what follows does not run."""


class Handshakes:
    """The parts that a handshake begins a session with; `dies_at` is the step at which the process is gone."""

    def __init__(self, max_parallel: int | None = None) -> None:
        self.clock, self.money = StoppedClock(), MemoryMoney()
        self.records, self.mailboxes, self.runs = MemorySockets(), MemoryMailboxes(), MemoryRuns()
        self.connections = MemoryConnections()
        key = KeyRecord("key_one", ACCOUNT, "name", "0000", 0, max_parallel=max_parallel)
        self.caller = Caller(Principal(ACCOUNT, key), "hash", "203.0.113.7")
        parts = (self.records, self.mailboxes, self.runs, self.money, Nowhere(), self.clock)
        self.connecting = Connecting(*parts)
        self.clearing = Clearing(self.records, self.mailboxes, self.connections, self.money, self.clock)

    async def begin(self, connection_id: str, wanted: Wanted = WANTED) -> None:
        handshake = Handshake(connection_id, "realtime", "request", "203.0.113.7", [], {})
        await self.connecting.begin(handshake, self.caller, wanted)

    def purse_of(self, connection_id: str) -> Purse:
        record = self.records.sessions[connection_id]
        return Purse(
            self.caller.principal,
            self.money,
            Nowhere(),
            self.clock,
            request_id="request",
            model=WANTED.model,
            candidate=WANTED.candidate,
            over_by_s=record.over_by_s,
            hold=record.hold,
            place=record.place,
        )

    async def books(self) -> AccountSnapshot:
        found = await self.money.read_account(ACCOUNT)
        assert found is not None
        assert found.balanced
        return found

    def fail_at(self, monkeypatch: pytest.MonkeyPatch, step: str, error: type[Exception]) -> None:
        part, name = {"mailbox": (self.mailboxes, "open"), "run": (self.runs, "start")}[step]

        async def fail(*_: object) -> None:
            raise error("down")

        monkeypatch.setattr(part, name, fail)


def beginning(test: Callable[[Handshakes], Awaitable[None]], max_parallel: int | None = None) -> None:
    async def main() -> None:
        handshakes = Handshakes(max_parallel)
        await handshakes.money.open_account(ACCOUNT, 1_000)
        await handshakes.money.credit(ACCOUNT, 1_000, once="first", now_s=handshakes.clock.now_s())
        await test(handshakes)

    asyncio.run(main())


@pytest.mark.parametrize("step", ["mailbox", "run"])
def test_a_session_that_cannot_begin_leaves_nothing(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    async def test(on: Handshakes) -> None:
        on.fail_at(monkeypatch, step, ServiceUnavailable)
        with pytest.raises(ServiceUnavailable):
            await on.begin("one")
        assert (on.records.sessions, on.mailboxes.boxes) == ({}, {})
        assert (await on.books()).held_nanousd == 0

    beginning(test)


@pytest.mark.parametrize("step", ["mailbox", "run"])
def test_a_death_on_the_way_leaves_what_the_sweeper_ends(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    async def test(on: Handshakes) -> None:
        on.fail_at(monkeypatch, step, Dies)
        with pytest.raises(Dies):
            await on.begin("one")
        # The queue was made, and the answer lost.
        on.mailboxes.boxes.setdefault("one", [])
        on.clock.at_s += 2 * ALIVE_S + 1
        assert await on.clearing.clear_dead() == 1
        assert (on.records.sessions, on.mailboxes.boxes) == ({}, {})
        assert (await on.books()).held_nanousd == 0

    beginning(test)


def test_a_dead_session_that_cannot_be_ended_does_not_keep_others_from_their_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test(on: Handshakes) -> None:
        await on.begin("one")
        await on.begin("two")
        unreadable, expire = on.records.sessions["one"].hold, on.money.expire

        async def expires(hold: Hold, now_s: float) -> Settlement:
            if hold == unreadable:
                raise KeyError("entry")
            return await expire(hold, now_s)

        monkeypatch.setattr(on.money, "expire", expires)
        on.clock.at_s += 2 * ALIVE_S + 1
        assert await on.clearing.clear_dead() == 2
        assert list(on.records.sessions) == ["one"]
        assert (await on.books()).held_nanousd == WANTED.exposure_nanousd

    beginning(test)


def test_a_session_keeps_its_place_between_two_responses() -> None:
    async def test(on: Handshakes) -> None:
        await on.begin("one")
        purse = on.purse_of("one")
        assert await purse.charge(Spent("resp_1", "gpt-realtime", 30, Usage(output=30)), 1_000_000) is not None
        # No money is left for the next response, and the session has not ended yet.
        assert purse.hold is None
        with pytest.raises(RateLimited):
            await on.begin("two")
        await purse.close()
        assert await on.clearing.clear_dead() == 0
        await on.begin("three")

    beginning(test, max_parallel=1)


def test_a_refused_handshake_gives_its_place_back() -> None:
    async def test(on: Handshakes) -> None:
        for _ in range(2):
            with pytest.raises(InsufficientBalance):
                await on.begin("one", replace(WANTED, exposure_nanousd=2_000))
        assert (await on.books()).holds == ()

    beginning(test, max_parallel=1)


def test_the_place_of_a_dead_session_is_free_once_it_is_swept() -> None:
    async def test(on: Handshakes) -> None:
        await on.begin("one")
        on.clock.at_s += 2 * ALIVE_S + 1
        assert await on.clearing.clear_dead() == 1
        await on.begin("two")
        assert (await on.books()).held_nanousd == WANTED.exposure_nanousd

    beginning(test, max_parallel=1)
