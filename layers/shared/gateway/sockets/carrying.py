"""Carries a session through one invocation: reads its letters, has its conversation hear them, and hands it over.

A run ends when the client leaves, the conversation ends, the session's hour is over, or the invocation's time is. In
the last case it stops reading, hears what it has read, stores the sealed state, and starts the run that follows, which
finds the letters that came meanwhile in the mailbox. Letters that it has read (`inbox.py`) and could not hear in time
go with the state.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway.accounts.sealing import sealed, unsealed
from gateway.errors import UNFORESEEN, GatewayError, ServiceUnavailable
from gateway.ports.clock import Clock
from gateway.ports.sockets import Connections, Letter, Mailboxes, Runs, SocketRecord, SocketRecords
from gateway.sockets.inbox import Inbox
from gateway.sockets.line import Line

# A session whose run does not say so for this long is dead; it says so several times as often.
ALIVE_S = 60
BEATS = 4
LAST_S = 24.0
LAST_SHARE = 0.4
LOOK_S = 0.05
# The client is looked for so often: its end is told by API Gateway's best effort.
PRESENT_S = 60.0
# What is still open after a run's end, a provider's socket among it, closes within this time.
CLOSES_S = 5.0

log = logging.getLogger(__name__)


class Conversation(Protocol):
    """The subject of a session. `run` goes on beside its other verbs; `hear` may be under way as another one comes."""

    async def run(self) -> None:
        """Opens what it needs and goes on until it is over by itself; then the client is hung up on."""

    async def hear(self, data: bytes) -> None:
        """Takes a message of the client."""

    async def leave(self) -> bytes | None:
        """Ends what is open here, and returns what another run needs to go on; `None` where it has ended for good.

        A message that is being heard is done before; none is heard afterwards.
        """

    async def end(self, *, expired: bool) -> None:
        """Ends for good: the client has gone, or its time is over."""

    async def tell(self, error: GatewayError) -> None:
        """Tells the client why its session ends: its connection closes with no other code than a usual end."""

    @property
    def quiet(self) -> bool:
        """True where a hand-over would interrupt nothing that is known of."""

    @property
    def settled(self) -> bool:
        """True where it is quiet, and what was heard last has been answered, as far as can be told."""

    def noted(self, record: SocketRecord) -> SocketRecord:
        """The record with what is to be known of the conversation if this process dies: its hold."""

    @property
    def changed(self) -> asyncio.Event:
        """Set where that is another than before."""

    @property
    def hand_over(self) -> HandOver:
        """The time that a hand-over may wait for a quiet moment."""


# Makes the conversation of a record, with the line to its client and the state of the run before.
Kind = Callable[[SocketRecord, Line, bytes | None], Awaitable[Conversation]]


class HandOver(Struct, frozen=True):
    """The time before an invocation's end in which a hand-over waits for a quiet moment, at most a share of it all.

    Its last part, 24 seconds or less, is kept for the hand-over itself.
    """

    before_s: float = 60.0
    share: float = 0.2


USUAL = HandOver()


class Parcel(Struct):
    """The sealed part of what a run leaves to the next: its conversation's state, and letters that were not heard."""

    state: bytes
    letters: list[Letter] = []


class Tools(Struct, frozen=True):
    """The parts that carry sessions."""

    records: SocketRecords
    mailboxes: Mailboxes
    connections: Connections
    runs: Runs
    clock: Clock
    clear: Callable[[SocketRecord], Awaitable[None]]


class Carrier:
    """One run of one session."""

    def __init__(self, tools: Tools, kinds: Mapping[str, Kind], deadline_s: float) -> None:
        self._tools = tools
        self._kinds = kinds
        self._deadline_s = deadline_s
        self._alive_s = min(ALIVE_S, int(deadline_s - tools.clock.now_s()) + 1)
        self._late_s = self._latest_s = deadline_s
        self._left = asyncio.Event()
        self._inbox: Inbox | None = None

    @property
    def late(self) -> int:
        """The letters that came too late to be put in order."""
        return 0 if self._inbox is None else self._inbox.late

    async def carry(self, connection_id: str, run: int, secret: str) -> str:
        """Carries the run, and returns how it ended."""
        tools = self._tools
        # Not the invocation's id, which Lambda's second try of an event has too.
        owner = secrets.token_hex(16)
        record = await tools.records.take(connection_id, run, owner, self._alive_until_s())
        if record is None:
            return await self._not_taken(connection_id, run)
        conversation: Conversation | None = None
        try:
            line = Line(tools.connections, tools.clock, record.stage, connection_id)
            left = None if record.state is None else _opened(unsealed(record.state, secret, connection_id))
            first = () if left is None else left.letters
            self._inbox = inbox = Inbox(tools.mailboxes, tools.clock, connection_id, record.seen, first)
            # Raises too where the key has been revoked since the run before, or its model is gone.
            conversation = await self._kinds[record.kind](record, line, None if left is None else left.state)
            self._plan(conversation.hand_over)
            # What the run before has left is written once, and not with every sign of life.
            return await self._converse(replace(record, state=None, seen=()), conversation, line, inbox, secret)
        except Exception:
            log.exception("a session failed")
            await self._give_up(record, conversation)
            return "failed"

    async def _converse(
        self, record: SocketRecord, conversation: Conversation, line: Line, inbox: Inbox, secret: str
    ) -> str:
        """Has the conversation go on until it ends, or has to be handed over; returns how it ended."""
        reading = asyncio.create_task(inbox.read(self._late_s))
        hearing = asyncio.create_task(inbox.hear(lambda letter: self._take(letter, conversation)))
        removing = asyncio.create_task(inbox.remove_heard())
        working = (reading, hearing, removing)
        others = {
            asyncio.create_task(conversation.run()): "ended",
            asyncio.create_task(self._gone(line)): "left",
            asyncio.create_task(self._left.wait()): "left",
            asyncio.create_task(self._over(record)): "expired",
            asyncio.create_task(self._late(conversation)): "late",
            asyncio.create_task(self._beat(record, conversation)): "lost",
        }
        try:
            done, _ = await asyncio.wait({*working, *others}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                # A failure of any part is the run's.
                task.result()
            how = next(others[task] for task in done if task in others)
            if how == "late":
                await self._stop(conversation, inbox, *working)
                # It may have ended meanwhile: the letter that says so is heard only once.
                ends = [task for task, why in others.items() if task.done() and why != "late"]
                for task in ends:
                    task.result()
                how = others[ends[0]] if ends else how
            if how == "late":
                how = await self._hand_over(record, conversation, inbox, hearing, secret)
            if how != "late":
                await self._end(record, conversation, line, how)
        finally:
            for task in (*working, *others):
                task.cancel()
            await asyncio.wait((*working, *others), timeout=CLOSES_S)
        return how

    def _plan(self, hand_over: HandOver) -> None:
        """Sets when a hand-over begins to wait for a quiet moment, and when it waits no longer."""
        left_s = self._deadline_s - self._tools.clock.now_s()
        before_s = min(hand_over.before_s, left_s * hand_over.share)
        self._late_s = self._deadline_s - before_s
        self._latest_s = self._deadline_s - min(LAST_S, before_s * LAST_SHARE)

    async def _give_up(self, record: SocketRecord, conversation: Conversation | None) -> None:
        """Ends what has failed: pays what is known of it where that can be done, and clears the rest."""
        if conversation is not None:
            with suppress(ServiceUnavailable, TimeoutError):
                async with asyncio.timeout(CLOSES_S):
                    await conversation.tell(GatewayError(UNFORESEEN))
            try:
                await conversation.end(expired=False)
            except Exception:
                log.exception("a failed session was not ended: its checkpoint is what is paid")
            record = conversation.noted(record)
        await self._tools.clear(record)

    async def _not_taken(self, connection_id: str, run: int) -> str:
        """An event of a run that another invocation has taken: one that has died, or that a first event has started.

        Which of both it is shows once the life of the session is over, or is renewed.
        """
        before = await self._tools.records.read(connection_id)
        if before is None or before.run != run:
            return "taken"
        await asyncio.sleep(max(0.0, before.alive_until_s - self._tools.clock.now_s()) + 1)
        after = await self._tools.records.read(connection_id)
        if after is None or (after.run, after.alive_until_s) != (run, before.alive_until_s):
            return "taken"
        await self._tools.clear(after)
        return "cleared"

    async def _take(self, letter: Letter, conversation: Conversation) -> None:
        if letter.data is None:
            self._left.set()
        else:
            await conversation.hear(letter.data)

    async def _beat(self, record: SocketRecord, conversation: Conversation) -> None:
        """Renews the session's life; returns once another has it."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._alive_s / BEATS):
                    await conversation.changed.wait()
            conversation.changed.clear()
            try:
                noted = replace(conversation.noted(record), alive_until_s=self._alive_until_s())
                if not await self._tools.records.save(noted):
                    return
            except ServiceUnavailable:
                log.warning("a session's life was not renewed")

    async def _gone(self, line: Line) -> None:
        """Returns once the client is not there any more."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(PRESENT_S):
                    await line.gone.wait()
                    return
            await line.look()

    async def _over(self, record: SocketRecord) -> None:
        await asyncio.sleep(max(0.0, record.over_by_s - self._tools.clock.now_s()))

    async def _late(self, conversation: Conversation) -> None:
        await asyncio.sleep(max(0.0, self._late_s - self._tools.clock.now_s()))
        await self._until(lambda: conversation.quiet)

    async def _until(self, holds: Callable[[], bool]) -> None:
        """Waits until something holds, or it is too late to wait for it."""
        while True:
            if holds() or self._tools.clock.now_s() >= self._latest_s:
                return
            await asyncio.sleep(LOOK_S)

    async def _stop(
        self,
        conversation: Conversation,
        inbox: Inbox,
        reading: asyncio.Task[None],
        hearing: asyncio.Task[None],
        removing: asyncio.Task[None],
    ) -> None:
        """Stops reading, has the conversation hear what was read, and waits until it has settled."""
        inbox.stop()
        await reading
        inbox.no_more_looks()
        await self._until(lambda: hearing.done() or inbox.is_heard)
        if hearing.done():
            # It has failed.
            hearing.result()
        await self._until(lambda: conversation.settled)
        # What a removal is cut off from comes again, and is known by its id.
        removing.cancel()
        await asyncio.wait({removing})

    async def _hand_over(
        self,
        record: SocketRecord,
        conversation: Conversation,
        inbox: Inbox,
        hearing: asyncio.Task[None],
        secret: str,
    ) -> str:
        """Leaves the session to the next run; returns how this one ended."""
        tools, connection_id = self._tools, record.connection_id
        state = await conversation.leave()
        # Not before: a letter that was heard in part would be heard again by the next run.
        hearing.cancel()
        await asyncio.wait({hearing})
        if not hearing.cancelled():
            # It has failed.
            hearing.result()
        if state is None:
            return "ended"
        parcel = Parcel(state, await inbox.take_along())
        following = replace(
            conversation.noted(record),
            state=sealed(msgspec.msgpack.encode(parcel), secret, connection_id),
            seen=inbox.seen,
            alive_until_s=self._alive_until_s(),
        )
        if not await tools.records.pass_on(following):
            log.warning("a session was taken from its run")
        else:
            await tools.runs.start(connection_id, record.run + 1, secret)
        return "late"

    async def _end(self, record: SocketRecord, conversation: Conversation, line: Line, how: str) -> None:
        tools, connection_id = self._tools, record.connection_id
        await conversation.end(expired=how == "expired")
        if how == "lost":
            # All else is another's.
            return
        if how != "left":
            await line.hang_up()
        await tools.mailboxes.delete(connection_id)
        await tools.records.delete(connection_id)

    def _alive_until_s(self) -> int:
        return int(self._tools.clock.now_s()) + self._alive_s


def _opened(data: bytes) -> Parcel:
    try:
        return msgspec.msgpack.decode(data, type=Parcel)
    except msgspec.DecodeError:
        # A run of the version before has left the conversation's state alone.
        return Parcel(data)


def new_secret() -> str:
    """A secret that seals the state of a session between its runs, and is stored nowhere."""
    return secrets.token_urlsafe(24)
