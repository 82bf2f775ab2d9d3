"""The Sockets table: one item per open session or client secret. `expires_at_s` is the table's TTL attribute.

A session's item is changed by its run alone: each write has the run and its invocation as its condition, so that one
that was taken for dead and goes on after all changes nothing. The account has no list of them: they live for an hour.
"""

from __future__ import annotations

import logging
from asyncio import gather
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from gateway.errors import ServiceUnavailable
from gateway.ports.sockets import ClientSecret, SocketRecord
from gateway.stores.aws.client import AwsApi, ConditionFailed, Item
from gateway.stores.aws.table import Table

# After its end, so that what a session has left is found and ended first.
KEPT_S = 24 * 3600
SESSION, SECRET, PART = "session#", "secret#", "part#"
# Of a state; an item has 400 KB, and a state holds up to a minute of sound.
PART_BYTES = 256 * 1024
# Its members are attributes of the item.
BY_ITSELF = ("run", "owner", "alive_until_s", "state")
OWN = "run_no = :run AND owned_by = :owner"

log = logging.getLogger(__name__)


class DynamoSockets:
    """`SocketRecords` in one table."""

    def __init__(self, aws: AwsApi, table: str) -> None:
        self._table = Table(aws, table)

    async def create(self, record: SocketRecord) -> None:
        await self._table.call("PutItem", {"Item": _item(record)})

    async def take(self, connection_id: str, run: int, owner: str, alive_until_s: int) -> SocketRecord | None:
        taking = {
            "Key": _key(SESSION + connection_id),
            "UpdateExpression": "SET owned_by = :owner, alive_until_s = :alive",
            # The same invocation may have taken it by a try whose answer was lost.
            "ConditionExpression": "run_no = :run AND owned_by IN (:none, :owner)",
            "ExpressionAttributeValues": {**_own(run, owner), ":none": {"S": ""}, ":alive": {"N": str(alive_until_s)}},
            "ReturnValues": "ALL_NEW",
        }
        try:
            answer = await self._table.call("UpdateItem", taking)
        except ConditionFailed:
            return None
        taken = answer["Attributes"]
        record = _record(taken)
        return await self._with_parts(record, int(taken["parts"]["N"])) if "parts" in taken else record

    async def _with_parts(self, record: SocketRecord, count: int) -> SocketRecord:
        """The record with a state that is in items of its own, which are not needed any more."""
        keys = _parts(record.connection_id, record.run, count)
        # Side by side: the client waits for this, and a minute of sound has fifteen parts.
        found = await gather(*(self._table.call("GetItem", {"Key": key, "ConsistentRead": True}) for key in keys))
        await gather(*map(self._drop_part, keys))
        return msgspec.structs.replace(record, state=b"".join(b64decode(each["Item"]["state"]["B"]) for each in found))

    async def _drop_part(self, key: Item) -> None:
        try:
            await self._table.call("DeleteItem", {"Key": key})
        except ServiceUnavailable:
            log.warning("a part of a session's state is left to the table's TTL")

    async def read(self, connection_id: str) -> SocketRecord | None:
        asked = {"Key": _key(SESSION + connection_id), "ConsistentRead": True}
        answer = await self._table.call("GetItem", asked)
        return _record(answer["Item"]) if "Item" in answer else None

    async def save(self, record: SocketRecord) -> bool:
        return await self._own_put(record, _item(record))

    async def pass_on(self, record: SocketRecord) -> bool:
        """Stores the record for the next run, which may be taken from then on."""
        following = msgspec.structs.replace(record, run=record.run + 1, owner="")
        state = following.state or b""
        if len(state) <= PART_BYTES:
            return await self._own_put(record, _item(following))
        pieces = [state[at : at + PART_BYTES] for at in range(0, len(state), PART_BYTES)]
        expires = {"expires_at_s": {"N": str(record.over_by_s)}}
        keys = _parts(record.connection_id, following.run, len(pieces))
        parts = (
            {**key, **expires, "state": {"B": b64encode(piece).decode()}}
            for key, piece in zip(keys, pieces, strict=True)
        )
        await gather(*(self._table.call("PutItem", {"Item": part}) for part in parts))
        item = {**_item(msgspec.structs.replace(following, state=None)), "parts": {"N": str(len(pieces))}}
        return await self._own_put(record, item)

    async def delete(self, connection_id: str) -> None:
        await self._table.call("DeleteItem", {"Key": _key(SESSION + connection_id)})

    async def dead(self, now_s: float) -> AsyncIterator[SocketRecord]:
        asked: dict[str, Any] = {
            "FilterExpression": "alive_until_s < :now",
            "ExpressionAttributeValues": {":now": {"N": str(int(now_s))}},
        }
        async for item in self._table.every("Scan", asked):
            yield _record(item)

    async def add_secret(self, secret_hash: str, secret: ClientSecret) -> None:
        item = {**_key(SECRET + secret_hash), "secret": {"S": msgspec.json.encode(secret).decode()}}
        await self._table.call("PutItem", {"Item": {**item, "expires_at_s": {"N": str(secret.expires_at_s)}}})

    async def secret(self, secret_hash: str) -> ClientSecret | None:
        answer = await self._table.call("GetItem", {"Key": _key(SECRET + secret_hash), "ConsistentRead": True})
        return msgspec.json.decode(answer["Item"]["secret"]["S"], type=ClientSecret) if "Item" in answer else None

    async def _own_put(self, record: SocketRecord, item: Item) -> bool:
        """Puts an item in place of the record of the same run and owner; false where that is gone."""
        condition = {"ConditionExpression": OWN, "ExpressionAttributeValues": _own(record.run, record.owner)}
        return await self._table.put(item, condition)


def _parts(connection_id: str, run: int, count: int) -> list[Item]:
    """The keys of the items of a state for a run."""
    return [_key(f"{PART}{connection_id}#{run}#{number}") for number in range(count)]


def _key(name: str) -> Item:
    return {"id": {"S": name}}


def _own(run: int, owner: str) -> dict[str, Any]:
    return {":run": {"N": str(run)}, ":owner": {"S": owner}}


def _item(record: SocketRecord) -> Item:
    told = msgspec.to_builtins(record)
    document = {name: value for name, value in told.items() if name not in BY_ITSELF}
    state = {} if record.state is None else {"state": {"B": b64encode(record.state).decode()}}
    return {
        **_key(SESSION + record.connection_id),
        "run_no": {"N": str(record.run)},
        "owned_by": {"S": record.owner},
        "alive_until_s": {"N": str(record.alive_until_s)},
        "expires_at_s": {"N": str(record.over_by_s + KEPT_S)},
        "record": {"S": msgspec.json.encode(document).decode()},
        **state,
    }


def _record(item: Item) -> SocketRecord:
    state = b64decode(item["state"]["B"]) if "state" in item else None
    by_itself = {
        "run": int(item["run_no"]["N"]),
        "owner": item["owned_by"]["S"],
        "alive_until_s": int(item["alive_until_s"]["N"]),
    }
    document = {**msgspec.json.decode(item["record"]["S"]), **by_itself}
    return msgspec.structs.replace(msgspec.convert(document, SocketRecord), state=state)
