"""Opens a provider's socket for a session: at the first candidate that takes it, those that are well first.

A session's candidates are asked one after another until one has opened its socket and, where its wire greets, has told
that the session is there. What fails is noted as chat's failures are (`pipeline/health.py`), so that a target whose
breaker is open is asked last, by this process and by others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from random import SystemRandom

import msgspec
from msgspec import Struct

from gateway.auth.principal import Principal
from gateway.errors import GatewayError, NotConfigured, ProviderKeyRefused, UpstreamError
from gateway.pipeline.health import Health
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.clock import Clock
from gateway.ports.sockets import ProviderClosed, ProviderSocket, ProviderSockets
from gateway.ports.upstream import Credential
from gateway.providers.realtime.registry import REALTIME
from gateway.realtime.step import GONE, MOVED
from gateway.routing.health import by_weight, in_order, place_of, target_name
from gateway.routing.plan import id_of
from gateway.sockets.sessions import RealtimeCandidate

# A provider that has opened its socket says so within this time, on a wire that greets.
GREETS_S = 10.0
ABNORMAL = 1006
GREETINGS = ("session.created", "transcription_session.created")
REFUSES_KEY = frozenset({401, 403})
CHANCE = SystemRandom()

log = logging.getLogger(__name__)


class Ways(Struct, frozen=True):
    """The ways to providers, and how their targets do: for the gateway's credentials, and for an account's own keys."""

    providers: ProviderClient
    sockets: ProviderSockets
    clock: Clock
    health: Health
    own: Health


class Opened(Struct, frozen=True):
    """An open socket of a candidate, with the frame by which it has greeted."""

    candidate: RealtimeCandidate
    credential: Credential
    socket: ProviderSocket
    greeting: bytes | None


class Opening:
    """Opens the sockets of one session."""

    def __init__(self, ways: Ways, principal: Principal) -> None:
        self._ways = ways
        self._principal = principal
        # Ways that have refused what the session begins with: for good, or only when they were asked.
        self._refused: dict[str, bool] = {}

    async def open(self, candidates: Sequence[RealtimeCandidate], credential_id: str, *, greeted: bool) -> Opened:
        """The socket of the first candidate that takes the session; `greeted` waits for its greeting too.

        The credential of that id is asked first, where it is there: its account knows the session. Raises the failure
        of the last one: `ProviderClosed`, or the refusal.
        """
        failure: ProviderClosed | GatewayError = UpstreamError(GONE) if self._refused else NotConfigured()
        for candidate, credential in await self._in_turn(candidates, credential_id):
            try:
                return await self._opened(candidate, credential, greeted=greeted)
            except ProviderClosed as closed:
                log.warning("%s refused a session: %s", candidate.target.provider, closed)
                self.failed(candidate, credential)
                is_own = candidate.own is not None and closed.status in REFUSES_KEY
                failure = ProviderKeyRefused(candidate.target.provider) if is_own else closed
            except UpstreamError as error:
                failure = error
        raise failure

    def failed(self, candidate: RealtimeCandidate, credential: Credential) -> None:
        """Notes that a target does not do well."""
        self._health(candidate).failed(_names(candidate, credential)[0])

    def refused(self, opened: Opened, code: int) -> None:
        """Notes that a socket has closed before it said anything, so that the session asks others before it."""
        way = _way(opened.candidate, opened.credential)
        self._refused[way] = self._refused.get(way, False) or code not in MOVED

    async def _in_turn(
        self, candidates: Sequence[RealtimeCandidate], credential_id: str
    ) -> list[tuple[RealtimeCandidate, Credential]]:
        """The candidates, each with each of its credentials: those that are well, one to be probed, those that cool.

        What has refused the session comes after them, or not at all.
        """
        # What other processes have found; a new process knows nothing yet.
        self._ways.health.refresh()
        await self._ways.health.settled()
        ways = [
            (each, credential) for each in candidates for credential in await self._credentials(each, credential_id)
        ]
        phases = [self._health(each).phase(_names(each, one)) for each, one in ways]
        order, due = in_order(ways, phases)
        if due is not None and await self._health(due[0]).claim(_names(*due)):
            order = [due, *(each for each in order if each is not due)]
        able = [each for each in order if not self._refused.get(_way(*each))]
        return sorted(able, key=lambda each: _way(*each) in self._refused)

    async def _credentials(self, candidate: RealtimeCandidate, first_id: str) -> Sequence[Credential]:
        """The candidate's credentials: the one of that id first, or one that is drawn by their weights."""
        try:
            found = await self._ways.providers.choice(candidate, self._principal)
        except UpstreamError as error:
            log.warning("%s is not asked for a session: %s", candidate.target.provider, error)
            return ()
        if len(found) < 2:  # nothing is to be drawn
            return found
        first = next((each for each in found if each.id == first_id), None) or by_weight(found, CHANCE.random())
        return [first, *(each for each in found if each is not first and each.weight)]

    async def _opened(self, candidate: RealtimeCandidate, credential: Credential, *, greeted: bool) -> Opened:
        target, ways = candidate.target, self._ways
        provider = REALTIME[target.provider]
        ready = await ways.providers.ready(target.provider, credential)
        transcribes = candidate.model.does != "conversation"
        asked = provider.socket(target.upstream_model, ready, ways.clock.now_s(), transcribes=transcribes)
        socket = await ways.sockets.open(asked.url, asked.headers)
        try:
            greeting = await self._greeting(socket) if greeted and provider.greets else None
        except BaseException:
            # Also where the session ends meanwhile, whose task is cancelled: nothing else knows of the socket yet.
            await socket.close()
            raise
        health = self._health(candidate)
        if not health.all_well:
            health.served(_names(candidate, credential), whole=True)
        return Opened(candidate, credential, socket, greeting)

    async def _greeting(self, socket: ProviderSocket) -> bytes:
        """The frame by which a provider tells that the session is there; raises `ProviderClosed` for another one."""
        try:
            async with asyncio.timeout(GREETS_S):
                data = await socket.receive()
            if msgspec.json.decode(data, type=_Head).type in GREETINGS:
                return data
        except (TimeoutError, msgspec.DecodeError, UnicodeDecodeError) as error:
            log.warning("a provider opened its socket and did not greet: %r", error)
        raise ProviderClosed(ABNORMAL)

    def _health(self, candidate: RealtimeCandidate) -> Health:
        return self._ways.health if candidate.own is None else self._ways.own


class _Head(Struct):
    type: str = ""


def _way(candidate: RealtimeCandidate, credential: Credential) -> str:
    """The name of a way of one session, the account's own key and the gateway's apart."""
    return f"{id_of(candidate)}|{credential.id}"


def _names(candidate: RealtimeCandidate, credential: Credential) -> tuple[str, str]:
    provider = candidate.target.provider
    return target_name(provider, credential, place_of(candidate.target)), target_name(provider, credential)
