"""Puts the letters of one client in order, each once: they arrive side by side, out of order, and perhaps twice.

A letter is held back for a short time, in which those before it arrive, and until an answer of the mailbox shows that
they have: no time that is waited shows it, since the mailbox may stand still. A look shows it that has emptied the
mailbox, and has begun a while after the letter came, or has found one that was taken a while later. A look that finds
as many as one may has left some: of such a mailbox a letter is given once one has come that was taken later by more
than letters change places. Where no answer comes for a time, another look is to be made beside the one that waits. The
times grow with what is seen: how late letters come behind those that follow them, and how long the mailbox takes to
answer. A letter's place is the millisecond in which API Gateway took it and, within that, its id, whose first six bytes
are a clock's (docs/adr/0054-realtime-mechanism.md says how far that is known). One that comes later than all this is
given when it comes, and counted.
"""

from __future__ import annotations

from binascii import Error, a2b_base64
from bisect import bisect
from collections import deque
from collections.abc import Iterable
from math import inf
from operator import attrgetter
from typing import NamedTuple

from gateway.ports.sockets import Letter

WAIT_S = 0.02
# The part of the wait that an answer has to be later than a letter, to show that nothing before it is on its way.
SHOWS_AFTER = 0.5
NOTHING_S = 0.04
# How much longer than what was seen is waited, at most so long, and for how long after it was seen.
LATENESS, ANSWERS = 2.0, 3.0
WAIT_S_MAX, NOTHING_S_MAX = 0.3, 10.0
# The time by which letters change places on their way, and at most.
APART_S, APART_S_MAX = 0.1, 1.0
SEEN_FOR_S = 60.0
# A letter that comes later than this was lost for a while, and says nothing of others.
OUTLIER_S = 2.0
# Letters that a look finds at most.
LOOK_MAX = 10
REMEMBERED = 4096
CLOCK_BYTES = 6

Place = tuple[int, bytes]


class Waiting(NamedTuple):
    """A letter that waits since it came, for the look of that number."""

    place: Place
    came_s: float
    look: int
    letter: Letter


_place, _came_s = attrgetter("place"), attrgetter("came_s")
# Of base64 for URLs, to the usual one.
_USUAL = bytes.maketrans(b"-_", b"+/")


class Seen:
    """The longest time of a kind that was seen lately."""

    def __init__(self) -> None:
        self._longest_s = 0.0
        self._until_s = 0.0

    def note(self, took_s: float, now_s: float) -> None:
        """Notes a time."""
        if took_s >= self._longest_s or now_s > self._until_s:
            self._longest_s, self._until_s = took_s, now_s + SEEN_FOR_S

    def longest_s(self, now_s: float) -> float:
        """The longest, or 0 where none was seen lately."""
        return self._longest_s if now_s <= self._until_s else 0.0


class Order:
    """The letters that wait for their turn, and the ids of those that have had it."""

    def __init__(self, seen: Iterable[str] = ()) -> None:
        self._waiting: list[Waiting] = []
        self._looks = 0
        # The last look that has returned.
        self._confirmed = 0
        # When the last look has begun, and the last that has left nothing, and when the last letter of such was taken.
        self._began_s, self._emptied_s, self._emptied_ms = -inf, -inf, 0
        # The latest time at which one that has come was taken by API Gateway.
        self._latest_ms = 0
        # Whether the last look has left letters in the mailbox, and whether no other follows.
        self.is_more = False
        self._is_over = False
        self._remembered = deque(seen, REMEMBERED)
        self._known = set(self._remembered)
        # The place of the last one that was given, and when it had come.
        self._last: Place = (0, b"")
        self._last_came_s = 0.0
        self._lateness, self._answers, self._apart = Seen(), Seen(), Seen()
        self.late = 0

    def look(self, now_s: float) -> int:
        """Notes that a look into the mailbox begins, and returns its number."""
        self._looks, self._began_s = self._looks + 1, now_s
        return self._looks

    def looked(self, number: int, found: int, began_s: float) -> None:
        """Notes that a look has returned, before the letters are put that it has found."""
        self._confirmed = max(self._confirmed, number)
        self.is_more = found >= LOOK_MAX
        if not self.is_more:
            self._emptied_s = max(self._emptied_s, began_s)

    def answered(self, took_s: float, now_s: float) -> None:
        """Notes how long the mailbox has taken to answer a call that waits for nothing."""
        self._answers.note(took_s, now_s)

    def no_more_looks(self) -> None:
        """Notes that no look follows: what waits for one waits for a while."""
        self._is_over = True

    def put(self, letter: Letter, now_s: float) -> bool:
        """Takes a letter; false for one that has come before."""
        if letter.id in self._known:
            return False
        if len(self._remembered) == REMEMBERED:
            self._known.discard(self._remembered[0])
        self._remembered.append(letter.id)
        self._known.add(letter.id)
        place = place_of(letter)
        if letter.at_ms < self._latest_ms:
            self._apart.note((self._latest_ms - letter.at_ms) / 1000, now_s)
        self._latest_ms = max(self._latest_ms, letter.at_ms)
        if not self.is_more:
            self._emptied_ms = self._latest_ms
        if place < self._last:
            self.late += 1
            self._came_behind(self._last_came_s, now_s)
        is_last = not self._waiting or place > self._waiting[-1].place
        at = len(self._waiting) if is_last else bisect(self._waiting, place, key=_place)
        if at < len(self._waiting) and place >= self._last:
            self._came_behind(min(map(_came_s, self._waiting[at:])), now_s)
        # The next look is the first to begin after it has come.
        self._waiting.insert(at, Waiting(place, now_s, self._looks + 1, letter))
        return True

    def _came_behind(self, came_s: float, now_s: float) -> None:
        """Notes that a letter has come behind one that follows it, which came at that time."""
        if now_s - came_s <= OUTLIER_S:
            self._lateness.note(now_s - came_s, now_s)

    def due(self, now_s: float) -> list[Letter]:
        """The letters whose turn has come, in order: each that has waited long enough, and those before it."""
        until_s = self._until_s(now_s)
        ready = next((number for number in range(len(until_s), 0, -1) if until_s[number - 1] <= now_s), 0)
        if not ready:
            return []
        taken, self._waiting = self._waiting[:ready], self._waiting[ready:]
        if taken[-1].place > self._last:
            self._last, self._last_came_s = taken[-1].place, taken[-1].came_s
        return [each.letter for each in taken]

    def next_at(self, now_s: float) -> float | None:
        """The time at which the next letter is due, or `None` where none waits but for a look."""
        at_s = min(self._until_s(now_s), default=inf)
        return None if at_s == inf else at_s

    def look_at(self, now_s: float) -> float | None:
        """The time at which another look is to be made, where the one that is under way has not answered till then."""
        if self._is_over or not self._waiting:
            return None
        nothing_s = min(ANSWERS * self._answers.longest_s(now_s), NOTHING_S_MAX)
        return self._began_s + max(NOTHING_S, self._wait_s(now_s), nothing_s)

    def _wait_s(self, now_s: float) -> float:
        return max(WAIT_S, min(LATENESS * self._lateness.longest_s(now_s), WAIT_S_MAX))

    @property
    def is_empty(self) -> bool:
        """True where no letter waits."""
        return not self._waiting

    def _until_s(self, now_s: float) -> list[float]:
        """The time until which each letter waits by itself."""
        if not self._waiting:
            return []
        wait_s = self._wait_s(now_s)
        apart_s = max(APART_S, min(LATENESS * self._apart.longest_s(now_s), APART_S_MAX))
        passed_ms = self._latest_ms - 1000 * apart_s
        shown_s, shown_ms = self._emptied_s - SHOWS_AFTER * wait_s, self._emptied_ms - 1000 * SHOWS_AFTER * wait_s
        confirmed, otherwise_s = self._confirmed, max(wait_s, NOTHING_S) if self._is_over else inf
        return [
            came_s + wait_s
            if came_s <= shown_s or at_ms <= shown_ms or (at_ms <= passed_ms and look <= confirmed)
            else came_s + otherwise_s
            for (at_ms, _), came_s, look, _ in self._waiting
        ]

    def rest(self) -> list[Letter]:
        """The letters that wait still, in order."""
        return [each.letter for each in self._waiting]

    @property
    def seen(self) -> tuple[str, ...]:
        """The ids of the letters that came last."""
        return tuple(self._remembered)[-REMEMBERED // 4 :]


def place_of(letter: Letter) -> Place:
    """The place of a letter among the others; the end of a connection comes last in its millisecond."""
    if letter.data is None:
        return letter.at_ms, b"\xff" * CLOCK_BYTES
    try:
        return letter.at_ms, a2b_base64(letter.id.encode().translate(_USUAL))[:CLOCK_BYTES]
    except (Error, ValueError):
        return letter.at_ms, b""
