"""`OrganizationStore` in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from gateway.ports.audit import AuditEntry
from gateway.ports.organizations import Invitation, InvitationStatus, Member, MemberChange, Organization
from tests.fakes.audit import MemoryAudit
from tests.fakes.people import MemoryPeople


class MemoryOrganizations:
    """`OrganizationStore` in dictionaries, beside `people`, none of whom joins who is leaving."""

    def __init__(self, people: MemoryPeople | None = None) -> None:
        self.people = people or MemoryPeople()
        self.organizations: dict[str, Organization] = {}
        self._members: dict[tuple[str, str], Member] = {}
        self._invitations: dict[tuple[str, str], Invitation] = {}
        self.log = MemoryAudit()

    async def organization(self, org_id: str) -> Organization | None:
        found = self.organizations.get(org_id)
        # Requests that are made at once read one version, as they do of a table.
        await asyncio.sleep(0)
        return found

    async def member(self, org_id: str, user_id: str) -> Member | None:
        return self._members.get((org_id, user_id))

    async def members(self, org_id: str) -> Sequence[Member]:
        return [member for (owner, _), member in sorted(self._members.items()) if owner == org_id]

    async def organizations_of(self, user_id: str) -> Sequence[str]:
        return [org for (org, user), one in sorted(self._members.items()) if user == user_id and not one.removed]

    async def change(
        self,
        organization: Organization,
        *,
        instead_of: Organization | None,
        members: Sequence[MemberChange] = (),
        used: Invitation | None = None,
        audit: AuditEntry | None = None,
    ) -> bool:
        standing = self.organizations.get(organization.org_id)
        stands = _version(standing) == _version(instead_of)
        stands = stands and all(
            _version(self._members.get((after.org_id, after.user_id))) == _version(before) for after, before in members
        )
        joining = [after.user_id for after, before in members if not after.removed and (not before or before.removed)]
        stands = stands and not any(map(self._is_leaving, joining))
        if used is not None:
            pending = self._invitations.get((used.org_id, used.invitation_id))
            stands = stands and pending is not None and pending.status == "pending"
        if stands and used is not None:
            await self.end_invitation(used, "accepted")
        if not stands:
            return False
        self.organizations[organization.org_id] = organization
        self._members |= {(after.org_id, after.user_id): after for after, _ in members}
        await self.log.put(audit)
        return True

    def _is_leaving(self, user_id: str) -> bool:
        user = self.people.users.get(user_id)
        return user is not None and (user.leaving or user.deactivated)

    async def invite(self, invitation: Invitation, audit: AuditEntry | None = None) -> None:
        await self.log.put(audit)
        self._invitations[invitation.org_id, invitation.invitation_id] = invitation

    async def invitation(self, org_id: str, invitation_id: str) -> Invitation | None:
        return self._invitations.get((org_id, invitation_id))

    async def invitation_at(self, token_hash: str) -> Invitation | None:
        return next((one for one in self._invitations.values() if one.token_hash == token_hash), None)

    async def invitations(self, org_id: str) -> Sequence[Invitation]:
        return [one for (owner, _), one in sorted(self._invitations.items()) if owner == org_id]

    async def end_invitation(
        self, invitation: Invitation, status: InvitationStatus, audit: AuditEntry | None = None
    ) -> bool:
        place = (invitation.org_id, invitation.invitation_id)
        standing = self._invitations.get(place)
        if standing is None or standing.status != "pending":
            return standing == replace(invitation, status=status)
        self._invitations[place] = replace(standing, status=status)
        await self.log.put(audit)
        return True


def _version(record: Organization | Member | None) -> int | None:
    return None if record is None else record.version
