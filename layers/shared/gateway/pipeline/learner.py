"""Learns from the outcomes and ratings that requests have left, slot after slot.

One run reads what is new since the last one. What it learns of a slot is written with the place that it has come to, so
a run that dies, or meets another, learns nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec import Struct

from gateway.learning.evidence import Table
from gateway.learning.lessons import Lesson
from gateway.learning.raters import Counted, Rater
from gateway.ports.clock import Clock
from gateway.ports.routes import Kept, Place, RatingName, Record, RoutedRating, RouteStore, first_slot

# A minute is learned from once all that was left in it can be read: clocks differ, and writes take time.
SETTLED_S = 60
# Places behind this are given up: a learner that was off does not read for a day what says little by now.
LOOKS_BACK_S = 24 * 3600
# Records of one step, and ratings among them: a transaction has 100 items, and a rating takes two of them.
RECORDS, RATINGS = 400, 40

T = TypeVar("T")


class Taught(Struct):
    """The figures of one run; `done` is false where time was up."""

    records: int = 0
    slots: int = 0
    done: bool = False


class Learner:
    """Keeps the tables of all classes."""

    def __init__(self, store: RouteStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def run(self, until_s: float) -> Taught:
        """Learns all that is new, or as much as there is time for."""
        taught, now_s = Taught(), self._clock.now_s()
        first, end = first_slot(now_s - LOOKS_BACK_S), first_slot(now_s - SETTLED_S)
        learned = await self._store.learned()
        if learned.policy is None:
            # Nothing leaves an outcome before there is a policy.
            return Taught(done=True)
        standing = await self._store.place()
        place = standing if standing is not None and standing.slot >= first else Place(first)
        lesson = Lesson(_decoded(learned.tables, Table), explored_day=learned.explored_day, explored=learned.explored)
        while place.slot < end:
            if self._clock.now_s() > until_s:
                # The next run goes on here, also where all slots were empty.
                if place != standing:
                    await self._store.teach(Kept(), before=standing, after=place)
                return taught
            found = await self._store.records(place.slot, place.name, RECORDS)
            step = _bounded(found)
            after = Place(place.slot, step[-1][0]) if step else Place(place.slot + 1)
            # A place alone is written at the end of a run: most slots are empty.
            if step or after.slot == end:
                if not await self._store.teach(
                    await self._learned(lesson, [record for _, record in step]), before=standing, after=after
                ):
                    # Another run is at work.
                    return taught
                standing = after
            taught.records += len(step)
            taught.slots += after.slot - place.slot
            place = after
        taught.done = True
        return taught

    async def _learned(self, lesson: Lesson, records: Sequence[Record]) -> Kept:
        """Learns from records, and returns what has changed."""
        ratings = [each for each in records if isinstance(each, RoutedRating)]
        raters = {(each.account_id, each.request_class) for each in ratings}
        names = {each.name for each in ratings}
        known = await self._store.known(raters, names) if ratings else Kept()
        lesson.raters = _decoded(known.raters, Rater)
        lesson.counted = _decoded(known.counted, Counted)
        lesson.learn(records)
        changed = {each.request_class for each in records}
        return Kept(
            tables={name: _text(lesson.tables[name]) for name in changed},
            raters={name: _text(rater) for name, rater in lesson.raters.items()},
            counted={name: _text(counted) for name, counted in lesson.counted.items()},
            explored_day=lesson.explored_day if records else "",
            explored=lesson.explored,
        )


def _bounded(found: Sequence[tuple[str, Record]]) -> Sequence[tuple[str, Record]]:
    """The first records, with as many ratings as one transaction takes."""
    ratings = 0
    for place, (_, record) in enumerate(found):
        ratings += isinstance(record, RoutedRating)
        if ratings > RATINGS:
            return found[:place]
    return found


K = TypeVar("K", str, tuple[str, str], RatingName)


def _decoded(texts: Mapping[K, str], kind: type[T]) -> dict[K, T]:
    return {name: msgspec.json.decode(text, type=kind) for name, text in texts.items()}


def _text(state: Table | Rater | Counted) -> str:
    return msgspec.json.encode(state).decode()
