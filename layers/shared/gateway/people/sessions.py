"""Opens, finds, refreshes and ends sessions. The reasons are in docs/adr/0033-people.md.

An access token is good for 15 minutes. A refresh token is good once: it brings new tokens, and the second time it ends
the session, since one of the two who sent it is a thief. A repeat with the same Idempotency-Key, for an answer that was
lost, gets the same tokens again. What raises a person's epoch ends all of that person's sessions in one write.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.accounts.pages import iso_utc
from gateway.auth.principal import ACCESS_PREFIX
from gateway.errors import ServiceUnavailable
from gateway.people import tokens
from gateway.people.refusals import session_over, token_expired
from gateway.people.tokens import REFRESH_PREFIX, SessionToken, hashed, read_token, same
from gateway.ports.clock import Clock
from gateway.ports.people import PeopleStore, Session, User

if TYPE_CHECKING:
    # Sessions that are only found do without.
    from gateway.audit.trail import Trail

ACCESS_S = 15 * 60
REFRESH_S = 30 * 24 * 3600
# A session that is refreshed for ever would outlive a theft for ever.
SESSION_S = 180 * 24 * 3600
USER_AGENT_CHARACTERS_MAX = 200
ACCESS, REFRESH = "access", "refresh"
REUSED = "a refresh token was used twice"
BUSY = "The session could not be written; try again."


class SignedIn(Struct, frozen=True):
    """A session and its person. `secret` is known to the holder of the session's tokens alone, and lasts as they do."""

    user: User
    session: Session
    secret: str


class Sessions(Struct, frozen=True):
    """The sessions of people, over a store."""

    store: PeopleStore
    clock: Clock

    async def open(self, user: User, source: str, user_agent: str, trail: Trail | None = None) -> dict[str, Any]:
        """Opens a session, and shows its first tokens."""
        now_s = int(self.clock.now_s())
        locator, access, refresh = tokens.new_locator(), tokens.new_secret(), tokens.new_secret()
        first = tokens.access_token(user.user_id, locator, access)
        second = tokens.refresh_token(user.user_id, locator, refresh)
        session = Session(
            user_id=user.user_id,
            session_id=first.session_id,
            epoch=user.epoch,
            created_at_s=now_s,
            used_at_s=now_s,
            source=source,
            user_agent=user_agent[:USER_AGENT_CHARACTERS_MAX],
            access_hash=hashed(first.text),
            access_until_s=now_s + ACCESS_S,
            refresh_hash=hashed(second.text),
            refresh_until_s=now_s + REFRESH_S,
            ends_at_s=now_s + SESSION_S,
        )
        told = None if trail is None else trail.entry("session.opened", target=session.session_id)
        await self.store.add_session(session, told)
        return self._shown(session, first.text, second.text)

    async def find(self, text: str) -> SignedIn:
        """The session and the person of an access token; raises `AuthenticationFailed`."""
        token, now_s = read_token(text, ACCESS_PREFIX), self.clock.now_s()
        if token is None:
            raise session_over()
        user, session = await self._stored(token)
        given = hashed(text)
        until_s = max(
            session.access_until_s if same(given, session.access_hash) else 0,
            session.former_access_until_s if same(given, session.former_access_hash) else 0,
        )
        if not until_s:
            raise session_over()
        if now_s >= until_s:
            raise token_expired()
        return SignedIn(user, session, token.locator)

    async def refresh(self, text: str, idempotency_key: str | None, trail: Trail | None = None) -> dict[str, Any]:
        """Replaces the tokens of a session, and shows the new ones; raises `AuthenticationFailed`.

        A token that was used before ends its session, except with the Idempotency-Key of that use.
        """
        token, now_s = read_token(text, REFRESH_PREFIX), int(self.clock.now_s())
        if token is None:
            raise session_over()
        user, session = await self._stored(token)
        trail = None if trail is None else trail.of(user.account_id)
        key_hash = hashed(idempotency_key) if idempotency_key else ""
        if not same(hashed(text), session.refresh_hash):
            return await self._repeated(token, session, key_hash, trail)
        if now_s >= session.refresh_until_s:
            raise session_over()
        nonce = secrets.token_urlsafe(tokens.SECRET_BYTES)
        access, refresh = _successors(token, nonce)
        rotated = replace(
            session,
            used_at_s=now_s,
            access_hash=hashed(access.text),
            access_until_s=min(now_s + ACCESS_S, session.ends_at_s),
            refresh_hash=hashed(refresh.text),
            refresh_until_s=min(now_s + REFRESH_S, session.ends_at_s),
            former_access_hash=session.access_hash,
            former_access_until_s=session.access_until_s,
            former_refresh_hash=session.refresh_hash,
            nonce=nonce,
            rotation_key_hash=key_hash,
        )
        if await self.store.rotate(rotated, instead_of=session):
            return self._shown(rotated, access.text, refresh.text)
        # Another use of the same token came first.
        standing = await self.store.session(token.user_id, token.session_id)
        if standing is None:
            raise session_over()
        if standing == session:
            raise ServiceUnavailable(BUSY)
        return await self._repeated(token, standing, key_hash, trail)

    async def _repeated(
        self, token: SessionToken, session: Session, key_hash: str, trail: Trail | None
    ) -> dict[str, Any]:
        """The tokens of the last rotation again, to the repeat of its request; else the end of the session."""
        is_last = same(hashed(token.text), session.former_refresh_hash)
        if is_last and key_hash and same(key_hash, session.rotation_key_hash):
            access, refresh = _successors(token, session.nonce)
            return self._shown(session, access.text, refresh.text)
        if trail is not None:
            await trail.write("session.ended", target=session.session_id, note=REUSED, outcome="begun")
        await self.store.end_session(session.user_id, session.session_id)
        raise session_over()

    async def end(self, user: User, session_id: str, trail: Trail) -> None:
        """Ends a session of a person; one that is none of its own is nothing to end."""
        await trail.around(
            "session.ended", partial(self.store.end_session, user.user_id, session_id), target=session_id
        )

    async def living(self, user: User) -> Sequence[Session]:
        """The sessions of a person that go on, the last used one first."""
        now_s = self.clock.now_s()
        found = [one for one in await self.store.sessions(user.user_id) if _lives(one, user, now_s)]
        return sorted(found, key=lambda one: (one.used_at_s, one.session_id), reverse=True)

    async def _stored(self, token: SessionToken) -> tuple[User, Session]:
        """The person and the session that a token names, as currently stored."""
        user, session = await asyncio.gather(
            self.store.user(token.user_id), self.store.session(token.user_id, token.session_id)
        )
        if user is None or session is None or not _lives(session, user, self.clock.now_s()):
            raise session_over()
        return user, session

    def _shown(self, session: Session, access: str, refresh: str) -> dict[str, Any]:
        now_s = int(self.clock.now_s())
        return {
            "object": "session",
            "session_id": session.session_id,
            "token_type": "Bearer",
            "access_token": access,
            "expires_in": max(0, session.access_until_s - now_s),
            "refresh_token": refresh,
            "refresh_expires_in": max(0, session.refresh_until_s - now_s),
        }


def session_view(session: Session, current_id: str | None) -> dict[str, Any]:
    """A session as its person sees it."""
    return {
        "object": "session",
        "session_id": session.session_id,
        "created_at": iso_utc(session.created_at_s),
        "last_used_at": iso_utc(session.used_at_s),
        "expires_at": iso_utc(session.refresh_until_s),
        "ip": session.source,
        "user_agent": session.user_agent,
        "current": session.session_id == current_id,
    }


def _lives(session: Session, user: User, now_s: float) -> bool:
    until_s = min(session.refresh_until_s, session.ends_at_s)
    return session.epoch == user.epoch and user.may_act and now_s < until_s


def _successors(token: SessionToken, nonce: str) -> tuple[SessionToken, SessionToken]:
    """The tokens that follow from a refresh token by a rotation's nonce."""
    access, refresh = (tokens.derived_secret(token.secret, nonce, kind) for kind in (ACCESS, REFRESH))
    return (
        tokens.access_token(token.user_id, token.locator, access),
        tokens.refresh_token(token.user_id, token.locator, refresh),
    )
