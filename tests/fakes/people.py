"""`PeopleStore` in memory, and `Mail` that keeps what was sent."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from gateway.errors import ServiceUnavailable
from gateway.ports.audit import AuditEntry
from gateway.ports.mail import Letter
from gateway.ports.people import MailedToken, Session, User
from tests.fakes.audit import MemoryAudit


class MemoryPeople:
    """`PeopleStore` in dictionaries. `calls` counts the calls of each method."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.users: dict[str, User] = {}
        self.addresses: dict[str, str] = {}
        self.accounts: dict[str, str] = {}
        self.tokens: dict[str, MailedToken] = {}
        self.stored_sessions: dict[tuple[str, str], Session] = {}
        self.counts: Counter[tuple[str, int]] = Counter()
        self.invitations: dict[str, int] = {}
        self.log = MemoryAudit()

    async def user(self, user_id: str) -> User | None:
        self.calls["user"] += 1
        found = self.users.get(user_id)
        # Requests that are made at once read one version, as they do of a table.
        await asyncio.sleep(0)
        return found

    async def user_id_at(self, email_hash: str) -> str | None:
        self.calls["user_id_at"] += 1
        return self.addresses.get(email_hash)

    async def owner_of(self, account_id: str) -> str | None:
        self.calls["owner_of"] += 1
        return self.accounts.get(account_id)

    async def add(
        self, user: User, email_hash: str, *, invitation_hash: str = "", audit: AuditEntry | None = None
    ) -> bool:
        self.calls["add"] += 1
        if email_hash in self.addresses or (invitation_hash and invitation_hash not in self.invitations):
            return self.addresses.get(email_hash) == user.user_id
        self.invitations.pop(invitation_hash, None)
        self.addresses[email_hash] = self.accounts[user.account_id] = user.user_id
        self.users[user.user_id] = user
        await self.log.put(audit)
        return True

    async def put(self, user: User, *, instead_of: User, audit: AuditEntry | None = None) -> bool:
        self.calls["put"] += 1
        standing = self.users.get(user.user_id)
        if standing is None or standing.version != instead_of.version:
            return False
        self.users[user.user_id] = user
        await self.log.put(audit)
        return True

    async def erase(self, user: User, *, instead_of: User, email_hash: str, audit: AuditEntry | None = None) -> bool:
        self.calls["erase"] += 1
        if not await self.put(user, instead_of=instead_of, audit=audit):
            return False
        if self.addresses.get(email_hash) == user.user_id:
            del self.addresses[email_hash]
        return True

    async def keep_token(self, token: MailedToken) -> None:
        self.calls["keep_token"] += 1
        self.tokens[token.token_hash] = token

    async def token(self, token_hash: str) -> MailedToken | None:
        self.calls["token"] += 1
        return self.tokens.get(token_hash)

    async def drop_token(self, token_hash: str) -> None:
        self.calls["drop_token"] += 1
        self.tokens.pop(token_hash, None)

    async def add_session(self, session: Session, audit: AuditEntry | None = None) -> None:
        self.calls["add_session"] += 1
        self.stored_sessions[session.user_id, session.session_id] = session
        await self.log.put(audit)

    async def session(self, user_id: str, session_id: str) -> Session | None:
        self.calls["session"] += 1
        return self.stored_sessions.get((user_id, session_id))

    async def rotate(self, session: Session, *, instead_of: Session) -> bool:
        self.calls["rotate"] += 1
        place = (session.user_id, session.session_id)
        standing = self.stored_sessions.get(place)
        if standing is None or standing.refresh_hash != instead_of.refresh_hash:
            return standing == session
        self.stored_sessions[place] = session
        return True

    async def end_session(self, user_id: str, session_id: str) -> None:
        self.calls["end_session"] += 1
        self.stored_sessions.pop((user_id, session_id), None)

    async def sessions(self, user_id: str) -> Sequence[Session]:
        self.calls["sessions"] += 1
        return [session for (owner, _), session in sorted(self.stored_sessions.items()) if owner == user_id]

    async def count(self, scope: str, window: int, *, limit: int, until_s: int) -> bool:
        self.calls["count"] += 1
        assert until_s > 0
        if self.counts[scope, window] >= limit:
            return False
        self.counts[scope, window] += 1
        return True

    async def forget(self, scope: str, window: int) -> None:
        self.calls["forget"] += 1
        self.counts.pop((scope, window), None)

    async def invite(self, invitation_hash: str, until_s: int) -> None:
        self.calls["invite"] += 1
        self.invitations[invitation_hash] = until_s

    async def invited(self, invitation_hash: str, now_s: float) -> bool:
        self.calls["invited"] += 1
        return now_s < self.invitations.get(invitation_hash, 0)


class Outbox:
    """`Mail` that keeps its letters, newest last."""

    def __init__(self, *, is_configured: bool = True, is_down: bool = False, is_silent: bool = False) -> None:
        self.letters: list[Letter] = []
        self.is_configured = is_configured
        self.is_down = is_down
        self.is_silent = is_silent

    async def send(self, letter: Letter) -> None:
        if self.is_down:
            raise ServiceUnavailable("no mail service")
        self.letters.append(letter)

    async def send_once(self, letter: Letter) -> bool:
        await self.send(letter)
        return not self.is_silent
