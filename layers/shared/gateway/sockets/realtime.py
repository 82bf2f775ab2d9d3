"""A conversation in realtime: joins a session of `gateway.realtime` to its client, its provider and its money.

What the session wants done is done in its order: what pays first, then the frames to either side.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.realtime import RealtimeModel, Spent, Transcriber
from gateway.errors import GatewayError, NotConfigured, ServiceUnavailable
from gateway.operations.input_meter import tier_of
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.clock import Clock
from gateway.ports.sockets import ProviderClosed, ProviderSocket, ProviderSockets, SocketRecord
from gateway.providers.realtime.registry import REALTIME
from gateway.realtime.session import Session, open_session
from gateway.realtime.step import Step, Terms
from gateway.routing.plan import Candidate, id_of
from gateway.sockets.carrying import USUAL, HandOver
from gateway.sockets.line import Line
from gateway.sockets.purse import Purse

TICK_S = 5.0
# The caller's key is read so often: the session of one that is revoked ends within this time.
STANDS_S = 15.0
# A provider has answered what it was sent if it says nothing for this long.
SETTLES_S = 0.5
LARGE = "An event '{}' of the session is over 128 KB, and a socket does not carry it."
EXPIRED = "The session has reached its maximum duration of 60 minutes."

RealtimeCandidate = Candidate[RealtimeModel]
# Reads the caller as it stands now; raises the refusal of a key that is not valid any more.
Standing = Callable[[], Awaitable[Principal]]
log = logging.getLogger(__name__)


class Kept(Struct, frozen=True):
    """State for the next run: which candidate is the session's, and the session's own state."""

    candidate: str
    session: bytes
    beside: list[Spent] = []


class Ways(Struct, frozen=True):
    """The ways to providers."""

    providers: ProviderClient
    sockets: ProviderSockets
    clock: Clock


def terms_of(session_id: str, candidate: RealtimeCandidate, transcribers: Mapping[str, Transcriber]) -> Terms:
    """The terms on which a session with a candidate is opened."""
    return Terms(session_id, candidate, tier_of(candidate), transcribers)


def session_of(candidate: RealtimeCandidate, terms: Terms, clock: Clock, state: bytes | None = None) -> Session:
    """The session with a candidate, or the one of a state."""
    return open_session(REALTIME[candidate.target.provider].wire, terms, clock, state)


class RealtimeConversation:
    """One conversation at one provider."""

    def __init__(
        self,
        ways: Ways,
        principal: Principal,
        candidate: RealtimeCandidate,
        session: Session,
        purse: Purse,
        line: Line,
        standing: Standing,
        settings: bytes = b"",
    ) -> None:
        self._ways = ways
        self._principal = principal
        self._candidate = candidate
        self._session = session
        self._purse = purse
        self._line = line
        self._standing = standing
        # Of a client secret, until the session is set to them.
        self._settings = settings
        self._socket: ProviderSocket | None = None
        self._opened = asyncio.Event()
        self._over = asyncio.Event()
        self._reconnects = False
        # Frames that a broken socket has not taken.
        self._unsent: list[bytes] = []
        self._turn = asyncio.Lock()
        self.changed = asyncio.Event()
        # When either side was last heard.
        self._last_s = 0.0

    async def run(self) -> None:
        try:
            if await self._begin() or await self._again():
                await self._go_on()
        finally:
            # However the session ends, its provider is not to go on with it.
            if self._socket is not None:
                await self._socket.close()

    async def _go_on(self) -> None:
        """Hears the provider, and the time, until the session is over."""
        hearing = asyncio.create_task(self._hear_provider())
        ticking = asyncio.create_task(self._tick())
        over = asyncio.create_task(self._over.wait())
        try:
            done, _ = await asyncio.wait({hearing, ticking, over}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (hearing, ticking, over):
                task.cancel()

    async def _begin(self) -> bool:
        """Opens the provider's socket and says what it begins with; false where that ends the session."""
        try:
            self._socket = await self._open()
        except ProviderClosed as closed:
            log.warning("the provider refused a session: %s", closed)
            await self._do(partial(self._session.provider_gone, closed.code))
            return False
        except GatewayError as error:
            await self._do(partial(self._session.refused, error))
            return False
        await self._do(self._beginning)
        if self._settings:
            update = b'{"type":"session.update","session":' + self._settings + b"}"
            self._settings = b""
            await self._do(partial(self._session.from_client, update))
        self._opened.set()
        return not self._reconnects

    def _beginning(self) -> Step:
        """Begins a socket, and sends the frames that the one before has not taken, each once."""
        step = self._session.opened()
        unsent, self._unsent = self._unsent, []
        step.to_provider += [frame for frame in unsent if frame not in step.to_provider]
        return step

    async def hear(self, data: bytes) -> None:
        await self._opened.wait()
        await self._do(partial(self._session.from_client, data))

    async def leave(self) -> bytes:
        async with self._turn:
            await self._apply(self._session.left())
            self._over.set()
            if self._socket is not None:
                await self._socket.close()
            return msgspec.json.encode(Kept(id_of(self._candidate), self._session.state(), self._purse.beside))

    async def end(self, *, expired: bool) -> None:
        async with self._turn:
            if expired:
                await self._apply(self._session.refused(GatewayError(EXPIRED, code="session_expired")))
            elif not self._over.is_set():
                await self._apply(self._session.left())
            # The provider's socket, which closes now, is not to be replaced.
            self._over.set()
            if self._socket is not None:
                await self._socket.close()
            await self._purse.close()

    @property
    def hand_over(self) -> HandOver:
        return USUAL

    @property
    def quiet(self) -> bool:
        return self._session.quiet

    @property
    def settled(self) -> bool:
        return self.quiet and self._ways.clock.monotonic_s() - self._last_s > SETTLES_S

    def noted(self, record: SocketRecord) -> SocketRecord:
        return replace(record, hold=self._purse.hold)

    async def _open(self) -> ProviderSocket:
        """The candidate's socket, with the first of its credentials; raises `ProviderClosed` or the refusal."""
        target = self._candidate.target
        found = await self._ways.providers.choice(self._candidate, self._principal)
        if not found:
            raise NotConfigured
        credential = await self._ways.providers.ready(target.provider, found[0])
        transcribes = self._candidate.model.does != "conversation"
        socket = REALTIME[target.provider].socket(
            target.upstream_model, credential, self._ways.clock.now_s(), transcribes=transcribes
        )
        return await self._ways.sockets.open(socket.url, socket.headers)

    async def _hear_provider(self) -> None:
        while not self._over.is_set() and self._socket is not None:
            try:
                data = await self._socket.receive()
            except ProviderClosed as closed:
                # Where the session has wanted another socket, it was closed here.
                if not self._reconnects:
                    await self._do(partial(self._session.provider_gone, closed.code))
                if not self._reconnects:
                    return
            else:
                await self._do(partial(self._session.from_provider, data))
            if self._reconnects and not await self._again():
                return

    async def _again(self) -> bool:
        """Opens another socket of the provider in this one's place, while the client's events wait.

        The session says how often one that fails is tried again.
        """
        while self._reconnects:
            self._reconnects = False
            if await self._begin():
                return True
        return False

    async def _tick(self) -> None:
        stood_s = self._ways.clock.monotonic_s()
        while True:
            await asyncio.sleep(TICK_S)
            caller: Principal | GatewayError | None = None
            if self._ways.clock.monotonic_s() - stood_s >= STANDS_S:
                stood_s = self._ways.clock.monotonic_s()
                caller = await self._caller()
            async with self._turn:
                if self._over.is_set():
                    return
                await self._apply(self._session.tick())
                if isinstance(caller, GatewayError):
                    await self._apply(self._session.refused(caller))
                elif caller is not None:
                    self._purse.follow(caller)
                await self._note()

    async def _caller(self) -> Principal | GatewayError | None:
        """The caller as it stands now, or its refusal; `None` where that cannot be read."""
        try:
            return await self._standing()
        except ServiceUnavailable:
            return None
        except GatewayError as refusal:
            return refusal

    async def _note(self) -> None:
        """Notes what the session has come to, for the sweeper."""
        so_far = self._session.so_far()
        if so_far is not None:
            await self._purse.checkpoint(so_far)
            self.changed.set()

    async def _do(self, verb: Callable[[], Step]) -> None:
        """Has the session judge one thing at a time, and does what it wants done."""
        async with self._turn:
            self._last_s = self._ways.clock.monotonic_s()
            if not self._over.is_set():
                await self._apply(verb())

    async def _apply(self, step: Step) -> None:
        refusal = await self._paid(step)
        if refusal is not None:
            # What was asked for does not leave; what the provider has said does.
            step.to_provider, after = [], self._session.refused(refusal)
        else:
            after = None
        for place, frame in enumerate(step.to_provider):
            try:
                if self._socket is not None:
                    await self._socket.send(frame)
            except ProviderClosed as closed:
                log.info("the provider has closed while it was written to: %s", closed)
                self._unsent += step.to_provider[place:]
                break
        await self._say(step.to_client)
        if step.reconnect:
            self._reconnects = True
            self._opened.clear()
            if self._socket is not None:
                # What waits for this socket's frames hears that it has closed.
                await self._socket.close()
        if step.close is not None:
            self._over.set()
        if after is not None and not self._over.is_set():
            await self._refuse(after)

    async def _refuse(self, step: Step) -> None:
        """Does what a refusal leads to, which is not paid for but by what it charges."""
        for spent in step.spent:
            await self._purse.charge(spent, 0)
        with suppress(ProviderClosed):
            for frame in step.to_provider:
                if self._socket is not None:
                    await self._socket.send(frame)
        await self._say(step.to_client)
        if step.close is not None:
            self._over.set()

    async def _say(self, events: Sequence[bytes]) -> None:
        for event in events:
            if not await self._line.say(event):
                from gateway.realtime.events import error_event  # noqa: PLC0415  # seldom needed

                # Its client may wait for it.
                error = GatewayError(LARGE.format(msgspec.json.decode(event).get("type")), code="event_too_large")
                await self._line.say(error_event(error, f"event_{secrets.token_hex(8)}"))

    async def _paid(self, step: Step) -> GatewayError | None:
        """Charges what a step has spent, and has held what it asks for; the first refusal."""
        refusal = None
        for spent in step.spent:
            refusal = await self._purse.charge(spent, self._session.exposure_nanousd) or refusal
            self.changed.set()
        if refusal is None and step.responses:
            refusal = await self._purse.begin()
        if refusal is None and step.ask_nanousd is not None:
            refusal = await self._purse.cover(step.ask_nanousd)
        return refusal
