"""Organizations in the People table, beside the people who are in them.

| item | id, sk | attributes |
|---|---|---|
| organization | `org#<org id>`, `organization` | `Organization`, with its version |
| member | `org#<org id>`, `member#<user id>` | `Member`, also one that was removed |
| membership | `user#<user id>`, `org#<org id>` | stands while the person is a member |
| invitation | `org#<org id>`, `invitation#<id>` | `Invitation` |
| its token | `org-invitation#<hash>`, `token` | ids of organization and invitation |

All members of an organization change by one transaction with its version, so that no two changes pass each other: the
last owner stays one. The entry of a change in the audit log, in the Ledger table, is a part of it. A write that is
repeated after an unknown result finds its own version and succeeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import convert, to_builtins
from msgspec.structs import replace

from gateway.errors import ServiceUnavailable
from gateway.ports.organizations import Invitation, InvitationStatus, Member, MemberChange, Organization
from gateway.stores.aws.attributes import from_item, to_item
from gateway.stores.aws.client import STORE_DOWN, AwsApi, Item
from gateway.stores.aws.table import Table, is_own, marked, told

if TYPE_CHECKING:
    from gateway.ports.audit import AuditEntry

SCHEMA_VERSION = 1
ORGANIZATION, MEMBER, MEMBERSHIP, INVITATION, TOKEN = "organization", "member#", "org#", "invitation#", "token"
# An ended invitation can be listed for so long.
KEPT_S = 30 * 24 * 3600
T = TypeVar("T")


class DynamoOrganizations:
    """`OrganizationStore` in the table of people."""

    def __init__(self, aws: AwsApi, table: str, ledger_table: str) -> None:
        self._ledger = ledger_table
        self._name = table
        self._table = Table(aws, table)

    async def organization(self, org_id: str) -> Organization | None:
        return _read(await self._get(_key(f"org#{org_id}", ORGANIZATION)), Organization)

    async def member(self, org_id: str, user_id: str) -> Member | None:
        return _read(await self._get(member_key(org_id, user_id)), Member)

    async def members(self, org_id: str) -> Sequence[Member]:
        return [convert(from_item(item), Member) for item in await self._below(f"org#{org_id}", MEMBER)]

    async def organizations_of(self, user_id: str) -> Sequence[str]:
        return [item["sk"]["S"].removeprefix(MEMBERSHIP) for item in await self._below(f"user#{user_id}", MEMBERSHIP)]

    async def change(
        self,
        organization: Organization,
        *,
        instead_of: Organization | None,
        members: Sequence[MemberChange] = (),
        used: Invitation | None = None,
        audit: AuditEntry | None = None,
    ) -> bool:
        key = _key(f"org#{organization.org_id}", ORGANIZATION)
        own = marked({**key, **_attributes(organization)})
        parts = [self._put(own, None if instead_of is None else instead_of.version)]
        for after, before in members:
            member = {**member_key(after.org_id, after.user_id), **_attributes(after)}
            parts.append(self._put(member, None if before is None else before.version))
            listing = _key(f"user#{after.user_id}", MEMBERSHIP + after.org_id)
            if after.removed:
                parts.append({"Delete": {"TableName": self._name, "Key": listing}})
            elif before is None or before.removed:
                parts.append(self._stays(after.user_id))
                listed = {**listing, **to_item({"schema_version": SCHEMA_VERSION})}
                parts.append({"Put": {"TableName": self._name, "Item": listed}})
        if used is not None:
            parts.append({"Update": {"TableName": self._name, **_ended(used, "accepted")}})
        if await self._table.transacted([*parts, *told(self._ledger, audit)]):
            return True
        return is_own(await self._get(key), own)

    async def invite(self, invitation: Invitation, audit: AuditEntry | None = None) -> None:
        expiry = to_item({"expires_at_s": invitation.until_s + KEPT_S})
        place = {"org_id": invitation.org_id, "invitation_id": invitation.invitation_id}
        token = {**_key(f"org-invitation#{invitation.token_hash}", TOKEN), **to_item(place), **expiry}
        items = (
            {**_invitation_key(invitation), **_attributes(invitation), **expiry},
            {**token, **to_item({"schema_version": SCHEMA_VERSION})},
        )
        parts = [{"Put": {"TableName": self._name, "Item": item}} for item in items]
        if not await self._table.transacted([*parts, *told(self._ledger, audit)]):
            raise ServiceUnavailable(STORE_DOWN)

    async def invitation(self, org_id: str, invitation_id: str) -> Invitation | None:
        return _read(await self._get(_key(f"org#{org_id}", INVITATION + invitation_id)), Invitation)

    async def invitation_at(self, token_hash: str) -> Invitation | None:
        place = await self._get(_key(f"org-invitation#{token_hash}", TOKEN))
        return None if place is None else await self.invitation(place["org_id"]["S"], place["invitation_id"]["S"])

    async def invitations(self, org_id: str) -> Sequence[Invitation]:
        return [convert(from_item(item), Invitation) for item in await self._below(f"org#{org_id}", INVITATION)]

    async def end_invitation(
        self, invitation: Invitation, status: InvitationStatus, audit: AuditEntry | None = None
    ) -> bool:
        end = {"Update": {"TableName": self._name, **_ended(invitation, status)}}
        if await self._table.transacted([end, *told(self._ledger, audit)]):
            return True
        found = await self.invitation(invitation.org_id, invitation.invitation_id)
        return found == replace(invitation, status=status)

    async def _get(self, key: Item) -> Item | None:
        answer = await self._table.call("GetItem", {"Key": key, "ConsistentRead": True})
        found: Item | None = answer.get("Item")
        return found

    async def _below(self, item_id: str, kind: str) -> list[Item]:
        query: dict[str, Any] = {
            "KeyConditionExpression": "id = :id AND begins_with(sk, :kind)",
            "ExpressionAttributeValues": to_item({":id": item_id, ":kind": kind}),
            "ConsistentRead": True,
        }
        return [item async for item in self._table.every("Query", query)]

    def _stays(self, user_id: str) -> Item:
        """The condition that a person who joins is not leaving the gateway."""
        stays = [f"(attribute_not_exists({name}) OR {name} = :no)" for name in ("leaving", "deactivated")]
        check = {"TableName": self._name, "Key": _key(f"user#{user_id}", "user")}
        values = {"ExpressionAttributeValues": to_item({":no": False})}
        return {"ConditionCheck": {**check, **values, "ConditionExpression": " AND ".join(stays)}}

    def _put(self, item: Item, version: int | None) -> Item:
        """A put over that version of an item, or of one that is new."""
        put = {"TableName": self._name, "Item": {**item, **to_item({"schema_version": SCHEMA_VERSION})}}
        if version is None:
            return {"Put": {**put, "ConditionExpression": "attribute_not_exists(id)"}}
        return {"Put": {**put, **at_version(version)}}


def member_key(org_id: str, user_id: str) -> Item:
    """The primary key of a member."""
    return _key(f"org#{org_id}", MEMBER + user_id)


def at_version(version: int) -> dict[str, Any]:
    """The condition that a version still stands."""
    return {
        "ConditionExpression": "version = :version",
        "ExpressionAttributeValues": to_item({":version": version}),
    }


def _key(item_id: str, sort: str) -> Item:
    return to_item({"id": item_id, "sk": sort})


def _invitation_key(invitation: Invitation) -> Item:
    return _key(f"org#{invitation.org_id}", INVITATION + invitation.invitation_id)


def _ended(invitation: Invitation, status: InvitationStatus) -> dict[str, Any]:
    return {
        "Key": _invitation_key(invitation),
        "UpdateExpression": "SET #status = :status",
        "ConditionExpression": "#status = :pending",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": to_item({":status": status, ":pending": "pending"}),
    }


def _attributes(record: Organization | Member | Invitation) -> Item:
    return to_item({**to_builtins(record), "schema_version": SCHEMA_VERSION})


def _read(item: Item | None, kind: type[T]) -> T | None:
    return None if item is None else convert(from_item(item), kind)
