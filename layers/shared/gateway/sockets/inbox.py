"""Reads the letters of one run from their mailbox, has each heard in its turn, and removes it once it is.

A letter is removed beside the hearing of others. One that was read and not heard is taken along to the next run, since
the mailbox would show it again only once its visibility is over.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

from gateway.errors import ServiceUnavailable
from gateway.ports.clock import Clock
from gateway.ports.sockets import Letter, Mailboxes
from gateway.sockets.order import Order

POLL_S = 10
LAST_POLL_S = 1
# Of letters that go with a state.
LETTERS_BYTES_MAX = 4 * 1024 * 1024
REMOVED_AT_ONCE = 10
# Letters that were read and wait until they are heard. More are not read.
UNHEARD_MAX = 256
SETTLES_S = 0.005

log = logging.getLogger(__name__)


class Inbox:
    """The letters of one run: `seen` are the ids of those of the run before, `first` those that it has not heard."""

    def __init__(
        self,
        mailboxes: Mailboxes,
        clock: Clock,
        connection_id: str,
        seen: Iterable[str] = (),
        first: Iterable[Letter] = (),
    ) -> None:
        self._mailboxes = mailboxes
        self._clock = clock
        self._connection_id = connection_id
        self._stopping = self._looks_beside = False
        self._new = asyncio.Event()
        self._order = Order(seen)
        # Letters whose turn has come; the first one is being heard. Those of the run before came before all that is in
        # the mailbox, and are not there any more.
        self._due: deque[Letter] = deque(first)
        # The receipts of each letter that has come, and was not heard, by its id.
        self._unheard: dict[str, list[str]] = {}
        self._room = asyncio.Event()
        # Of letters that have been heard, or have come twice.
        self._receipts: list[str] = []
        self._removable = asyncio.Event()

    @property
    def late(self) -> int:
        """The letters that came too late to be put in order."""
        return self._order.late

    @property
    def is_heard(self) -> bool:
        """True where no letter waits to be heard."""
        return not self._due and self._order.is_empty and not self._looks_beside

    @property
    def seen(self) -> tuple[str, ...]:
        """The ids of the letters that came last, but of those that come again."""
        return tuple(each for each in self._order.seen if each not in self._unheard)

    async def read(self, near_s: float) -> None:
        """Receives letters until `stop`; a call that waits is not given up, since it may have taken some.

        Near that time, of the clock, it waits for a short while only.
        """
        # The first look waits for nothing: it tells how long the mailbox takes to answer.
        wait_s = 0
        while not self._stopping:
            await self._look(wait_s)
            # Letters that were found with others left behind wait for the next look: it is to come back soon.
            is_near = self._order.is_more or self._clock.now_s() > near_s - POLL_S
            wait_s = LAST_POLL_S if is_near else POLL_S
            # A provider that takes nothing has the letters wait in their mailbox, and not here.
            if not self._looks_beside:
                self._due += self._order.due(self._clock.monotonic_s())
            while len(self._due) >= UNHEARD_MAX and not self._stopping:
                self._room.clear()
                await self._room.wait()

    async def _look(self, wait_s: int) -> None:
        """Looks once into the mailbox, and puts what it finds in order."""
        began_s, was_more = self._clock.monotonic_s(), self._order.is_more
        look = self._order.look(began_s)
        self._new.set()
        letters = await self._mailboxes.receive(self._connection_id, wait_s)
        now_s = self._clock.monotonic_s()
        self._order.looked(look, len(letters), began_s)
        # A look that has waited for letters does not tell how long an answer takes.
        if wait_s == 0 or (was_more and self._order.is_more):
            self._order.answered(now_s - began_s, now_s)
        for letter in letters:
            if self._order.put(letter, now_s):
                self._unheard[letter.id] = [letter.receipt]
            elif letter.id in self._unheard:
                # It is not removed before it is heard: if this run dies, or hands over, the next one hears it.
                self._unheard[letter.id].append(letter.receipt)
            else:
                self._removes([letter.receipt])
        self._new.set()

    def stop(self) -> None:
        """Has `read` end once its call has returned."""
        self._stopping = True
        self._room.set()

    def no_more_looks(self) -> None:
        """Notes that `read` has ended: what waits for a look waits for a while."""
        self._order.no_more_looks()
        self._new.set()

    async def hear(self, take: Callable[[Letter], Awaitable[None]]) -> None:
        """Has each letter taken in its turn."""
        while True:
            self._due += self._order.due(self._clock.monotonic_s())
            while self._due:
                await take(self._due[0])
                self._removes(self._unheard.pop(self._due.popleft().id, []))
                self._room.set()
            now_s = self._clock.monotonic_s()
            at_s, look_at_s = self._order.next_at(now_s), self._order.look_at(now_s)
            if at_s is None and look_at_s is not None and look_at_s <= now_s:
                await self._look_beside()
                continue
            self._new.clear()
            alarm = None
            if (by_s := at_s or look_at_s) is not None:
                # Cheaper than a timeout, which is an exception for each letter.
                alarm = asyncio.get_running_loop().call_later(max(0.0, by_s - now_s), self._new.set)
            await self._new.wait()
            if alarm is not None:
                alarm.cancel()

    async def _look_beside(self) -> None:
        """Looks while `read` waits: the answer shows that the mailbox has no more letters, and does not stand still.

        What it has given to `read` before has come by then, and is read in the pause.
        """
        self._looks_beside = True
        try:
            await self._look(0)
            await asyncio.sleep(SETTLES_S)
        finally:
            self._looks_beside = False

    async def remove_heard(self) -> None:
        """Removes what has been heard from the mailbox, as many letters at once as a call takes."""
        while True:
            await self._removable.wait()
            self._removable.clear()
            while len(self._receipts) >= REMOVED_AT_ONCE:
                await self._remove()

    async def take_along(self) -> list[Letter]:
        """Removes all that was heard, and the letters that were not, which it returns; the first ones of them.

        What is not taken along comes again, once its visibility is over.
        """
        taken = list(self._taken_along())
        while self._receipts:
            await self._remove()
        return taken

    def _taken_along(self) -> Iterator[Letter]:
        left_bytes = LETTERS_BYTES_MAX
        for letter in (*self._due, *self._order.rest()):
            left_bytes -= len(letter.data or b"")
            if left_bytes < 0:
                return
            self._receipts += self._unheard.pop(letter.id, [])
            yield letter

    def _removes(self, receipts: Sequence[str]) -> None:
        self._receipts += receipts
        if len(self._receipts) >= REMOVED_AT_ONCE:
            self._removable.set()

    async def _remove(self) -> None:
        removed, self._receipts = self._receipts[:REMOVED_AT_ONCE], self._receipts[REMOVED_AT_ONCE:]
        began_s = self._clock.monotonic_s()
        try:
            await self._mailboxes.remove(self._connection_id, removed)
            now_s = self._clock.monotonic_s()
            self._order.answered(now_s - began_s, now_s)
        except ServiceUnavailable:
            # They come again, and are known by their ids.
            log.warning("%d letters were not removed from a mailbox", len(removed))
