"""Tests that a conversation goes on over another socket of its provider, and that nothing of its client's is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import orjson

from gateway.auth.principal import Principal
from gateway.errors import GatewayError
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.sockets import ProviderClosed, ProviderSocket
from gateway.ports.upstream import Credential
from gateway.realtime.session import open_session
from gateway.sockets.line import Line
from gateway.sockets.purse import Purse
from gateway.sockets.realtime import RealtimeConversation, Ways
from tests.hangs import HANGS_AFTER_S
from tests.realtime.sessions import terms
from tests.stores.conftest import StoppedClock

CREATED = b'{"type":"session.created","session":{"id":"sess_1"}}'
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
    """A provider's socket that says what it is given, and then waits until it is closed."""

    def __init__(self, says: Sequence[bytes], *, takes: int = 99) -> None:
        super().__init__()
        self._says = list(says)
        self._takes = takes
        self._closed = asyncio.Event()
        self.sent: list[bytes] = []

    async def send(self, data: bytes) -> None:
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


class Beside(Changes):
    """Everything around a conversation: its provider's sockets, its money and its client."""

    def __init__(self, *sockets: Socket | int) -> None:
        super().__init__()
        self._sockets = list(sockets)
        self.told: list[str] = []

    async def choice(self, *_: Any) -> Sequence[Credential]:
        return [Credential("key")]

    async def ready(self, _: str, credential: Credential) -> Credential:
        return credential

    async def open(self, *_: Any) -> ProviderSocket:
        socket = self._sockets.pop(0) if self._sockets else 1006
        if isinstance(socket, int):
            raise ProviderClosed(socket)
        return socket

    async def charge(self, *_: Any) -> GatewayError | None:
        return None

    cover = begin = charge

    async def say(self, data: bytes) -> None:
        self.told.append(orjson.loads(data)["type"])
        await self.changed()


def played(beside: Beside, model: str, act: Callable[[RealtimeConversation], Awaitable[None]]) -> None:
    """Runs a conversation to its end, with what its client does."""

    async def play() -> None:
        opened, clock = terms(model), StoppedClock()
        wire = "gemini_live" if "gemini" in model else "openai_realtime"
        ways = Ways(cast("ProviderClient", beside), beside, clock)
        talk = RealtimeConversation(
            ways,
            cast("Principal", None),
            opened.candidate,
            open_session(wire, opened, clock),
            cast("Purse", beside),
            cast("Line", beside),
        )
        running = asyncio.create_task(talk.run())
        await act(talk)
        await running

    asyncio.run(asyncio.wait_for(play(), HANGS_AFTER_S))


def test_a_socket_that_breaks_is_replaced_and_the_frame_that_it_did_not_take_is_sent_again() -> None:
    first, second = Socket([CREATED], takes=0), Socket([])

    async def act(talk: RealtimeConversation) -> None:
        await asyncio.sleep(0)
        await talk.hear(RESPOND)
        await first.close()
        await second.until(lambda: bool(second.sent))
        await second.close()

    beside = Beside(first, second)
    played(beside, "gpt-realtime", act)
    assert second.sent == [RESPOND]
    # Three more sockets that cannot be opened, and the end.
    assert beside.told == ["session.created", "error"]


def test_a_client_that_changes_its_session_with_gemini_has_another_socket_at_once() -> None:
    first, second = Socket([b'{"setupComplete":{}}']), Socket([b'{"setupComplete":{}}'])

    async def act(talk: RealtimeConversation) -> None:
        await talk.hear(b'{"type":"session.update","session":{}}')
        await beside.until(lambda: "session.updated" in beside.told)
        await talk.hear(b'{"type":"session.update","session":{"instructions":"Shout."}}')
        await talk.hear(b'{"type":"input_audio_buffer.append","audio":"AAAA"}')
        await beside.until(lambda: beside.told.count("session.updated") == 2)
        await second.until(lambda: len(second.sent) == 2)
        await second.close()

    beside = Beside(first, second)
    played(beside, "gemini-3.1-flash-live-preview", act)
    assert "Shout." in second.sent[0].decode()
    assert [next(iter(orjson.loads(frame))) for frame in second.sent] == ["setup", "realtimeInput"]


def test_a_provider_that_cannot_be_reached_ends_the_session() -> None:
    beside = Beside(1006)

    async def act(_: RealtimeConversation) -> None:
        await asyncio.sleep(0)

    played(beside, "gpt-realtime", act)
    assert beside.told == ["error"]
