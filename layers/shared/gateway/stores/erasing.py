"""Erases an account's content from the stores that keep it by account.

`TABLES` and `PREFIXES` are the one list of what is erased: a row for each store. An item goes after the objects that it
names, so that an erasure which was cut off finds them again. A test holds every table of the template that keeps things
by account to a row here, or to a reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from msgspec import Struct

from gateway.canonical.jobs import Phase
from gateway.ports.erasure import Erased
from gateway.ports.mcp import PARTITION as MCP_SERVERS
from gateway.stores.aws.attributes import from_item, to_item
from gateway.stores.aws.client import AwsApi, ConditionFailed, Item
from gateway.stores.aws.table import Table
from gateway.stores.s3.listed import S3Listed

AT_ONCE = 25
# Members of a job that name objects of the bucket of responses: its request, a run's journal.
ORDERED, NOTED = ("body", "request"), ("journal",)
OF_RESPONSES = "responses/"


def nothing(_item: Mapping[str, Any]) -> Sequence[str]:
    """The objects of an item that names none."""
    return ()


def objects_of_response(item: Mapping[str, Any]) -> Sequence[str]:
    """The object that a stored response is in, or those in which a conversation's versions may be."""
    if "object_name" in item:
        return [item["object_name"]]
    standing = item["version"]
    return [f"{item['objects']}/{version}" for version in range(max(1, standing - 1), standing + 2)]


def objects_of_answer(item: Mapping[str, Any]) -> Sequence[str]:
    """The object of a cached answer; a small one is in its item."""
    return [item["object_name"]] if "object_name" in item else []


def objects_of_job(item: Mapping[str, Any]) -> Sequence[str] | None:
    """The objects of a job in the bucket of responses; `None` for a job whose money is not settled yet."""
    job = orjson.loads(item["document"])
    if job["phase"] != Phase.ENDED:
        return None
    named = [job["order"].get(member) for member in ORDERED] + [job["metadata"].get(member) for member in NOTED]
    return [name for name in named if isinstance(name, str) and name.startswith(OF_RESPONSES)]


class Kept(Struct, frozen=True):
    """A table that keeps content by account: the setting that names it, its key, and what of an item names objects.

    `index` is the one that has `account_id` as its key, where the table has another. `revision` is the attribute that
    counts an item's writes: one that was written meanwhile stays for a later round. `partition` stands before the
    account's id in the table. `bucket` is the setting that names the objects' bucket.
    """

    setting: str
    key: tuple[str, ...]
    index: str = ""
    reads: tuple[str, ...] = ()
    objects: Callable[[Mapping[str, Any]], Sequence[str] | None] = nothing
    revision: str = ""
    partition: str = ""
    bucket: str = "responses_bucket"


TABLES = (
    Kept("provider_keys_table", ("account_id", "provider")),
    Kept("provider_keys_table", ("account_id", "provider"), partition=MCP_SERVERS),
    Kept("files_table", ("account_id", "file_id")),
    # Conversations are in this table too. One that was written meanwhile has another object.
    Kept(
        "responses_table",
        ("account_id", "response_id"),
        reads=("object_name", "objects", "version", "revision"),
        objects=objects_of_response,
        revision="revision",
    ),
    Kept("memories_table", ("account_id", "sk")),
    Kept("feedback_table", ("account_id", "sk")),
    Kept(
        "cache_table",
        ("account_id", "answer"),
        reads=("object_name",),
        objects=objects_of_answer,
        bucket="answers_bucket",
    ),
    Kept("signatures_table", ("account_id", "call")),
    Kept("webhooks_table", ("account_id", "sk")),
    Kept("jobs_table", ("job_id",), index="ByAccount", reads=("document",), objects=objects_of_job),
)
# What the names of an account's objects in the media bucket begin with, before its id: files that were uploaded, media
# and pictures that were made.
PREFIXES = ("uploads/", "media/")


class ErasedTable:
    """`Erasable` over one row of `TABLES`."""

    def __init__(self, aws: AwsApi, table: str, kept: Kept, contents: S3Listed) -> None:
        self._table = Table(aws, table)
        self._kept = kept
        self._contents = contents

    async def erase_some(self, account_id: str, after: Any) -> Erased:
        query = self._query(account_id)
        answer = await self._table.call("Query", query if after is None else {**query, "ExclusiveStartKey": after})
        gone = await asyncio.gather(*map(self._erase, answer["Items"]))
        return Erased(sum(gone), len(gone) - sum(gone), answer.get("LastEvaluatedKey"))

    async def _erase(self, item: Item) -> bool:
        """Deletes an item after its objects; false for one that has to stay for now."""
        names = self._kept.objects(from_item({name: item[name] for name in self._kept.reads if name in item}))
        if names is None:
            return False
        for name in names:
            await self._contents.delete(name)
        delete: dict[str, Any] = {"Key": {name: item[name] for name in self._kept.key}}
        if self._kept.revision in item:
            delete["ConditionExpression"] = "attribute_not_exists(#r) OR #r = :r"
            delete["ExpressionAttributeNames"] = {"#r": self._kept.revision}
            delete["ExpressionAttributeValues"] = {":r": item[self._kept.revision]}
        try:
            await self._table.call("DeleteItem", delete)
        except ConditionFailed:
            return False
        return True

    def _query(self, account_id: str) -> dict[str, Any]:
        shown = {f"#a{number}": name for number, name in enumerate((*self._kept.key, *self._kept.reads))}
        return {
            "KeyConditionExpression": "account_id = :account",
            "ExpressionAttributeValues": to_item({":account": self._kept.partition + account_id}),
            "ProjectionExpression": ", ".join(shown),
            "ExpressionAttributeNames": shown,
            "Limit": AT_ONCE,
            **({"IndexName": self._kept.index} if self._kept.index else {"ConsistentRead": True}),
        }


class ErasedPrefix:
    """`Erasable` over the objects of the media bucket whose names begin with a prefix and the account's id."""

    def __init__(self, objects: S3Listed, prefix: str) -> None:
        self._objects = objects
        self._prefix = prefix

    async def erase_some(self, account_id: str, after: Any) -> Erased:
        names = await self._objects.names(f"{self._prefix}{account_id}/", AT_ONCE, after or "")
        await asyncio.gather(*map(self._objects.delete, names))
        return Erased(len(names), after=names[-1] if len(names) == AT_ONCE else None)
