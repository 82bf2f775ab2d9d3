"""A conversation with everything around it in memory: its provider's sockets, its money and its client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import cast
from urllib.parse import urlsplit

import orjson
import pytest

from gateway.auth.principal import Principal
from gateway.canonical.money import Hold
from gateway.canonical.realtime import Spent
from gateway.errors import AuthenticationFailed, GatewayError, InsufficientBalance
from gateway.pipeline.health import Health
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.provider_keys import Envelope, Mode, ProviderKey
from gateway.ports.sockets import ProviderClosed, ProviderSocket
from gateway.ports.upstream import Credential
from gateway.realtime.session import Session
from gateway.routing.own import with_own
from gateway.sockets.line import MESSAGE_BYTES_MAX, Line
from gateway.sockets.opening import Opening, Ways
from gateway.sockets.purse import Purse
from gateway.sockets.realtime import STALLS_S, RealtimeConversation
from gateway.sockets.sessions import Kept, RealtimeCandidate, session_of
from tests.fakes.health import MemoryHealth
from tests.hangs import HANGS_AFTER_S
from tests.realtime.sessions import terms
from tests.virtual_time import LoopClock, run

CREATED = b'{"type":"session.created","session":{"id":"sess_1"}}'
GEMINI = "gemini-3.1-flash-live-preview"
RESPOND = b'{"type":"response.create"}'


class Changes:
    """Has a test wait for what it wants to see."""

    def __init__(self) -> None:
        self._condition = asyncio.Condition()

    async def changed(self) -> None:
        async with self._condition:
            self._condition.notify_all()

    async def until(self, seen: Callable[[], bool]) -> None:
        async with self._condition:
            await self._condition.wait_for(seen)


class Socket(Changes):
    """A provider's socket that says what it is given, and then waits until it is closed.

    Of more frames than it `takes` it is broken, or where it `waits` takes none until it is closed.
    """

    def __init__(self, says: Sequence[bytes], *, takes: int = 99, waits: bool = False) -> None:
        super().__init__()
        self._waits = waits
        self._says = list(says)
        self._takes = takes
        self._closed = asyncio.Event()
        self.sent: list[bytes] = []

    async def send(self, data: bytes) -> None:
        if self._waits and len(self.sent) == self._takes:
            await self._closed.wait()
        if self._closed.is_set() or len(self.sent) == self._takes:
            raise ProviderClosed(1006)
        self.sent.append(data)
        await self.changed()

    async def receive(self) -> bytes:
        if self._says:
            return self._says.pop(0)
        await self._closed.wait()
        raise ProviderClosed(1006)

    async def close(self) -> None:
        self._closed.set()

    @property
    def is_closed(self) -> bool:
        return self._closed.is_set()


class Beside(Changes):
    """Everything around a conversation: its provider's sockets, its money and its client."""

    def __init__(self, *sockets: Socket | ProviderClosed | int) -> None:
        super().__init__()
        self._sockets = list(sockets)
        self.told: list[str] = []
        self.errors: list[str] = []
        self.opens = 0
        self.noted: list[Spent] = []
        self.charged: list[tuple[Spent, Spent | None]] = []
        self.hold = Hold("acct_one", "hold_one", "key_one", 0, 0)
        self.beside: list[Spent] = []
        self.is_revoked = self.is_poor = False
        self.is_closed = False
        self.paying, self.pays_for_s = asyncio.Event(), 0
        self.hosts: list[str] = []
        self.served: list[str] = []
        self.keys = [Credential("key", "https://here.example")]
        self.health = MemoryHealth()

    async def choice(self, candidate: RealtimeCandidate, _: Principal) -> Sequence[Credential]:
        return self.keys if candidate.own is None else [Credential("own", "https://own.example")]

    async def ready(self, _: str, credential: Credential) -> Credential:
        return credential

    async def open(self, url: str, headers: Sequence[tuple[str, str]]) -> ProviderSocket:
        self.opens += 1
        await self.changed()
        # OpenAI's has the key in another header than Azure's.
        self.hosts.append("azure" if "api-key" in dict(headers) else urlsplit(url).netloc)
        socket = self._sockets.pop(0) if self._sockets else 1006
        if isinstance(socket, int):
            raise ProviderClosed(socket)
        if isinstance(socket, ProviderClosed):
            raise socket
        return socket

    async def charge(self, spent: Spent, _exposure: int, so_far: Spent | None) -> GatewayError | None:
        self.paying.set()
        await asyncio.sleep(self.pays_for_s)
        self.charged.append((spent, so_far))
        return await self.begin()

    async def begin(self, *_: int) -> GatewayError | None:
        # What is asked for after the end would be held for an hour.
        assert not self.is_closed
        return InsufficientBalance("gone") if self.is_poor else None

    cover = begin

    async def close(self) -> None:
        self.is_closed = True

    async def checkpoint(self, so_far: Spent) -> None:
        self.noted.append(so_far)

    def served_by(self, candidate: RealtimeCandidate) -> None:
        self.served.append(candidate.model.id)

    def follow(self, _: Principal) -> None:
        pass

    async def standing(self) -> Principal:
        if self.is_revoked:
            raise AuthenticationFailed("revoked")
        return cast("Principal", None)

    async def say(self, data: bytes) -> bool:
        if len(data) > MESSAGE_BYTES_MAX:
            return False
        event = orjson.loads(data)
        self.told.append(event["type"])
        self.errors += [event["error"]["code"]] if event["type"] == "error" else []
        await self.changed()
        return True


def played(
    beside: Beside,
    model: str,
    act: Callable[[RealtimeConversation], Awaitable[None]],
    *others: str,
    kept: Kept | None = None,
    own: Mode | None = None,
    is_cut: bool = False,
) -> None:
    """Runs a conversation to its end, with what its client does; `others` are further providers that may serve it.

    One that `is_cut` is given up then, as a run does it.
    """

    async def play() -> None:
        clock = LoopClock()
        candidates = [terms(model, provider).candidate for provider in ("", *others)]
        candidates = candidates if own is None else with_own(candidates, [own_key(own)], [])

        def session(candidate: RealtimeCandidate, state: bytes | None) -> Session:
            return session_of(candidate, terms(model, candidate.target.provider), clock, state)

        ways = Ways(cast("ProviderClient", beside), beside, clock, Health(clock, beside.health), Health(clock))
        talk = RealtimeConversation(
            Opening(ways, cast("Principal", None)),
            candidates,
            session,
            kept,
            cast("Purse", beside),
            cast("Line", beside),
            beside.standing,
            clock,
        )
        running = asyncio.create_task(talk.run())
        await act(talk)
        if is_cut:
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        else:
            await running

    run(asyncio.wait_for(play(), HANGS_AFTER_S))


def own_key(mode: Mode) -> ProviderKey:
    return ProviderKey("acct_a", "openai", "pk_one", "name", mode, "0000", 0, 0, 1, cast("Envelope", None))


async def leaves(talk: RealtimeConversation) -> None:
    """A client that goes once the session has begun or has ended."""
    await asyncio.sleep(STALLS_S)
    await talk.end(expired=False)
