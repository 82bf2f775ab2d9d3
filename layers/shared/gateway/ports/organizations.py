"""Organizations with their members and invitations. An organization has an account of its own, as a person has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from gateway.ports.audit import AuditEntry

Role = Literal["owner", "admin", "developer"]
InvitationStatus = Literal["pending", "accepted", "declined", "revoked"]
ORGANIZATION_PREFIX, ACCOUNT_PREFIX = "org_", "acct_"


def account_of(org_id: str) -> str:
    """The id of an organization's account, which is its own but for the prefix."""
    return ACCOUNT_PREFIX + org_id.removeprefix(ORGANIZATION_PREFIX)


class Organization(Struct, frozen=True):
    """An organization. `version` counts the changes of itself and of its members; `seats` the members it has ever had.

    A `closed` one is being deleted, or was: it takes no change but its members' end.
    """

    org_id: str
    name: str
    created_at_s: int
    version: int = 1
    owners: int = 1
    members: int = 1
    seats: int = 1
    closed: bool = False

    @property
    def account_id(self) -> str:
        """The account that has its balance, its keys and its ledger."""
        return account_of(self.org_id)


class Member(Struct, frozen=True):
    """A person in an organization. Its spend of a month is counted at its `seat`, and bounded by `cap_nanousd`.

    One that has left stays as `removed`, so that it has its seat, and what it has spent, when it comes back.
    """

    org_id: str
    user_id: str
    email: str
    role: Role
    seat: int
    joined_at_s: int
    version: int = 1
    cap_nanousd: int | None = None
    removed: bool = False

    @property
    def account_id(self) -> str:
        """The account of the organization."""
        return account_of(self.org_id)


class Invitation(Struct, frozen=True):
    """An invitation that was mailed to an address; its token is stored as a hash alone."""

    org_id: str
    invitation_id: str
    email: str
    role: Role
    token_hash: str
    invited_by: str
    created_at_s: int
    until_s: int
    status: InvitationStatus = "pending"


# A member after a change, and before it; `None` for one that is new.
MemberChange = tuple[Member, Member | None]


class OrganizationStore(Protocol):
    """Organizations by id, and those of a person. Every read sees every write before it.

    An `audit` entry is written with what it tells of: both or neither.
    """

    async def organization(self, org_id: str) -> Organization | None:
        """The organization of that id, or `None`."""

    async def member(self, org_id: str, user_id: str) -> Member | None:
        """The member, also one that was removed, or `None`."""

    async def members(self, org_id: str) -> Sequence[Member]:
        """All members, removed ones too, by their ids."""

    async def organizations_of(self, user_id: str) -> Sequence[str]:
        """The ids of the organizations that a person is in."""

    async def change(
        self,
        organization: Organization,
        *,
        instead_of: Organization | None,
        members: Sequence[MemberChange] = (),
        used: Invitation | None = None,
        audit: AuditEntry | None = None,
    ) -> bool:
        """Writes the next version of an organization with the members that change by it: all of it, or nothing.

        `used` is an invitation that ends with it, which must be pending. False if another write came first.
        """

    async def invite(self, invitation: Invitation, audit: AuditEntry | None = None) -> None:
        """Adds an invitation."""

    async def invitation(self, org_id: str, invitation_id: str) -> Invitation | None:
        """The invitation of that id, or `None`."""

    async def invitation_at(self, token_hash: str) -> Invitation | None:
        """The invitation whose token has that hash, or `None`."""

    async def invitations(self, org_id: str) -> Sequence[Invitation]:
        """All invitations of an organization, by their ids."""

    async def end_invitation(
        self, invitation: Invitation, status: InvitationStatus, audit: AuditEntry | None = None
    ) -> bool:
        """Ends an invitation; false if it is no more pending."""


async def member_in(store: OrganizationStore, org_id: str, user_id: str) -> Member | None:
    """The member of an organization that is open, unless it was removed; `None` for all others."""
    found = await store.member(org_id, user_id)
    # Read after the member: one that was changed by closing is met in an organization that is closed.
    organization = await store.organization(org_id)
    if found is None or found.removed or organization is None or organization.closed:
        return None
    return found
