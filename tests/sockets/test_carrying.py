"""Tests that a session is carried from one run to the next, and that nothing is left of it."""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections.abc import Awaitable, Callable, Sequence

import pytest
from msgspec.structs import replace

from gateway.errors import AuthenticationFailed, GatewayError, ServiceUnavailable
from gateway.ports.sockets import Letter, SocketRecord
from gateway.sockets.carrying import (
    ALIVE_S,
    PRESENT_S,
    USUAL,
    Carrier,
    Conversation,
    HandOver,
    Tools,
    new_secret,
)
from gateway.sockets.clearing import Clearing
from gateway.sockets.inbox import LAST_POLL_S, REMOVED_AT_ONCE, UNHEARD_MAX
from gateway.sockets.line import Line
from tests.fakes.money import MemoryMoney
from tests.fakes.sockets import MemoryConnections, MemoryMailboxes, MemoryRuns, MemorySockets
from tests.virtual_time import LoopClock, run

ID = "L0SM9cOFvHcCIhw="
SECRET = new_secret()
RUN_S = 100.0
# The time at which a run begins to hand over.
LATE_S = RUN_S * 0.8


class Talk:
    """A conversation that notes what it hears; each run's begins with what the one before has left."""

    def __init__(self, line: Line, state: bytes | None) -> None:
        self.line = line
        self.heard = [] if not state else state.split(b",")
        self.ended: list[bool] = []
        self.over = asyncio.Event()
        self.changed = asyncio.Event()
        self.quiet = self.settled = True
        self.hand_over = USUAL
        self.hears_for_s = 0.0
        self.is_broken = self.is_over = False

    async def run(self) -> None:
        await self.over.wait()

    async def hear(self, data: bytes) -> None:
        if self.is_broken:
            raise ServiceUnavailable("down")
        await asyncio.sleep(self.hears_for_s)
        self.heard.append(data)
        await self.line.say(b"heard " + data)

    async def leave(self) -> bytes | None:
        return None if self.is_over else b",".join(self.heard)

    async def end(self, *, expired: bool) -> None:
        self.ended.append(expired)

    async def tell(self, error: GatewayError) -> None:
        await self.line.say(str(error.code).encode())

    def noted(self, record: SocketRecord) -> SocketRecord:
        return record


class WholeTalk(Talk):
    """A conversation that knows of a message as it begins with it, and leaves once it has done with that."""

    def __init__(self, line: Line, state: bytes | None) -> None:
        super().__init__(line, state)
        self._turn = asyncio.Lock()

    async def hear(self, data: bytes) -> None:
        async with self._turn:
            self.heard.append(data)
            await asyncio.sleep(self.hears_for_s)

    async def leave(self) -> bytes | None:
        async with self._turn:
            return await super().leave()


class Session:
    """The parts of one session, and the conversations of its runs."""

    def __init__(self, over_in_s: float = 3600) -> None:
        self.clock = LoopClock()
        self.records, self.mailboxes = MemorySockets(), MemoryMailboxes()
        self.connections, self.runs = MemoryConnections(), MemoryRuns()
        self.clearing = Clearing(self.records, self.mailboxes, self.connections, MemoryMoney(), self.clock)
        parts = (self.records, self.mailboxes, self.connections, self.runs, self.clock)
        self.tools = Tools(*parts, self.clearing.clear)
        self.talks: list[Talk] = []
        self.talker = Talk
        self.hand_over = USUAL
        self.is_refused = False
        self._numbers = itertools.count(1)
        now_s = int(self.clock.now_s())
        self.record = SocketRecord(
            connection_id=ID,
            stage="realtime",
            kind="talk",
            account_id="acc_a",
            key_hash="hash",
            source_ip="203.0.113.7",
            model="m",
            created_s=now_s,
            over_by_s=now_s + int(over_in_s),
            alive_until_s=now_s + ALIVE_S,
            request_id="r",
        )

    async def open(self) -> None:
        await self.mailboxes.open(ID)
        await self.records.create(self.record)

    def send(self, data: bytes | None) -> Letter:
        number = next(self._numbers)
        letter_id = base64.urlsafe_b64encode(number.to_bytes(6, "big") + b"nodes").decode()
        letter = Letter(f"receipt-{number}", int(self.clock.now_s() * 1000), letter_id, data)
        self.mailboxes.put(ID, letter)
        return letter

    async def carried(self, number: int) -> str:
        async def kind(_record: SocketRecord, line: Line, state: bytes | None) -> Conversation:
            if self.is_refused:
                raise AuthenticationFailed("revoked")
            self.talks.append(self.talker(line, state))
            self.talks[-1].hand_over = self.hand_over
            return self.talks[-1]

        carrier = Carrier(self.tools, {"talk": kind}, self.clock.now_s() + RUN_S)
        return await carrier.carry(ID, number, SECRET)

    async def talk(self, number: int) -> Talk:
        while True:
            if len(self.talks) > number:
                return self.talks[number]
            await asyncio.sleep(0.01)


def on_session(test: Callable[[Session], Awaitable[None]], **given: float) -> None:
    async def main() -> None:
        session = Session(**given)
        await session.open()
        async with asyncio.timeout(10_000):
            await test(session)

    run(main())


def test_a_session_goes_on_in_the_next_run_with_every_letter_once() -> None:
    async def test(session: Session) -> None:
        first = asyncio.create_task(session.carried(0))
        sent: list[bytes] = [b"0"]
        letter = session.send(sent[0])
        while not first.done():
            sent.append(b"%d" % len(sent))
            letter = session.send(sent[-1])
            if len(sent) % 3 == 0:
                session.mailboxes.put(ID, replace(letter, receipt=f"{letter.receipt}-again"))
            await asyncio.sleep(0.5)
        assert await first == "late"
        assert [(run, secret) for _, run, secret in session.runs.started] == [(1, SECRET)]
        second = asyncio.create_task(session.carried(1))
        # A copy of what the first run has heard.
        session.mailboxes.put(ID, replace(letter, receipt="copy"))
        session.send(b"last")
        session.send(None)
        assert await second == "left"
        assert session.talks[1].heard == [*sent, b"last"]
        assert session.connections.said == [b"heard " + each for each in [*sent, b"last"]]
        assert (session.records.sessions, session.mailboxes.boxes, session.connections.closed) == ({}, {}, [])

    on_session(test)


@pytest.mark.parametrize(("hand_over", "at_s"), [(USUAL, 90), (HandOver(before_s=70, share=0.8), 40), (USUAL, 30)])
def test_a_hand_over_waits_for_a_quiet_moment_as_long_as_its_kind_lets_it(hand_over: HandOver, at_s: int) -> None:
    async def test(session: Session) -> None:
        session.hand_over = hand_over
        carrying = asyncio.create_task(session.carried(0))
        talk = await session.talk(0)
        talk.quiet = False
        began_s = session.clock.now_s()
        await asyncio.sleep(at_s)
        assert not carrying.done()
        talk.quiet = True
        assert await carrying == "late"
        late_s = RUN_S - min(hand_over.before_s, hand_over.share * RUN_S)
        assert session.clock.now_s() - began_s == pytest.approx(max(at_s, late_s), abs=LAST_POLL_S + 1)

    on_session(test)


def test_a_session_that_ends_by_itself_is_hung_up_on() -> None:
    async def test(session: Session) -> None:
        carrying = asyncio.create_task(session.carried(0))
        (await session.talk(0)).over.set()
        assert await carrying == "ended"
        assert (session.talks[0].ended, session.connections.closed) == ([False], [ID])
        assert session.records.sessions == {}

    on_session(test)


def test_a_session_whose_hour_is_over_is_told_so() -> None:
    async def test(session: Session) -> None:
        assert await session.carried(0) == "expired"
        assert (session.talks[0].ended, session.connections.closed) == ([True], [ID])

    on_session(test, over_in_s=30)


def test_a_client_that_has_gone_ends_its_session() -> None:
    async def test(session: Session) -> None:
        carrying = asyncio.create_task(session.carried(0))
        await session.talk(0)
        session.send(b"1")
        await asyncio.sleep(1)
        session.connections.gone = True
        session.send(b"2")
        assert await carrying == "left"

    on_session(test)


def test_a_client_that_goes_without_a_word_ends_its_session_in_a_minute() -> None:
    async def test(session: Session) -> None:
        carrying = asyncio.create_task(session.carried(0))
        await session.talk(0)
        session.connections.gone = True
        began_s = session.clock.now_s()
        assert await carrying == "left"
        assert session.clock.now_s() - began_s == pytest.approx(PRESENT_S, abs=1)
        assert session.talks[0].ended == [False]

    on_session(test)


def test_a_second_event_of_a_run_that_lives_does_nothing() -> None:
    async def test(session: Session) -> None:
        carrying = asyncio.create_task(session.carried(0))
        await session.talk(0)
        again = asyncio.create_task(session.carried(0))
        assert await again == "taken"
        assert len(session.talks) == 1
        session.send(None)
        await carrying

    on_session(test)


def test_a_second_event_of_a_run_that_has_died_clears_its_session() -> None:
    async def test(session: Session) -> None:
        carrying = asyncio.create_task(session.carried(0))
        await session.talk(0)
        carrying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await carrying
        assert await session.carried(0) == "cleared"
        assert (session.connections.closed, session.records.sessions, session.mailboxes.boxes) == ([ID], {}, {})

    on_session(test)


def test_the_sweeper_clears_what_does_not_live_and_nothing_else() -> None:
    async def test(session: Session) -> None:
        assert await session.clearing.clear_dead() == 0
        await asyncio.sleep(ALIVE_S + 2)
        assert await session.clearing.clear_dead() == 1
        assert session.connections.closed == [ID]

    on_session(test)


def test_letters_that_cannot_be_heard_yet_wait_in_their_mailbox() -> None:
    async def test(session: Session) -> None:
        carrying = asyncio.create_task(session.carried(0))
        (await session.talk(0)).hears_for_s = 1000
        for number in range(2 * UNHEARD_MAX):
            session.send(b"%d" % number)
            await asyncio.sleep(0.02)
        await asyncio.sleep(10)
        assert UNHEARD_MAX - 2 * REMOVED_AT_ONCE <= len(session.mailboxes.boxes[ID]) <= UNHEARD_MAX
        carrying.cancel()

    on_session(test)


def test_a_copy_of_a_letter_that_was_not_heard_yet_is_not_removed_before_it() -> None:
    async def test(session: Session) -> None:
        carrying = asyncio.create_task(session.carried(0))
        (await session.talk(0)).hears_for_s = 5
        session.send(b"first")
        letter = session.send(b"second")
        copies = [replace(letter, receipt=f"copy-{number}") for number in range(REMOVED_AT_ONCE)]
        for copy in copies:
            session.mailboxes.put(ID, copy)
        await asyncio.sleep(6)
        assert (session.talks[0].heard, session.mailboxes.removed) == ([b"first"], [])
        await asyncio.sleep(5)
        assert session.talks[0].heard == [b"first", b"second"]
        assert {copy.receipt for copy in copies[:8]} <= set(session.mailboxes.removed)
        session.send(None)
        assert await carrying == "left"

    on_session(test)


@pytest.mark.parametrize("is_down", [False, True])
def test_a_mailbox_that_is_slow_to_remove_letters_holds_no_hearing_up(is_down: bool) -> None:
    async def test(session: Session) -> None:
        async def remove(connection_id: str, receipts: Sequence[str]) -> None:
            del connection_id, receipts
            await asyncio.sleep(20)
            if is_down:
                raise ServiceUnavailable("down")

        session.mailboxes.remove = remove  # type: ignore[method-assign]  # its mailbox is slow
        carrying = asyncio.create_task(session.carried(0))
        sent = [b"%d" % number for number in range(5 * REMOVED_AT_ONCE)]
        for data in sent:
            session.send(data)
            await asyncio.sleep(0.02)
        await asyncio.sleep(1)
        assert (await session.talk(0)).heard == sent
        await asyncio.sleep(40)
        session.send(None)
        assert await carrying == "left"

    on_session(test)


def test_letters_that_are_being_heard_when_a_run_is_late_are_heard_once() -> None:
    async def test(session: Session) -> None:
        first = asyncio.create_task(session.carried(0))
        (await session.talk(0)).hears_for_s = 3
        await asyncio.sleep(LATE_S - 2)
        session.send(b"1")
        session.send(b"2")
        assert await first == "late"
        second = asyncio.create_task(session.carried(1))
        session.send(None)
        assert await second == "left"
        assert session.talks[1].heard == [b"1", b"2"]

    on_session(test)


def test_letters_that_no_time_was_left_for_are_heard_at_once_by_the_next_run() -> None:
    async def test(session: Session) -> None:
        first = asyncio.create_task(session.carried(0))
        (await session.talk(0)).hears_for_s = RUN_S
        letters = [session.send(b"%d" % number) for number in range(3)]
        assert await first == "late"
        # The mailbox would show them again only later, and then they would stand behind what comes now.
        assert set(session.mailboxes.removed) == {letter.receipt for letter in letters}
        second = asyncio.create_task(session.carried(1))
        session.send(b"3")
        session.mailboxes.put(ID, replace(letters[1], receipt="copy"))
        session.send(None)
        assert await second == "left"
        assert session.talks[1].heard == [b"0", b"1", b"2", b"3"]

    on_session(test)


def test_a_letter_that_is_being_heard_as_the_time_is_over_is_not_heard_again() -> None:
    async def test(session: Session) -> None:
        session.talker = WholeTalk
        first = asyncio.create_task(session.carried(0))
        (await session.talk(0)).hears_for_s = RUN_S - 1
        session.send(b"1")
        session.send(b"2")
        assert await first == "late"
        second = asyncio.create_task(session.carried(1))
        session.send(None)
        assert await second == "left"
        assert session.talks[1].heard == [b"1", b"2"]

    on_session(test)


def test_a_session_that_ends_as_it_is_handed_over_has_no_other_run() -> None:
    async def test(session: Session) -> None:
        carrying = asyncio.create_task(session.carried(0))
        (await session.talk(0)).is_over = True
        assert await carrying == "ended"
        assert (session.runs.started, session.connections.closed, session.records.sessions) == ([], [ID], {})

    on_session(test)


def test_a_client_that_leaves_while_a_run_hands_over_ends_its_session() -> None:
    async def test(session: Session) -> None:
        carrying = asyncio.create_task(session.carried(0))
        await session.talk(0)
        await asyncio.sleep(LATE_S)
        while not carrying.done():
            # Its last look into the mailbox takes one of them.
            session.send(None)
            await asyncio.sleep(0.1)
        assert await carrying == "left"
        assert (session.runs.started, session.talks[0].ended, session.records.sessions) == ([], [False], {})

    on_session(test)


def test_what_a_run_has_left_is_not_written_again_while_the_next_one_lives() -> None:
    async def test(session: Session) -> None:
        first = asyncio.create_task(session.carried(0))
        await session.talk(0)
        session.send(b"1")
        assert await first == "late"
        assert session.records.sessions[ID].state is not None
        second = asyncio.create_task(session.carried(1))
        await session.talk(1)
        await asyncio.sleep(ALIVE_S)
        assert (session.records.sessions[ID].state, session.records.sessions[ID].seen) == (None, ())
        session.send(None)
        await second

    on_session(test)


def test_a_session_that_may_not_go_on_is_cleared_at_once() -> None:
    async def test(session: Session) -> None:
        session.is_refused = True
        assert await session.carried(0) == "failed"
        assert (session.connections.closed, session.records.sessions) == ([ID], {})

    on_session(test)


def test_a_session_that_fails_is_paid_and_cleared() -> None:
    async def test(session: Session) -> None:
        carrying = asyncio.create_task(session.carried(0))
        (await session.talk(0)).is_broken = True
        session.send(b"1")
        assert await carrying == "failed"
        assert (session.talks[0].ended, session.connections.closed, session.records.sessions) == ([False], [ID], {})
        # Its client sees no more of the close than that.
        assert session.connections.said == [b"internal_error"]

    on_session(test)


def test_a_run_that_has_lost_its_session_ends_what_it_has_open_and_nothing_else() -> None:
    async def test(session: Session) -> None:
        carrying = asyncio.create_task(session.carried(0))
        await session.talk(0)
        taken = replace(session.records.sessions[ID], owner="another")
        session.records.sessions[ID] = taken
        assert await carrying == "lost"
        assert (session.talks[0].ended, session.connections.closed) == ([False], [])
        assert session.records.sessions == {ID: taken}

    on_session(test)
