"""The People table: people, their sessions, addresses, mailed tokens, invitations and counters of attempts.

| item | id, sk | attributes |
|---|---|---|
| person | `user#<user id>`, `user` | `User`, with its version |
| session | `user#<user id>`, `session#<session id>` | `Session` |
| address | `email#<hash>`, `owner` | the person's id: an address is one person's |
| account | `account#<account id>`, `owner` | the person's id |
| mailed token | `mailed#<hash>`, `token` | `MailedToken` |
| invitation | `invitation#<hash>`, `invitation` | |
| counter | `count#<kind and hash>#<window>`, `count` | attempts in the window |

Every change is one conditional write of one item, except that a person is added with its address and its account, and
erased with its address, in one transaction. So is a change with its entry of the audit log, which is in the Ledger
table. `expires_at_s` is the table's TTL attribute; what it says is also checked
on read, by the code that reads. A write that is repeated after an unknown result knows its own item by its `write_id`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import convert, to_builtins

from gateway.errors import ServiceUnavailable
from gateway.ports.people import MailedToken, Session, User
from gateway.stores.aws.attributes import from_item, to_item
from gateway.stores.aws.client import STORE_DOWN, AwsApi, ConditionFailed, Item
from gateway.stores.aws.table import Table, is_own, marked, told

if TYPE_CHECKING:
    from gateway.ports.audit import AuditEntry

SCHEMA_VERSION = 1
USER, SESSION, OWNER, TOKEN, INVITATION, COUNT = "user", "session#", "owner", "token", "invitation", "count"
ABSENT = "attribute_not_exists(id)"
T = TypeVar("T")


class DynamoPeople:
    """`PeopleStore` in one table."""

    def __init__(self, aws: AwsApi, table: str, ledger_table: str) -> None:
        self._ledger = ledger_table
        self._name = table
        self._table = Table(aws, table)

    async def user(self, user_id: str) -> User | None:
        return _read(await self._get(_user_key(user_id)), User)

    async def user_id_at(self, email_hash: str) -> str | None:
        return _owner(await self._get(_key(f"email#{email_hash}", OWNER)))

    async def owner_of(self, account_id: str) -> str | None:
        return _owner(await self._get(_key(f"account#{account_id}", OWNER)))

    async def add(
        self, user: User, email_hash: str, *, invitation_hash: str = "", audit: AuditEntry | None = None
    ) -> bool:
        owner = {"user_id": user.user_id, "schema_version": SCHEMA_VERSION}
        parts = [
            self._put({**_key(f"email#{email_hash}", OWNER), **to_item(owner)}),
            self._put(_user_item(user)),
            self._put({**_key(f"account#{user.account_id}", OWNER), **to_item(owner)}),
        ]
        if invitation_hash:
            key = _key(f"invitation#{invitation_hash}", INVITATION)
            used = {"TableName": self._name, "Key": key, "ConditionExpression": "attribute_exists(id)"}
            parts.append({"Delete": used})
        if await self._table.transacted([*parts, *told(self._ledger, audit)]):
            return True
        return await self.user_id_at(email_hash) == user.user_id

    async def put(self, user: User, *, instead_of: User, audit: AuditEntry | None = None) -> bool:
        if audit is None:
            return await self._table.put(_user_item(user), _version(instead_of))
        return await self._replaced(user, instead_of, told(self._ledger, audit))

    async def erase(self, user: User, *, instead_of: User, email_hash: str, audit: AuditEntry | None = None) -> bool:
        address = {
            "TableName": self._name,
            "Key": _key(f"email#{email_hash}", OWNER),
            "ConditionExpression": "attribute_not_exists(id) OR user_id = :user",
            "ExpressionAttributeValues": to_item({":user": user.user_id}),
        }
        return await self._replaced(user, instead_of, [{"Delete": address}, *told(self._ledger, audit)])

    async def keep_token(self, token: MailedToken) -> None:
        key = _key(f"mailed#{token.token_hash}", TOKEN)
        await self._table.call("PutItem", {"Item": {**key, **_attributes(token), **_expiry(token.until_s)}})

    async def token(self, token_hash: str) -> MailedToken | None:
        return _read(await self._get(_key(f"mailed#{token_hash}", TOKEN)), MailedToken)

    async def drop_token(self, token_hash: str) -> None:
        await self._table.call("DeleteItem", {"Key": _key(f"mailed#{token_hash}", TOKEN)})

    async def add_session(self, session: Session, audit: AuditEntry | None = None) -> None:
        item = _session_item(session)
        if audit is None:
            await self._table.call("PutItem", {"Item": item})
        elif not await self._table.transacted(
            [{"Put": {"TableName": self._name, "Item": item}}, *told(self._ledger, audit)]
        ):
            raise ServiceUnavailable(STORE_DOWN)

    async def session(self, user_id: str, session_id: str) -> Session | None:
        return _read(await self._get(_session_key(user_id, session_id)), Session)

    async def rotate(self, session: Session, *, instead_of: Session) -> bool:
        put = {
            "Item": _session_item(session),
            "ConditionExpression": "refresh_hash = :standing",
            "ExpressionAttributeValues": to_item({":standing": instead_of.refresh_hash}),
        }
        try:
            await self._table.call("PutItem", put)
        except ConditionFailed:
            # Its tokens are drawn, or made from an Idempotency-Key: the same ones are one rotation.
            return await self.session(session.user_id, session.session_id) == session
        return True

    async def end_session(self, user_id: str, session_id: str) -> None:
        await self._table.call("DeleteItem", {"Key": _session_key(user_id, session_id)})

    async def sessions(self, user_id: str) -> Sequence[Session]:
        query: dict[str, Any] = {
            "KeyConditionExpression": "id = :id AND begins_with(sk, :kind)",
            "ExpressionAttributeValues": to_item({":id": f"user#{user_id}", ":kind": SESSION}),
            "ConsistentRead": True,
        }
        stored = self._table.every("Query", query)
        return [session async for item in stored if (session := _read(item, Session)) is not None]

    async def count(self, scope: str, window: int, *, limit: int, until_s: int) -> bool:
        # A repeat of a write without an answer counts again, as its attempt may have gone on.
        update = {
            "Key": _key(f"count#{scope}#{window}", COUNT),
            "UpdateExpression": "ADD attempts :one SET expires_at_s = :until, schema_version = :schema",
            "ConditionExpression": "attribute_not_exists(attempts) OR attempts < :limit",
            "ExpressionAttributeValues": to_item(
                {":one": 1, ":limit": limit, ":until": until_s, ":schema": SCHEMA_VERSION}
            ),
        }
        try:
            await self._table.call("UpdateItem", update)
        except ConditionFailed:
            return False
        return True

    async def forget(self, scope: str, window: int) -> None:
        await self._table.call("DeleteItem", {"Key": _key(f"count#{scope}#{window}", COUNT)})

    async def invite(self, invitation_hash: str, until_s: int) -> None:
        key = _key(f"invitation#{invitation_hash}", INVITATION)
        await self._table.call("PutItem", {"Item": {**key, **to_item({"until_s": until_s}), **_expiry(until_s)}})

    async def invited(self, invitation_hash: str, now_s: float) -> bool:
        item = await self._get(_key(f"invitation#{invitation_hash}", INVITATION))
        return item is not None and now_s < from_item(item)["until_s"]

    async def _get(self, key: Item) -> Item | None:
        answer = await self._table.call("GetItem", {"Key": key, "ConsistentRead": True})
        found: Item | None = answer.get("Item")
        return found

    async def _replaced(self, user: User, instead_of: User, beside: Sequence[Item]) -> bool:
        """Replaces a version of a person, together with other writes."""
        item = marked(_user_item(user))
        put = {"TableName": self._name, "Item": item, **_version(instead_of)}
        return await self._table.transacted([{"Put": put}, *beside]) or is_own(
            await self._get(_user_key(user.user_id)), item
        )

    def _put(self, item: Item) -> Item:
        return {"Put": {"TableName": self._name, "Item": item, "ConditionExpression": ABSENT}}


def _key(item_id: str, sort: str) -> Item:
    return to_item({"id": item_id, "sk": sort})


def _user_key(user_id: str) -> Item:
    return _key(f"user#{user_id}", USER)


def _session_key(user_id: str, session_id: str) -> Item:
    return _key(f"user#{user_id}", SESSION + session_id)


def _expiry(until_s: int) -> Item:
    return to_item({"expires_at_s": until_s, "schema_version": SCHEMA_VERSION})


def _user_item(user: User) -> Item:
    return {**_user_key(user.user_id), **_attributes(user), **to_item({"schema_version": SCHEMA_VERSION})}


def _session_item(session: Session) -> Item:
    until_s = min(session.refresh_until_s, session.ends_at_s)
    return {**_session_key(session.user_id, session.session_id), **_attributes(session), **_expiry(until_s)}


def _version(instead_of: User) -> dict[str, Any]:
    """The condition that a version of a person still stands."""
    return {
        "ConditionExpression": "version = :version",
        "ExpressionAttributeValues": to_item({":version": instead_of.version}),
    }


def _attributes(record: User | Session | MailedToken) -> Item:
    return to_item(to_builtins(record))


def _read(item: Item | None, kind: type[T]) -> T | None:
    """The record of a stored item, whose other attributes are left out."""
    return None if item is None else convert(from_item(item), kind)


def _owner(item: Item | None) -> str | None:
    return None if item is None else str(from_item(item)["user_id"])
