"""Invites people by mail. A token is good once, for 7 days, for a person whose confirmed address is the invited one."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from msgspec import Struct

from gateway.audit.trail import Trail
from gateway.ledger.hold_ids import hold_id_at
from gateway.organizations import refusals
from gateway.organizations.permissions import may_give
from gateway.organizations.roster import UNANSWERED, Roster, State
from gateway.organizations.settings import NewInvitation
from gateway.people import letters, tokens
from gateway.people.attempts import LINKS_FROM, MAILS_FROM, MAILS_TO, Attempts
from gateway.people.refusals import no_mail
from gateway.people.tokens import hashed
from gateway.ports.clock import Clock
from gateway.ports.mail import Mail
from gateway.ports.organizations import Invitation, account_of
from gateway.ports.people import User

INVITATION_S = 7 * 24 * 3600


class Inviting(Struct, frozen=True):
    """Invitations over the stores."""

    roster: Roster
    mail: Mail
    attempts: Attempts
    clock: Clock
    console_url: str

    def new_id(self) -> str:
        """Draws the id of an invitation to be made."""
        return f"inv_{hold_id_at(self.clock.now_s(), secrets.randbits(40))}"

    async def withdraw(self, org_id: str, trail: Trail, invitation_id: str) -> None:
        """Ends an invitation whose request was never answered."""
        found = await self.roster.store.invitation(org_id, invitation_id)
        if found is not None:
            told = trail.entry("invitation.revoked", target=invitation_id, note=UNANSWERED)
            await self.roster.store.end_invitation(found, "revoked", told)

    async def invite(
        self, org_id: str, user_id: str, wanted: NewInvitation, trail: Trail, invitation_id: str
    ) -> Invitation:
        """Mails an invitation; an earlier one of the address that is pending ends."""
        state = await self.roster.standing(org_id, user_id, "invitations.manage")
        if not may_give(state.actor.role, wanted.role):
            raise refusals.beyond_role(state.actor.role)
        if not self.mail.is_configured:
            raise no_mail()
        email = str(wanted.email)
        if any(one.email == email and not one.removed for one in await self.roster.store.members(org_id)):
            raise refusals.already_member()
        await self.attempts.count(MAILS_FROM, org_id)
        await self.attempts.count(MAILS_TO, email)
        now_s, token = self.clock.now_s(), tokens.new_secret()
        invitation = Invitation(
            org_id=org_id,
            invitation_id=invitation_id,
            email=email,
            role=wanted.role,
            token_hash=hashed(token),
            invited_by=user_id,
            created_at_s=int(now_s),
            until_s=int(now_s) + INVITATION_S,
        )
        for older in await self.roster.store.invitations(org_id):
            if older.email == email and older.status == "pending":
                replaced = trail.entry("invitation.revoked", target=older.invitation_id, note=invitation.invitation_id)
                await self.roster.store.end_invitation(older, "revoked", replaced)
        told = trail.entry("invitation.created", target=invitation.invitation_id, after={"role": wanted.role})
        await self.roster.store.invite(invitation, told)
        name = state.organization.name
        await self.mail.send(letters.invitation(email, name, wanted.role, token, self.console_url))
        return invitation

    async def invitations(self, org_id: str, user_id: str) -> Sequence[Invitation]:
        """The organization's invitations, the newest first."""
        await self.roster.standing(org_id, user_id, "invitations.manage")
        return list(reversed(await self.roster.store.invitations(org_id)))

    async def revoke(self, org_id: str, user_id: str, invitation_id: str, trail: Trail) -> Invitation:
        """Revokes an invitation that is pending; one that has ended stays as it is."""
        state = await self.roster.standing(org_id, user_id, "invitations.manage")
        found = await self.roster.store.invitation(org_id, invitation_id[:80])
        if found is None:
            raise refusals.no_invitation(invitation_id)
        if not may_give(state.actor.role, found.role):
            raise refusals.beyond_role(state.actor.role)
        told = trail.entry("invitation.revoked", target=found.invitation_id)
        await self.roster.store.end_invitation(found, "revoked", told)
        return await self.roster.store.invitation(org_id, invitation_id[:80]) or found

    async def accept(self, user: User, token: str, trail: Trail) -> State:
        """Makes the person a member, if the invitation was sent to its address."""
        invitation = await self._sent_to(user, token, trail.source)
        await self.roster.refuse_more_of(user)
        return await self.roster.join(invitation, user, trail)

    async def decline(self, user: User, token: str, trail: Trail) -> Invitation:
        """Ends an invitation that was sent to the person's address."""
        invitation = await self._sent_to(user, token, trail.source)
        own = trail.of(account_of(invitation.org_id), user.user_id)
        told = own.entry("invitation.declined", target=invitation.invitation_id)
        if not await self.roster.store.end_invitation(invitation, "declined", told):
            raise refusals.bad_invitation()
        return await self.roster.store.invitation(invitation.org_id, invitation.invitation_id) or invitation

    async def _sent_to(self, user: User, token: str, source: str) -> Invitation:
        await self.attempts.count(LINKS_FROM, source)
        found = await self.roster.store.invitation_at(hashed(token))
        if found is None or found.status != "pending" or self.clock.now_s() >= found.until_s:
            raise refusals.bad_invitation()
        if found.email != user.email:
            raise refusals.other_address()
        return found
