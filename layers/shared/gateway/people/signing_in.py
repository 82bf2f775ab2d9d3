"""Signs people in, and judges what they prove themselves with: passwords, and codes of a second factor.

An unknown address takes the work of a registered one: the same counters, the same two reads, the same hash.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from gateway.audit.trail import Trail
from gateway.errors import AuthenticationFailed
from gateway.people.attempts import ADDRESS, CODES, PAIR, PROOFS, SOURCE, Attempts
from gateway.people.changes import changed
from gateway.people.passwords import Passwords
from gateway.people.refusals import code_required, wrong_code, wrong_credentials, wrong_password
from gateway.people.second_factor import SecondFactor
from gateway.people.sessions import Sessions
from gateway.people.settings import Login
from gateway.people.tokens import hashed
from gateway.ports.people import PeopleStore, User

# Read in place of the person whom an unknown address does not have.
STRANGER = "user_unknown"


class SignIn(Struct, frozen=True):
    """Log-ins over the stores."""

    store: PeopleStore
    sessions: Sessions
    passwords: Passwords
    second_factor: SecondFactor
    attempts: Attempts

    async def login(self, given: Login, trail: Trail, user_agent: str) -> dict[str, Any]:
        """Opens a session for the right password, and code where there is a second factor.

        A refusal is told in the audit log of the address' account; that of an unknown address costs the same write.
        """
        email, source = str(given.email), trail.source
        await self.attempts.count(SOURCE, source)
        await self.attempts.count(PAIR, email, source)
        is_crowded = not await self.attempts.counted(ADDRESS, email)
        user = await self.person_at(email)
        if is_crowded and not await self._knows(user, source):
            # Strangers have used up what the address has; a source that is signed in already may go on.
            self.attempts.refuse(ADDRESS)
        is_right = self.passwords.matches(None if user is None else user.password_hash, given.password)
        if user is None or not is_right:
            raise await _refused(trail, user, wrong_credentials())
        try:
            user = await self.pass_second_factor(user, given.code)
        except AuthenticationFailed as refusal:
            raise await _refused(trail, user, refusal) from None
        await self.attempts.forget(PAIR, email, source)
        if self.passwords.is_dated(user.password_hash):
            renewed = self.passwords.hashed(given.password)
            user = await changed(self.store, user, lambda one: replace(one, password_hash=renewed))
        return await self.sessions.open(user, source, user_agent, trail.of(user.account_id, user.user_id))

    async def person_at(self, email: str) -> User | None:
        """The person with an address; two reads, also where there is none."""
        user_id = await self.store.user_id_at(hashed(email))
        user = await self.store.user(user_id or STRANGER)
        return None if user is None or not user.may_act else user

    async def prove(self, user: User, password: str, code: str | UnsetType, *, param: str = "password") -> User:
        """Judges what a signed-in person proves itself with; returns the person as it stands after its code."""
        await self.attempts.count(PROOFS, user.user_id)
        if not self.passwords.matches(user.password_hash, password):
            raise wrong_password(param)
        proven = await self.pass_second_factor(user, code)
        await self.attempts.forget(PROOFS, user.user_id)
        return proven

    async def pass_second_factor(self, user: User, code: str | UnsetType) -> User:
        """The person after the use of a code, where it has a second factor; raises the refusal."""
        if user.totp is None:
            return user
        if code is UNSET:
            raise code_required()
        await self.attempts.count(CODES, user.user_id)
        try:
            passed = await self.second_factor.used(user, str(code))
        except ValueError:
            raise wrong_code() from None
        await self.attempts.forget(CODES, user.user_id)
        return passed

    async def confirmed(self, user: User, code: str, trail: Trail) -> dict[str, Any]:
        """Turns on the second factor that was set up, by a code of it; raises the refusal of another code."""
        await self.attempts.count(CODES, user.user_id)
        try:
            shown = await self.second_factor.enable(user, code, trail)
        except ValueError:
            raise wrong_code() from None
        await self.attempts.forget(CODES, user.user_id)
        return shown

    async def _knows(self, user: User | None, source: str) -> bool:
        """True for a source from which the person is signed in."""
        found = await self.store.sessions(STRANGER if user is None else user.user_id)
        return user is not None and any(one.source == source and one.epoch == user.epoch for one in found)


async def _refused(trail: Trail, user: User | None, refusal: AuthenticationFailed) -> AuthenticationFailed:
    """The refusal of a log-in, once it is told. Who tried is not known, so it is the account's and not the person's."""
    account_id, user_id = (None, STRANGER) if user is None else (user.account_id, user.user_id)
    await trail.of(account_id).write("session.refused", target=user_id, note=refusal.code or "")
    return refusal
