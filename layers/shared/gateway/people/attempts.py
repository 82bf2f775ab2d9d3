"""Bounds attempts by address and by source, before the work that they cause; docs/adr/0033-people.md has the reasons.

Windows are fixed and begin on the clock. A window that this process has seen to be full refuses without a write for a
minute, so that an attempt beyond it costs its sender a request and the gateway hardly more; then an operator may have
emptied it. A registered address and an unknown one
have the same windows.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NoReturn

from msgspec import Struct

from gateway.errors import RateLimited
from gateway.people.tokens import hashed
from gateway.ports.clock import Clock
from gateway.ports.people import PeopleStore

REMEMBERED_MAX = 4096
# A full window is looked at again after so long.
LOOK_AGAIN_S = 60
TOO_MANY = "There were too many attempts; try again later."


class Bound(Struct, frozen=True):
    """Attempts of one kind in a window of so many seconds."""

    kind: str
    limit: int
    window_s: int


# Attempts to sign in: from one source at one address, from one source, at one address from sources that are new to it.
PAIR = Bound("login-pair", 10, 900)
SOURCE = Bound("login-source", 100, 900)
ADDRESS = Bound("login-address", 100, 3600)
# Wrong codes of a second factor: a code is one of a million, three of which are good at a time.
CODES = Bound("codes", 10, 900)
# Passwords that a signed-in person, or a key, proves itself with.
PROOFS = Bound("proofs", 10, 900)
# What sends mail.
MAILS_TO = Bound("mails-to", 5, 3600)
MAILS_FROM = Bound("mails-from", 30, 3600)
# Letters with results of tasks that one account has sent, to all addresses together.
RESULTS_OF = Bound("results-of", 100, 86_400)
# Links that are opened: a token cannot be guessed, and each guess is a read.
LINKS_FROM = Bound("links-from", 100, 900)
REFRESHES_FROM = Bound("refreshes-from", 1000, 900)
# What each of them is about, by which an operator empties their windows: `PAIR` is about an address and a source.
ABOUT_ADDRESSES, ABOUT_PEOPLE = (ADDRESS, MAILS_TO), (CODES, PROOFS)
ABOUT_SOURCES = (SOURCE, MAILS_FROM, LINKS_FROM, REFRESHES_FROM)


class Attempts:
    """Counts attempts over a store."""

    def __init__(self, store: PeopleStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        # When each full window was last seen so.
        self._full: OrderedDict[tuple[str, int], float] = OrderedDict()

    async def count(self, bound: Bound, *about: str) -> None:
        """Counts an attempt; raises `RateLimited` where the window is full."""
        if not await self.counted(bound, *about):
            self.refuse(bound)

    async def counted(self, bound: Bound, *about: str) -> bool:
        """Counts an attempt; false where the window is full."""
        place, now_s = self._place(bound, about), self._clock.now_s()
        if now_s - self._full.get(place, 0) < LOOK_AGAIN_S:
            return False
        scope, window = place
        until_s = (window + 1) * bound.window_s
        if await self._store.count(scope, window, limit=bound.limit, until_s=until_s):
            self._full.pop(place, None)
            return True
        self._full[place] = now_s
        if len(self._full) > REMEMBERED_MAX:
            self._full.popitem(last=False)
        return False

    def refuse(self, bound: Bound) -> NoReturn:
        """Raises the refusal of a full window."""
        rest_s = bound.window_s - int(self._clock.now_s()) % bound.window_s
        raise RateLimited(TOO_MANY, retry_after_s=rest_s, should_retry=False)

    async def forget(self, bound: Bound, *about: str) -> None:
        """Empties the window of an attempt that has succeeded."""
        scope, window = self._place(bound, about)
        await self._store.forget(scope, window)

    def _place(self, bound: Bound, about: tuple[str, ...]) -> tuple[str, int]:
        """The window now. Its name tells neither an address nor a source."""
        return f"{bound.kind}#{hashed('#'.join(about))[:32]}", int(self._clock.now_s()) // bound.window_s
