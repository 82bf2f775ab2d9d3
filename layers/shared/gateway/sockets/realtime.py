"""A conversation in realtime: joins a session of `gateway.realtime` to its client, its provider and its money.

What the session wants done is done in its order: what pays first, then the frames to either side.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, ParamSpec, TypeVar

import msgspec
from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.errors import GatewayError, ServiceUnavailable
from gateway.ports.clock import Clock
from gateway.ports.sockets import ProviderClosed, ProviderSocket, SocketRecord
from gateway.realtime.step import Step
from gateway.routing.plan import id_of
from gateway.sockets.carrying import USUAL, HandOver
from gateway.sockets.line import Line
from gateway.sockets.opening import GREETS_S, Opened, Opening
from gateway.sockets.purse import Purse
from gateway.sockets.sessions import Kept, RealtimeCandidate, Sessions, update_of, wire_of

TICK_S = 5.0
# The caller's key is read so often: the session of one that is revoked ends within this time.
STANDS_S = 15.0
# A provider has answered what it was sent if it says nothing for this long.
SETTLES_S = 0.5
# A response that nothing has come of for so long has stalled: it goes on nowhere, and the session over another socket.
STALLS_S = 60.0
# A step that is under way when the session ends here is waited for so long; then the provider's socket is closed, which
# may take nothing.
FAREWELL_S = 2.0
# A provider that ends a socket so does well.
USUAL_ENDS = frozenset({1000, 1001})
LARGE = "An event '{}' of the session is over 128 KB, and a socket does not carry it."
EXPIRED = "The session has reached its maximum duration of 60 minutes."

# Reads the caller as it stands now; raises the refusal of a key that is not valid any more.
Standing = Callable[[], Awaitable[Principal]]
P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger(__name__)


class RealtimeConversation:
    """One conversation, at one provider at a time.

    `candidates` are those that may serve it, the first one first; one that has begun keeps to its model and its wire.
    """

    def __init__(
        self,
        opening: Opening,
        candidates: Sequence[RealtimeCandidate],
        sessions: Sessions,
        kept: Kept | None,
        purse: Purse,
        line: Line,
        standing: Standing,
        clock: Clock,
        settings: bytes = b"",
    ) -> None:
        self._opening = opening
        self._candidates = candidates
        self._sessions = sessions
        self._candidate = candidates[0]
        state = None if kept is None else kept.session or None
        self._session = sessions(self._candidate, state)
        self._has_begun = state is not None
        self._clock = clock
        self._purse = purse
        self._line = line
        self._standing = standing
        # Of a client secret, until the session is set to them.
        self._settings = settings
        self._socket: ProviderSocket | None = None
        self._used: Opened | None = None
        # Of the account that knows the session, if it has begun.
        self._credential_id = "" if kept is None else kept.credential
        self._opened = asyncio.Event()
        self._over = asyncio.Event()
        # Set where the session is to end here, or to be handed over: its socket is closed, and is not replaced.
        self._leaving = False
        self._reconnects = False
        # The hold that has a note.
        self._noted = ""
        # Frames that a broken socket has not taken.
        self._unsent: list[bytes] = [] if kept is None else list(kept.unsent)
        self._turn = asyncio.Lock()
        self.changed = asyncio.Event()
        # When either side was last heard, and when the provider was.
        self._last_s = self._provider_s = 0.0
        # Since when a socket that has said nothing yet has to answer what it was sent.
        self._waits_s: float | None = None
        self._is_heard = False

    async def run(self) -> None:
        try:
            if await self._begin() or await self._again():
                await self._go_on()
        finally:
            # However the session ends, its provider is not to go on with it.
            await self._close()

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
            # One may have a socket to close.
            await asyncio.wait((hearing, ticking, over))

    async def _begin(self) -> bool:
        """Opens the provider's socket and says what it begins with; false where that ends the session."""
        try:
            opened = await self._opening.open(self._usable, self._credential_id, greeted=not self._has_begun)
        except ProviderClosed as closed:
            await self._do(self._session.provider_gone, closed.code)
            return False
        except GatewayError as error:
            await self._do(self._session.refused, error)
            return False
        if opened.candidate is not self._candidate or self._credential_id not in ("", opened.credential.id):
            self._go_over_to(opened.candidate)
        self._credential_id = opened.credential.id
        self._used, self._socket = opened, opened.socket
        self._last_s = self._provider_s = self._clock.monotonic_s()
        self._waits_s, self._is_heard = None, opened.greeting is not None
        async with self._turn:
            if not self._over.is_set():
                # A hand-over finds a session that its client has been told of, or none.
                self._has_begun = True
                await self._start(opened.greeting)
        self._opened.set()
        return not self._reconnects

    @property
    def _usable(self) -> list[RealtimeCandidate]:
        """The candidates that may serve the session as it stands, its own first."""
        others = [each for each in self._candidates if each is not self._candidate]
        if self._has_begun:
            model, wire = self._candidate.model.id, wire_of(self._candidate)
            others = [each for each in others if each.model.id == model and wire_of(each) == wire]
        return [self._candidate, *others]

    def _go_over_to(self, candidate: RealtimeCandidate) -> None:
        """Has another candidate serve the session, which goes on with what is known of it."""
        self._session.moved()
        state = self._session.state() if self._has_begun else None
        self._candidate, self._session = candidate, self._sessions(candidate, state)
        self._purse.served_by(candidate)

    async def _start(self, greeting: bytes | None) -> None:
        """Begins a socket, with the frames that the one before has not taken."""
        unsent, self._unsent = self._unsent, []
        await self._apply(self._session.opened(unsent))
        if greeting is not None and not self._over.is_set():
            await self._apply(self._session.from_provider(greeting))
        if self._settings and not self._over.is_set():
            update, self._settings = update_of(self._settings), b""
            await self._apply(self._session.from_client(update))

    async def hear(self, data: bytes) -> None:
        if not self._opened.is_set():
            await self._opened.wait()
        await self._do(self._session.from_client, data)

    @asynccontextmanager
    async def _last_turn(self) -> AsyncIterator[None]:
        """The turn in which the session ends here; a provider that takes nothing does not keep it."""
        self._leaving = True
        try:
            async with asyncio.timeout(FAREWELL_S):
                await self._turn.acquire()
        except TimeoutError:
            await self._close()
            await self._turn.acquire()
        try:
            yield
        finally:
            self._turn.release()

    async def leave(self) -> bytes | None:
        async with self._last_turn():
            if not self._over.is_set():
                await self._apply(self._session.left())
            # What a response has come to may have been the last of the money.
            is_over = self._over.is_set()
            self._over.set()
            await self._close()
            if is_over:
                return None
            candidate, beside = self._candidate, self._purse.beside
            state = self._session.state() if self._has_begun else b""
            kept = Kept(id_of(candidate), state, beside, wire_of(candidate), self._credential_id, self._unsent)
            return msgspec.json.encode(kept)

    async def end(self, *, expired: bool) -> None:
        async with self._last_turn():
            if expired:
                await self._apply(self._session.refused(GatewayError(EXPIRED, code="session_expired")))
            elif not self._over.is_set():
                await self._apply(self._session.left())
            self._over.set()
            await self._close()
            await self._purse.close()

    async def tell(self, error: GatewayError) -> None:
        await tell(self._line, error)

    @property
    def hand_over(self) -> HandOver:
        return USUAL

    @property
    def quiet(self) -> bool:
        # What a provider's first socket is to tell the client, no further one would.
        return self._opened.is_set() and self._session.quiet

    @property
    def settled(self) -> bool:
        return self.quiet and self._clock.monotonic_s() - self._last_s > SETTLES_S

    def noted(self, record: SocketRecord) -> SocketRecord:
        return replace(record, hold=self._purse.hold, place=self._purse.place)

    async def _hear_provider(self) -> None:
        while not self._over.is_set() and self._socket is not None:
            try:
                data = await self._socket.receive()
            except ProviderClosed as closed:
                if self._leaving:
                    await self._over.wait()
                    return
                # Where the session has wanted another socket, it was closed here.
                if not self._reconnects:
                    self._ended(closed.code)
                    await self._do(self._session.provider_gone, closed.code)
                if not self._reconnects:
                    return
            else:
                self._provider_s, self._is_heard = self._clock.monotonic_s(), True
                await self._do(self._session.from_provider, data)
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

    async def _close(self) -> None:
        if self._socket is not None:
            await self._socket.close()

    def _ended(self, code: int) -> None:
        """Notes that the provider has closed its socket: one that has said nothing has refused the session."""
        if code not in USUAL_ENDS:
            self._fail()
        if not self._is_heard and self._used is not None:
            self._opening.refused(self._used, code)

    def _fail(self) -> None:
        """Notes that the provider has broken off, for the next socket and for other sessions."""
        if self._used is not None and not self._over.is_set():
            self._opening.failed(self._used.candidate, self._used.credential)

    async def _tick(self) -> None:
        stood_s = self._clock.monotonic_s()
        while True:
            await asyncio.sleep(TICK_S)
            caller: Principal | GatewayError | None = None
            if self._clock.monotonic_s() - stood_s >= STANDS_S:
                stood_s = self._clock.monotonic_s()
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
                if self._has_stalled:
                    log.warning("a provider has stalled")
                    self._fail()
                    # What waits for this socket's frames hears that it has closed.
                    await self._close()

    @property
    def _has_stalled(self) -> bool:
        """True where nothing comes of a response, or of what a socket was sent first."""
        now_s = self._clock.monotonic_s()
        if not self._is_heard and self._waits_s is not None:
            return now_s - self._waits_s > GREETS_S
        return self._session.responds and now_s - self._provider_s > STALLS_S

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
        so_far, hold = self._session.so_far(), self._purse.hold
        if so_far is not None and hold is not None:
            self._noted = hold.hold_id
            await self._purse.checkpoint(so_far)
            self.changed.set()

    @property
    def _is_unnoted(self) -> bool:
        """True for a running response whose hold has no note yet: its process may die before a tick."""
        hold = self._purse.hold
        return self._session.responds and hold is not None and hold.hold_id != self._noted

    async def _do(self, verb: Callable[P, Step], *given: P.args, **named: P.kwargs) -> None:
        """Has the session judge one thing at a time, and does what it wants done."""
        async with self._turn:
            self._last_s = self._clock.monotonic_s()
            if not self._over.is_set():
                await self._apply(verb(*given, **named))

    async def _apply(self, step: Step) -> None:
        refusal = None
        if step.spent or step.responses or step.ask_nanousd is not None:
            refusal = await whole(self._pay(step))
        if refusal is not None:
            # What was asked for does not leave; what the provider has said does.
            step.to_provider, after = [], self._session.refused(refusal)
        else:
            after = None
        for place, frame in enumerate(step.to_provider):
            try:
                if self._socket is not None:
                    await self._socket.send(frame)
                    self._waits_s = self._waits_s or self._clock.monotonic_s()
            except ProviderClosed as closed:
                log.info("the provider has closed while it was written to: %s", closed)
                self._unsent += step.to_provider[place:]
                break
        await self._say(step.to_client)
        if self._is_unnoted:
            await self._note()
        if step.reconnect:
            self._reconnects = True
            self._opened.clear()
            # What waits for this socket's frames hears that it has closed.
            await self._close()
        if step.close is not None:
            self._over.set()
        if after is not None and not self._over.is_set():
            await self._refuse(after)

    async def _refuse(self, step: Step) -> None:
        """Does what a refusal leads to, which is not paid for but by what it charges."""
        for spent in step.spent:
            await whole(self._purse.charge(spent, 0))
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
                # Its client may wait for it.
                kind = msgspec.json.decode(event).get("type")
                await self.tell(GatewayError(LARGE.format(kind), code="event_too_large"))

    async def _pay(self, step: Step) -> GatewayError | None:
        """Charges what a step has spent, and has held what it asks for; the first refusal."""
        refusal, was_held = None, self._purse.hold is not None
        for spent in step.spent:
            exposure, so_far = self._session.exposure_nanousd, self._session.so_far()
            refusal = await self._purse.charge(spent, exposure, so_far) or refusal
        if refusal is None and step.responses:
            refusal = await self._purse.begin()
        if refusal is None and step.ask_nanousd is not None:
            refusal = await self._purse.cover(step.ask_nanousd)
        if step.spent or not was_held:
            # By the hold in its record a dead session is ended.
            self.changed.set()
        return refusal


async def tell(line: Line, error: GatewayError) -> None:
    """Tells a session's client of an error, by the wire's event."""
    from gateway.realtime.events import error_event  # noqa: PLC0415  # seldom needed

    await line.say(error_event(error, f"event_{secrets.token_hex(8)}"))


async def whole(paying: Coroutine[Any, Any, T]) -> T:
    """Pays to the end, also where its task is cancelled meanwhile: a charge cut in half would be lost."""
    task = asyncio.create_task(paying)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
