"""Changes organizations and their members. What a member may do is judged on the state that its change replaces.

The organization is read before its members, and every change of a member raises its version: a change that was judged
by a role which the caller has lost meanwhile does not fit any more, and is judged anew.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from gateway.accounts.pages import every_key, iso_utc
from gateway.audit.entries import differences
from gateway.audit.trail import Trail
from gateway.errors import Conflict
from gateway.ledger.hold_ids import hold_id_at
from gateway.ledger.money import format_usd
from gateway.limits.windows import ACCOUNT_RPM_LIMIT
from gateway.organizations import refusals
from gateway.organizations.permissions import Permission, may, may_give
from gateway.organizations.settings import MemberChanges
from gateway.ports.audit import AuditEntry
from gateway.ports.clock import Clock
from gateway.ports.erasure import Erasures
from gateway.ports.keys import KeyStore
from gateway.ports.money import Money
from gateway.ports.organizations import (
    ORGANIZATION_PREFIX,
    Invitation,
    Member,
    MemberChange,
    Organization,
    OrganizationStore,
    Role,
    account_of,
)
from gateway.ports.people import User

TRIES = 8
ORGANIZATIONS_MAX, MEMBERS_MAX = 20, 200
# A transaction has 100 writes at most; a member that goes takes two, and the organization one.
GOING_AT_ONCE = 40
REVOKED = {"revoked": True}
UNANSWERED = "its creation was never answered"


class State(Struct, frozen=True):
    """An organization as a member of it meets it."""

    organization: Organization
    actor: Member


class Change(Struct, frozen=True):
    """The next version of an organization, but for its number, the members that change by it, and what tells of it."""

    organization: Organization
    members: Sequence[MemberChange] = ()
    told: AuditEntry | None = None


class Roster(Struct, frozen=True):
    """Organizations over the stores. What a caller changes is told in the organization's audit log, by its `trail`."""

    store: OrganizationStore
    money: Money
    keys: KeyStore
    clock: Clock
    erasures: Erasures

    def new_id(self) -> str:
        """Draws the id of an organization to be created."""
        return ORGANIZATION_PREFIX + hold_id_at(self.clock.now_s(), secrets.randbits(40))

    async def create(self, user: User, org_id: str, name: str, trail: Trail) -> State:
        """Creates an organization that the person owns, with an empty account of its own."""
        await self.refuse_more_of(user)
        now_s = int(self.clock.now_s())
        organization = Organization(org_id, name, now_s)
        owner = Member(org_id, user.user_id, user.email, "owner", 1, now_s)
        with suppress(Conflict):
            await self.money.open_account(organization.account_id, ACCOUNT_RPM_LIMIT)
        told = trail.of(organization.account_id, user.user_id).entry("organization.created", target=org_id)
        if not await self.store.change(organization, instead_of=None, members=[(owner, None)], audit=told):
            raise refusals.changed_meanwhile()
        return State(organization, owner)

    async def disown(self, trail: Trail, org_id: str) -> None:
        """Closes an organization whose creation was never answered, and takes its owner out."""
        found = await self.store.organization(org_id)
        if found is None:
            return
        if not found.closed:
            told = trail.of(found.account_id).entry("organization.deleted", target=org_id, note=UNANSWERED)
            closed = replace(found, version=found.version + 1, closed=True)
            await self.store.change(closed, instead_of=found, audit=told)
        await self._emptied(org_id)

    async def refuse_more_of(self, user: User) -> None:
        """Raises `Conflict` for a person who is in as many organizations as one may be."""
        if len(await self.store.organizations_of(user.user_id)) >= ORGANIZATIONS_MAX:
            raise refusals.too_many("organizations", ORGANIZATIONS_MAX)

    async def mine(self, user_id: str) -> list[State]:
        """The organizations that a person is in."""
        found = []
        for org_id in await self.store.organizations_of(user_id):
            organization, member = await self.store.organization(org_id), await self.store.member(org_id, user_id)
            if organization is not None and member is not None and not member.removed and not organization.closed:
                found.append(State(organization, member))
        return found

    async def places_of(self, user_id: str) -> list[dict[str, Any]]:
        """The organizations that a person is in, each with its role and cap there, for the export of its data."""
        return [
            {"org_id": own.org_id, "name": of.name, "joined_at": iso_utc(own.joined_at_s), **_rights(own)}
            for of, own in ((state.organization, state.actor) for state in await self.mine(user_id))
        ]

    async def standing(self, org_id: str, user_id: str, permission: Permission) -> State:
        """The organization, for a member with a permission; raises `NotFound` for others, or `PermissionDenied`."""
        organization = await self.store.organization(org_id)
        actor = await self.store.member(org_id, user_id)
        if organization is None or organization.closed or actor is None or actor.removed:
            raise refusals.no_organization(org_id)
        if not may(actor.role, permission):
            raise refusals.not_permitted(actor.role, permission)
        return State(organization, actor)

    async def rename(self, org_id: str, user_id: str, name: str | UnsetType, trail: Trail) -> State:
        """Gives the organization another name."""

        async def plan(state: State) -> Change:
            shown = state.organization.name if name is UNSET else str(name)
            was, now = differences({"name": state.organization.name}, {"name": shown}, untold={"name"})
            told = trail.entry("organization.changed", target=org_id, before=was, after=now)
            return Change(replace(state.organization, name=shown), told=told)

        return await self._changed(org_id, user_id, "organization.update", plan)

    async def members(self, org_id: str, user_id: str) -> list[Member]:
        """The members, without those that were removed."""
        await self.standing(org_id, user_id, "members.read")
        return [one for one in await self.store.members(org_id) if not one.removed]

    async def change_member(self, org_id: str, user_id: str, of: str, wanted: MemberChanges, trail: Trail) -> Member:
        """Changes a member's role and cap; the cap bounds all its keys within 5 s."""

        async def plan(state: State) -> Change:
            before = await self._member(org_id, of)
            role = before.role if wanted.role is UNSET else wanted.role
            if not (may_give(state.actor.role, before.role) and may_give(state.actor.role, role)):
                raise refusals.beyond_role(state.actor.role)
            cap = wanted.monthly_spend_cap_usd
            limit = before.cap_nanousd if cap is UNSET else None if cap is None else int(cap)
            after = replace(before, role=role, cap_nanousd=limit, version=before.version + 1)
            owners = state.organization.owners + (role == "owner") - (before.role == "owner")
            was, now = differences(_rights(before), _rights(after))
            told = trail.entry("member.changed", target=of, before=was, after=now)
            return Change(with_owners(state.organization, owners), [(after, before)], told)

        await self._changed(org_id, user_id, "members.manage", plan)
        after = await self._member(org_id, of)
        if wanted.monthly_spend_cap_usd is not UNSET:
            await self._change_keys(after.account_id, {"seat_cap_nanousd": after.cap_nanousd}, None, of=after.user_id)
        return after

    async def remove(self, org_id: str, user_id: str, of: str, trail: Trail) -> Member:
        """Removes a member and revokes its keys, which start nothing new after 5 s; a repeat completes it."""

        async def plan(state: State) -> Change:
            before = await self._member(org_id, of)
            if not may_give(state.actor.role, before.role):
                raise refusals.beyond_role(state.actor.role)
            told = trail.entry("member.removed", target=of, before=_rights(before))
            return replace(without(state.organization, before), told=told)

        state = await self.standing(org_id, user_id, "members.manage")
        gone = await self.store.member(org_id, of)
        if gone is None or not gone.removed or not may_give(state.actor.role, gone.role):
            await self._changed(org_id, user_id, "members.manage", plan)
        return await self._ended(org_id, of, trail)

    async def leave(self, org_id: str, user_id: str, trail: Trail) -> Member:
        """Removes the caller itself; the last owner stays."""

        async def plan(state: State) -> Change:
            told = trail.entry("member.left", target=user_id, before=_rights(state.actor))
            return replace(without(state.organization, state.actor), told=told)

        await self._changed(org_id, user_id, "organization.read", plan)
        return await self._ended(org_id, user_id, trail)

    async def transfer(self, org_id: str, user_id: str, to: str, trail: Trail) -> State:
        """Makes another member the owner in the caller's place, who is an admin from then on."""

        async def plan(state: State) -> Change:
            heir = await self._member(org_id, to)
            if heir.user_id == user_id:
                return Change(state.organization)
            owners = state.organization.owners - (heir.role == "owner")
            new = replace(heir, role="owner", version=heir.version + 1)
            former = replace(state.actor, role="admin", version=state.actor.version + 1)
            was, now = {"owner": user_id, "role": heir.role}, {"owner": to, "role": new.role}
            told = trail.entry("organization.transferred", target=to, before=was, after=now)
            return Change(replace(state.organization, owners=owners), [(new, heir), (former, state.actor)], told)

        return await self._changed(org_id, user_id, "organization.transfer", plan)

    async def join(self, invitation: Invitation, user: User, trail: Trail) -> State:
        """Makes the invited person a member, by the invitation, which is used up by it."""
        trail = trail.of(account_of(invitation.org_id), user.user_id)
        after, note = {"role": invitation.role}, invitation.invitation_id
        told = trail.entry("member.joined", target=user.user_id, after=after, note=note)
        for _ in range(TRIES):
            organization = await self.store.organization(invitation.org_id)
            before = await self.store.member(invitation.org_id, user.user_id)
            if organization is None or organization.closed:
                raise refusals.bad_invitation()
            if before is not None and not before.removed:
                raise refusals.already_member()
            if not _may_invite(await self.store.member(invitation.org_id, invitation.invited_by), invitation.role):
                raise refusals.bad_invitation()
            if organization.members >= MEMBERS_MAX:
                raise refusals.too_many("members", MEMBERS_MAX)
            member = self._joining(organization, invitation, user, before)
            grown = replace(
                organization,
                version=organization.version + 1,
                members=organization.members + 1,
                owners=organization.owners + (member.role == "owner"),
                seats=max(organization.seats, member.seat),
            )
            joined = [(member, before)]
            if await self.store.change(grown, instead_of=organization, members=joined, used=invitation, audit=told):
                return State(grown, member)
            standing = await self.store.invitation(invitation.org_id, invitation.invitation_id)
            if standing is None or standing.status != "pending":
                raise refusals.bad_invitation()
        raise refusals.changed_meanwhile()

    async def delete(self, org_id: str, user_id: str, trail: Trail) -> Organization:
        """Deletes an organization whose balance is 0: its account is suspended, its keys end, all members leave it.

        It is closed first, which ends acting for it. The caller leaves last, so that a deletion that was cut off can
        be asked for again.
        """
        closed = await self._closed(org_id, user_id, trail)
        await self.money.set_account(closed.account_id, disabled=True)
        await self._emptied(org_id, but=user_id)
        # No key is made from here on: each takes its member as it stood before the organization was closed.
        await self._change_keys(closed.account_id, REVOKED, trail)
        await self.erasures.begin(closed.account_id)
        await self._emptied(org_id)
        return closed

    async def refuse_end_of(self, user_id: str) -> None:
        """Raises `Conflict` for the last owner of an organization, which it names."""
        for state in await self.mine(user_id):
            if state.actor.role == "owner" and state.organization.owners == 1:
                raise refusals.owns_alone(state.organization)

    async def end_of(self, user_id: str, trail: Trail) -> None:
        """Takes a person out of all its organizations, erases its address there, and revokes its keys in them."""
        for org_id in await self.store.organizations_of(user_id):
            member = await self.store.member(org_id, user_id)
            if member is not None:
                own = trail.of(member.account_id, user_id)
                # Before the member goes: an end that is cut off after it does not find the organization again.
                await self._change_keys(member.account_id, REVOKED, own, of=user_id)
                await self._gone(org_id, user_id, own)
                await self._ended(org_id, user_id, own)

    async def _gone(self, org_id: str, user_id: str, trail: Trail) -> None:
        for _ in range(TRIES):
            organization = await self.store.organization(org_id)
            member = await self.store.member(org_id, user_id)
            if organization is None or member is None or member.removed:
                return
            if member.role == "owner" and organization.owners == 1 and not organization.closed:
                raise refusals.owns_alone(organization)
            change = going(organization, [member])
            erased = [(replace(after, email=""), before) for after, before in change.members]
            told = trail.entry("member.left", target=user_id, before=_rights(member), note="account deactivated")
            if await self.store.change(change.organization, instead_of=organization, members=erased, audit=told):
                return
        raise refusals.changed_meanwhile()

    async def _closed(self, org_id: str, user_id: str, trail: Trail) -> Organization:
        """Closes an organization for an owner; one whose deletion was cut off is closed already."""
        found, actor = await self.store.organization(org_id), await self.store.member(org_id, user_id)
        if found is not None and found.closed and actor is not None and not actor.removed and actor.role == "owner":
            return found

        async def plan(state: State) -> Change:
            await self._refuse_unsettled(state.organization.account_id, user_id)
            actor = replace(state.actor, version=state.actor.version + 1)
            told = trail.entry("organization.deleted", target=org_id)
            return Change(replace(state.organization, closed=True), [(actor, state.actor)], told)

        return (await self._changed(org_id, user_id, "organization.delete", plan)).organization

    async def _emptied(self, org_id: str, but: str | None = None) -> None:
        """Takes the members out of a closed organization, but for one, and erases all addresses, also of those gone."""
        overtaken = 0
        while overtaken < TRIES:
            organization = await self.store.organization(org_id)
            known = [one for one in await self.store.members(org_id) if one.email and one.user_id != but]
            batch = known[:GOING_AT_ONCE]
            if organization is None or not organization.closed or not batch:
                return
            after = going(organization, [one for one in batch if not one.removed]).organization
            gone = [(replace(one, removed=True, email="", version=one.version + 1), one) for one in batch]
            if not await self.store.change(after, instead_of=organization, members=gone):
                overtaken += 1
        raise refusals.changed_meanwhile()

    def _joining(self, organization: Organization, invitation: Invitation, user: User, before: Member | None) -> Member:
        now_s = int(self.clock.now_s())
        if before is None:
            seat = organization.seats + 1
            return Member(organization.org_id, user.user_id, user.email, invitation.role, seat, now_s)
        back = replace(before, role=invitation.role, email=user.email, joined_at_s=now_s, removed=False)
        return replace(back, version=before.version + 1)

    async def _changed(
        self, org_id: str, user_id: str, permission: Permission, plan: Callable[[State], Awaitable[Change]]
    ) -> State:
        for _ in range(TRIES):
            state = await self.standing(org_id, user_id, permission)
            change = await plan(state)
            after = replace(change.organization, version=state.organization.version + 1)
            before, told = state.organization, change.told
            if await self.store.change(after, instead_of=before, members=change.members, audit=told):
                own = [member for member, _ in change.members if member.user_id == user_id]
                return State(after, own[0] if own else state.actor)
        raise refusals.changed_meanwhile()

    async def _member(self, org_id: str, user_id: str) -> Member:
        found = await self.store.member(org_id, user_id)
        if found is None or found.removed:
            raise refusals.no_member(user_id)
        return found

    async def _refuse_unsettled(self, account_id: str, user_id: str) -> None:
        account = await self.money.state(account_id, user_id, 0, self.clock.now_s())
        if account is not None and (account.free_nanousd or account.held_nanousd):
            raise refusals.not_settled()

    async def _ended(self, org_id: str, user_id: str, trail: Trail) -> Member:
        """Revokes the keys of a member that was removed; one that is back by now keeps its own."""
        gone = await self.store.member(org_id, user_id)
        if gone is None:
            raise refusals.no_member(user_id)
        if gone.removed:
            await self._change_keys(gone.account_id, REVOKED, trail, of=user_id)
        return gone

    async def _change_keys(
        self, account_id: str, changes: Mapping[str, object], trail: Trail | None, of: str | None = None
    ) -> None:
        """Changes the keys of an account, or of one of its members; a new one takes its member as it stands then.

        With a `trail` their end is told.
        """
        for key in await every_key(self.keys, account_id):
            if not key.revoked and of in {None, key.user_id}:
                told = None if trail is None else trail.entry("key.revoked", target=key.key_id, note=of or "")
                with suppress(Conflict):
                    await self.keys.change(account_id, key.key_id, changes, audit=told)


def _rights(member: Member) -> dict[str, Any]:
    """A member's role, and its cap of a month, as they are shown."""
    cap = member.cap_nanousd
    return {"role": member.role, "monthly_spend_cap_usd": None if cap is None else format_usd(cap)}


def _may_invite(inviter: Member | None, role: Role) -> bool:
    """True for a member who may still invite to that role: what one that was removed has left behind opens no door."""
    if inviter is None or inviter.removed:
        return False
    return may(inviter.role, "invitations.manage") and may_give(inviter.role, role)


def with_owners(organization: Organization, owners: int) -> Organization:
    """The organization with so many owners; raises `Conflict` for none."""
    if owners < 1:
        raise refusals.last_owner()
    return replace(organization, owners=owners)


def going(organization: Organization, members: Sequence[Member]) -> Change:
    """The next version of an organization, without these members; it may be left without an owner."""
    owners = organization.owners - sum(one.role == "owner" for one in members)
    left = organization.members - len(members)
    after = replace(organization, version=organization.version + 1, owners=owners, members=left)
    return Change(after, [(replace(one, removed=True, version=one.version + 1), one) for one in members])


def without(organization: Organization, member: Member) -> Change:
    """The change by which a member goes; raises `Conflict` for the last owner."""
    with_owners(organization, organization.owners - (member.role == "owner"))
    return going(organization, [member])
