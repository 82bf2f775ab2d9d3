"""Judges the handshake of a socket, and begins its session: who asks, for which model, and whether it is paid for.

Everything that can be refused is refused here, before the upgrade, with HTTP's own status. What begins is a hold, a
record, a mailbox and a run, in that order; what fails on the way takes back what it has begun. A process that dies on
the way leaves at least the record, by which the sweeper finds the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from gateway.auth.principal import Principal, admit_key, key_hash, key_in
from gateway.canonical.money import CountedCall, Hold, Refusal
from gateway.canonical.realtime import CONVERSATION
from gateway.errors import AuthenticationFailed, GatewayError
from gateway.limits.windows import enforced_rpm
from gateway.ports.clock import Clock
from gateway.ports.keys import Keys
from gateway.ports.money import DeferredSettlements, Money
from gateway.ports.provider_keys import OwnKeys
from gateway.ports.sockets import Mailboxes, Runs, SocketRecord, SocketRecords
from gateway.sockets.carrying import ALIVE_S, new_secret
from gateway.sockets.purse import Purse
from gateway.sockets.sessions import RealtimeCandidate

# OpenAI's own bound, which API Gateway's two hours leave room for.
SESSION_S = 3600
PROTOCOL, KEY_PROTOCOL = "realtime", "openai-insecure-api-key."
SECRET_PREFIX = "ek_"  # noqa: S105  # what a secret begins with
NO_SECRET = "Incorrect or expired client secret provided."  # noqa: S105  # a refusal's words

log = logging.getLogger(__name__)


class Handshake(Struct, frozen=True):
    """A client's wish to open a socket. Header names are lower-case; a name may come more than once, there and in the
    query.
    """

    connection_id: str
    stage: str
    request_id: str
    source_ip: str
    headers: Sequence[tuple[str, str]]
    query: Mapping[str, Sequence[str]]

    @property
    def protocols(self) -> list[str]:
        """The subprotocols that the client offers."""
        offered = (value for name, value in self.headers if name == "sec-websocket-protocol")
        return [each.strip() for value in offered for each in value.split(",") if each.strip()]


class Caller(Struct, frozen=True):
    """A caller who opens a session: the key's hash, the address that it is judged by, a secret's settings and hold."""

    principal: Principal
    key_hash: str
    source_ip: str
    settings: bytes = b""
    hold: Hold | None = None


class Wanted(Struct, frozen=True):
    """A session to be: its kind, the model as it was asked for, what it may cost before its first charge.

    A model `does` converse, or only transcribe. `settings` are what the session begins with.
    """

    kind: str
    model: str
    candidate: RealtimeCandidate
    exposure_nanousd: int
    does: str = CONVERSATION
    settings: bytes = b""


class Callers(Struct, frozen=True):
    """Finds out who opens a session."""

    keys: Keys
    records: SocketRecords
    own_keys: OwnKeys
    clock: Clock

    async def of(self, handshake: Handshake) -> Caller:
        """The caller, by a key or by a client secret; raises the refusal."""
        shown = shown_in(handshake)
        if shown.startswith(SECRET_PREFIX):
            secret = await self.records.secret(key_hash(shown))
            if secret is None or secret.expires_at_s <= self.clock.now_s():
                raise AuthenticationFailed(NO_SECRET)
            # It is used from another machine than the one that the key may be used from: that one has minted it.
            principal = await self.principal(secret.key_hash, secret.source_ip)
            return Caller(principal, secret.key_hash, secret.source_ip, secret.settings, secret.hold)
        principal = await self.principal(key_hash(shown), handshake.source_ip)
        return Caller(principal, key_hash(shown), handshake.source_ip)

    async def principal(self, hashed: str, source_ip: str) -> Principal:
        """The caller as it stands now; raises the refusal."""
        record = await self.keys.find(hashed)
        return await self.with_own_keys(admit_key(record, source_ip, self.clock.now_s()))

    async def with_own_keys(self, principal: Principal) -> Principal:
        """The caller with the account's own keys of providers."""
        if principal.key.has_provider_keys:
            return replace(principal, own_keys=tuple(await self.own_keys.of(principal.account_id)))
        return principal


class Connecting(Struct, frozen=True):
    """Begins sessions."""

    records: SocketRecords
    mailboxes: Mailboxes
    runs: Runs
    money: Money
    deferred: DeferredSettlements
    clock: Clock

    async def begin(self, handshake: Handshake, caller: Caller, wanted: Wanted) -> None:
        """Begins a session; raises the refusal."""
        over_by_s = int(self.clock.now_s()) + SESSION_S
        purse = Purse(
            caller.principal,
            self.money,
            self.deferred,
            self.clock,
            request_id=handshake.request_id,
            model=wanted.model,
            candidate=wanted.candidate,
            over_by_s=over_by_s + ALIVE_S,
        )
        if caller.hold is not None:
            # A secret's own hold, which the first session that it opens takes the place of.
            await self.money.release(caller.hold, self.clock.now_s())
        try:
            refusal = await purse.take_place() or await purse.open(wanted.exposure_nanousd)
        except GatewayError:
            await purse.close()
            raise
        if refusal is not None:
            await purse.close()
            raise refusal.error()
        await self._start(handshake, replace(caller, settings=wanted.settings), wanted.kind, wanted.model, purse)

    async def begin_unheld(self, handshake: Handshake, caller: Caller, kind: str) -> None:
        """Begins a session whose requests are each paid for as such; raises the refusal.

        Its handshake counts as a request that needs a balance.
        """
        key, is_unpaid = caller.principal.key, bool(caller.principal.own_keys)
        call = CountedCall(caller.principal.account_id, key.key_id, enforced_rpm(key.rpm_limit), unpaid=is_unpaid)
        outcome = await self.money.count(call, self.clock.now_s())
        if isinstance(outcome, Refusal):
            raise outcome.error()
        await self._start(handshake, caller, kind, "", None)

    async def _start(self, handshake: Handshake, caller: Caller, kind: str, model: str, purse: Purse | None) -> None:
        """Makes the record and the mailbox, and starts the first run; takes back what it has begun where that fails."""
        now_s = int(self.clock.now_s())
        record = SocketRecord(
            connection_id=handshake.connection_id,
            stage=handshake.stage,
            kind=kind,
            account_id=caller.principal.account_id,
            key_hash=caller.key_hash,
            source_ip=caller.source_ip,
            model=model,
            created_s=now_s,
            over_by_s=now_s + SESSION_S,
            # The first run has to start: its code may have to be fetched.
            alive_until_s=now_s + 2 * ALIVE_S,
            request_id=handshake.request_id,
            hold=None if purse is None else purse.hold,
            place=None if purse is None else purse.place,
            settings=caller.settings,
        )
        try:
            await self.records.create(record)
            await self.mailboxes.open(handshake.connection_id)
            await self.runs.start(handshake.connection_id, 0, new_secret())
        except GatewayError:
            if purse is not None:
                await purse.close()
            await self.mailboxes.delete(handshake.connection_id)
            await self.records.delete(handshake.connection_id)
            raise


def shown_in(handshake: Handshake) -> str:
    """The key or client secret that a handshake shows: in a header, or as a subprotocol, as pages in browsers do."""
    offered = {each.removeprefix(KEY_PROTOCOL) for each in handshake.protocols if each.startswith(KEY_PROTOCOL)}
    carried = [*handshake.headers, *(("authorization", f"Bearer {each}") for each in offered)]
    return key_in([(name, value) for name, value in carried if name != "authorization" or value], [])
