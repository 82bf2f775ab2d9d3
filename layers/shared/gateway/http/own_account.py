"""Serves people their own accounts: profile, password, second factor, sessions.

A key that manages the account stands for the account's person, except where a session itself is meant.
"""

from __future__ import annotations

from typing import Any

from gateway.accounts.pages import Page as Listed
from gateway.errors import NotFound
from gateway.http.calls import KeyedCall, Shown
from gateway.http.endpoints import Endpoints
from gateway.http.signing_in import secret_reply
from gateway.people.changes import changed
from gateway.people.refusals import no_person
from gateway.people.registration import user_view
from gateway.people.second_factor import status_view
from gateway.people.sessions import session_view
from gateway.people.settings import Confirmation, PasswordChange, Profile, Proof
from gateway.ports.organizations import OrganizationStore, member_in
from gateway.ports.people import User
from gateway.wiring.people import people


class PersonCall(KeyedCall):
    """One call by a signed-in person, or by a key that stands for the person of its account."""

    async def person(self) -> User:
        """The person; raises `NotFound` for a key of an account that has none."""
        if self.signed_in is not None:
            return self.signed_in.user
        store = people().store
        user_id = await store.owner_of(self.account_id)
        user = None if user_id is None else await store.user(user_id)
        if user is None or not user.may_act:
            raise no_person()
        return user

    @property
    def session_id(self) -> str | None:
        """The id of the session that the call is made in, where it is one."""
        return None if self.signed_in is None else self.signed_in.session.session_id


own_account = Endpoints(PersonCall, "/v1/auth")


@own_account.on("GET", "/me")
async def me(call: PersonCall) -> Shown:
    """Shows the person; the key of an account without one is shown the account."""
    try:
        return user_view(await call.person())
    except NotFound:
        return account_view(call.account_id)


@own_account.on("PATCH", "/profile", body=Profile)
async def update_profile(call: PersonCall, wanted: Profile) -> Shown:
    """Changes what a person says of itself."""
    user = await call.person()
    if wanted.default_organization:
        await refuse_strangers_to(wanted.default_organization, user, call.services.organizations())
    told = call.trail.entry("profile.changed", target=user.user_id)
    return user_view(await changed(people().store, user, wanted.applied, told))


async def refuse_strangers_to(org_id: str, user: User, store: OrganizationStore) -> None:
    """Raises `NotFound` for an organization that the person is not in, as for one that is unknown."""
    if await member_in(store, org_id, user.user_id) is None:
        from gateway.organizations.refusals import no_organization  # noqa: PLC0415  # no cold start pays for it

        raise no_organization(org_id, param="default_organization")


@own_account.on("POST", "/change-password", body=PasswordChange)
async def change_password(call: PersonCall, wanted: PasswordChange) -> Shown:
    """Sets a new password, for the one so far, and ends all sessions, this one too."""
    user = await call.person()
    on, trail = people().credentials, call.trail
    await on.change(user, wanted.current_password, wanted.new_password, wanted.code, trail)
    return {"object": "password", "changed": True, "sessions_ended": True}


@own_account.on("GET", "/2fa/status")
async def two_factor_status(call: PersonCall) -> Shown:
    """Shows whether a second factor is on; without a person there is none."""
    try:
        return status_view(await call.person())
    except NotFound:
        return {"object": "two_factor", "enabled": False, "pending": False, "recovery_codes_left": 0}


@own_account.on("POST", "/2fa/setup", body=Proof)
async def set_up_two_factor(call: PersonCall, proof: Proof) -> Shown:
    """Draws the secret of a second factor, shown this once; it counts once `enable` has had a code of it."""
    user = await people().sign_in.prove(await call.person(), proof.password, proof.code)
    return secret_reply(await people().second_factor.offer(user, call.trail))


@own_account.on("POST", "/2fa/enable", body=Confirmation)
async def enable_two_factor(call: PersonCall, given: Confirmation) -> Shown:
    """Turns the second factor on by a code of the new secret; recovery codes are shown this once."""
    return secret_reply(await people().sign_in.confirmed(await call.person(), given.code, call.trail))


@own_account.on("POST", "/2fa/disable", body=Proof)
async def disable_two_factor(call: PersonCall, proof: Proof) -> Shown:
    """Turns the second factor off, for the password and a code."""
    user = await people().sign_in.prove(await call.person(), proof.password, proof.code)
    return status_view(await people().second_factor.disable(user, call.trail))


@own_account.on("GET", "/export")
async def export_account(call: PersonCall) -> Shown:
    """Shows all that is stored of the person and its account, but for secrets and content."""
    return secret_reply(await people().leaving.export(await call.person()))


@own_account.on("POST", "/deactivate", body=Proof)
async def deactivate(call: PersonCall, proof: Proof) -> Shown:
    """Ends the account for good and erases the person, for the password and a code."""
    user = await people().sign_in.prove(await call.person(), proof.password, proof.code)
    await people().leaving.deactivate(user, call.trail)
    return {"object": "user", "user_id": user.user_id, "account_id": user.account_id, "deactivated": True}


@own_account.on("POST", "/logout")
async def logout(call: PersonCall) -> Shown:
    """Ends the session that the call is made in."""
    return await ended(call, call.session_id or "")


@own_account.on("GET", "/sessions")
async def list_sessions(call: PersonCall) -> Shown:
    """Lists the sessions that go on, the last used one first: there is one page."""
    found = await people().sessions.living(await call.person())
    return Listed(found, None).shown(lambda one: session_view(one, call.session_id))


@own_account.on("DELETE", "/sessions/{session_id}")
async def revoke_session(call: PersonCall) -> Shown:
    """Ends one of the person's sessions; its tokens start nothing new after 5 s."""
    return await ended(call, call.path["session_id"])


async def ended(call: PersonCall, session_id: str) -> dict[str, Any]:
    """Ends a session of the caller's; one that is none of them is no more there afterwards than before."""
    await people().sessions.end(await call.person(), session_id[:80], call.trail)
    return {"object": "session", "session_id": session_id, "ended": True}


def account_view(account_id: str) -> dict[str, Any]:
    """An account that an operator made without a person, in the shape of one."""
    unknown = dict.fromkeys(("user_id", "email", "full_name", "default_organization", "created_at"))
    unproven = {"password_set": False, "two_factor_enabled": False}
    return {"object": "user", "account_id": account_id, **unknown, "email_verified": False, **unproven}
