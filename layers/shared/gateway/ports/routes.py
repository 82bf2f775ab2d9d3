"""Outcomes of routed requests, what was learned from them, and the operator's policies of choice.

Outcomes and ratings are left in slots of time, which the function `learner` reads one after the other. The texts of
tables and policies are JSON, which `gateway/learning` reads and writes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

# Slots of one minute: enough that no partition meets its write limit (docs/scale.md).
SHARDS = 4
# Outcomes are kept as long as the feedback that may come for them.
KEPT_S = 180 * 24 * 3600

Slot: TypeAlias = int


class Offered(Struct, frozen=True, array_like=True):
    """One candidate of a decision: what the catalog let expect of it, and the probability of it to be tried first."""

    arm: str
    seconds: float
    cost: float
    quality: int | None
    propensity: float


class RoutedOutcome(Struct, frozen=True, kw_only=True):
    """The decision for one request, with what came of the target that was tried first. No text of it, no account.

    `chosen` is what was decided, `tried` what was asked first: another one where the chosen was not well. Times are
    seconds, costs nano-dollars at the target's list price. `explored` is what the choice was expected to cost more than
    the best one.
    """

    generation_id: str
    request_class: str
    version: str
    policy: str
    offered: tuple[Offered, ...]
    chosen: str
    tried: str
    succeeded: bool
    seconds: float
    cost: float
    explored: float
    at_s: float

    @property
    def option(self) -> Offered | None:
        """The candidate that was tried first, as it was expected to do."""
        return next((each for each in self.offered if each.arm == self.tried), None)


class RatingName(Struct, frozen=True):
    """Names one user's rating of one generation of an account."""

    account_id: str
    generation_id: str
    user: str


class RoutedRating(Struct, frozen=True, kw_only=True):
    """A user's rating of a routed generation, to be learned from. It is counted as its account's."""

    generation_id: str
    account_id: str
    user: str
    request_class: str
    arm: str
    liked: bool
    at_s: float

    @property
    def name(self) -> RatingName:
        """Its name, under which a later one of the same user is known."""
        return RatingName(self.account_id, self.generation_id, self.user)


Record: TypeAlias = RoutedOutcome | RoutedRating


class Learned(Struct, frozen=True):
    """All that a choice reads: the newest policy's document, tables by class, and the money explored on a UTC day."""

    policy: str | None = None
    tables: Mapping[str, str] = {}
    explored_day: str = ""
    explored: float = 0.0


class Kept(Struct, frozen=True, kw_only=True):
    """The state of learning as texts: tables by class, raters by account and class, how each rating was counted."""

    tables: Mapping[str, str] = {}
    raters: Mapping[tuple[str, str], str] = {}
    counted: Mapping[RatingName, str] = {}
    explored_day: str = ""
    explored: float = 0.0


class StoredPolicy(Struct, frozen=True):
    """One version of the operator's policies: its document, who set it, and when. `number` counts them."""

    number: int
    version: str
    text: str
    set_by: str
    set_at_s: int


class Place(Struct, frozen=True):
    """The record up to which all has been learned: its slot, and its name there."""

    slot: Slot = 0
    name: str = ""


def slot_of(at_s: float, identity: str) -> Slot:
    """The slot of what was left at a time."""
    return int(at_s) // 60 * SHARDS + zlib.crc32(identity.encode()) % SHARDS


def first_slot(at_s: float) -> Slot:
    """The first slot of a time's minute."""
    return int(at_s) // 60 * SHARDS


class RouteStore(Protocol):
    """Outcomes, learned tables and policies.

    If the store cannot be reached, a method raises `ServiceUnavailable`; a repeat is safe.
    """

    async def learned(self) -> Learned:
        """All that a choice reads, perhaps a second old."""

    async def leave(self, record: Record) -> None:
        """Leaves an outcome or a rating to be learned from."""

    async def outcome(self, generation_id: str, ended_s: float) -> RoutedOutcome | None:
        """The outcome of a generation that ended at about this time."""

    async def policies(self, most: int) -> Sequence[StoredPolicy]:
        """The last versions of the policies, the newest first."""

    async def set_policy(self, stored: StoredPolicy) -> bool:
        """Makes this the newest version; false where one of its number exists."""

    async def records(self, slot: Slot, after: str, most: int) -> Sequence[tuple[str, Record]]:
        """The records of a slot after a name, in the order of their names."""

    async def place(self) -> Place | None:
        """The place up to which all has been learned."""

    async def known(self, raters: Iterable[tuple[str, str]], ratings: Iterable[RatingName]) -> Kept:
        """The raters and counted ratings of these names that there are; no tables."""

    async def teach(self, kept: Kept, *, before: Place | None, after: Place) -> bool:
        """Writes what was learned up to a place, all or nothing; false where the place before is not that any more."""
