"""Puts the letters of one client in order, each once: they arrive side by side, out of order, and perhaps twice.

A letter is held back for a short time, in which those before it arrive, and until a look into the mailbox that began
after it came has returned, or has found nothing for a while. Its place is the millisecond in which API
Gateway took it and, within that, its id, whose first six bytes are a clock's (docs/adr/0054-realtime-mechanism.md says
how far that is known). One that comes later than the wait is given when it comes, and counted.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from binascii import Error
from bisect import insort
from collections import deque
from collections.abc import Iterable

from gateway.ports.sockets import Letter

WAIT_S = 0.02
NOTHING_S = 0.06
REMEMBERED = 4096
CLOCK_BYTES = 6

Place = tuple[int, bytes]


class Order:
    """The letters that wait for their turn, and the ids of those that have had it."""

    def __init__(self, seen: Iterable[str] = (), wait_s: float = WAIT_S) -> None:
        self._wait_s = wait_s
        self._waiting: list[tuple[Place, float, int, Letter]] = []
        self._looks = 0
        self._confirmed = 0
        self._remembered = deque(seen, REMEMBERED)
        self._known = set(self._remembered)
        self._last: Place = (0, b"")
        self.late = 0

    def look(self) -> int:
        """Notes that a look into the mailbox begins, and returns its number."""
        self._looks += 1
        return self._looks

    def looked(self, number: int) -> None:
        """Notes that a look has returned: what had come when it began need not wait for another."""
        self._confirmed = number

    def put(self, letter: Letter, now_s: float) -> bool:
        """Takes a letter; false for one that has come before."""
        if letter.id in self._known:
            return False
        if len(self._remembered) == REMEMBERED:
            self._known.discard(self._remembered[0])
        self._remembered.append(letter.id)
        self._known.add(letter.id)
        place = place_of(letter)
        if place < self._last:
            self.late += 1
        # The next look is the first to begin after it has come.
        insort(self._waiting, (place, now_s, self._looks + 1, letter), key=lambda each: each[0])
        return True

    def due(self, now_s: float) -> list[Letter]:
        """The letters whose turn has come, in order: each that has waited long enough, and those before it."""
        ready = 0
        for number, (_, came_s, look, _letter) in enumerate(self._waiting):
            if self._until_s(came_s, look) <= now_s:
                ready = number + 1
        taken, self._waiting = self._waiting[:ready], self._waiting[ready:]
        if taken:
            self._last = max(self._last, taken[-1][0])
        return [letter for *_, letter in taken]

    def next_at(self) -> float | None:
        """The time at which the next letter is due, or `None` where none waits."""
        return min((self._until_s(came_s, look) for _, came_s, look, _ in self._waiting), default=None)

    def _until_s(self, came_s: float, look: int) -> float:
        return came_s + (self._wait_s if look <= self._confirmed else NOTHING_S)

    @property
    def seen(self) -> tuple[str, ...]:
        """The ids of the letters that came last, those that wait left out: the next run has these again."""
        waiting = {letter.id for *_, letter in self._waiting}
        return tuple(each for each in self._remembered if each not in waiting)[-REMEMBERED // 4 :]


def place_of(letter: Letter) -> Place:
    """The place of a letter among the others; the end of a connection comes last in its millisecond."""
    if letter.data is None:
        return letter.at_ms, b"\xff" * CLOCK_BYTES
    try:
        return letter.at_ms, urlsafe_b64decode(letter.id)[:CLOCK_BYTES]
    except (Error, ValueError):
        return letter.at_ms, b""
