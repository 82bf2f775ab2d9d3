"""The Jobs table: every change is one conditional put on the version, so a job is never half of two writes.

A put without an answer is sent again; `write_id` tells whether the first one was applied. Jobs from ByDue are read
again by id, since an index lags.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from gateway.canonical.jobs import Job, JobKind, Phase
from gateway.errors import Conflict
from gateway.stores.aws.attributes import to_item
from gateway.stores.aws.client import AwsApi, Item
from gateway.stores.aws.table import Table
from gateway.stores.jobs.items import DUE_SHARDS, job_item, read_job

BY_ACCOUNT, BY_DUE = "ByAccount", "ByDue"
READ_AT_ONCE = 100


class DynamoJobs:
    """`Jobs` in one table and its two indexes."""

    def __init__(self, aws: AwsApi, table: str) -> None:
        self._table = Table(aws, table)

    async def add(self, job: Job) -> None:
        if not await self._written(job, "attribute_not_exists(job_id)", {}):
            raise Conflict(f"The job '{job.job_id}' exists already.")

    async def get(self, job_id: str) -> Job | None:
        answer = await self._table.call("GetItem", {"Key": _key(job_id), "ConsistentRead": True})
        return read_job(answer["Item"]) if "Item" in answer else None

    async def put(self, job: Job) -> Job | None:
        raised = replace(job, version=job.version + 1)
        return raised if await self._written(raised, "version = :before", {":before": job.version}) else None

    async def page(
        self,
        account_id: str,
        kinds: Collection[JobKind],
        *,
        limit: int,
        before: str | None = None,
        oldest_first: bool = False,
    ) -> Sequence[Job]:
        beyond = f" AND job_id {'>' if oldest_first else '<'} :before" if before else ""
        names = {f":kind{number}": kind.value for number, kind in enumerate(kinds)}
        values = {":account": account_id, **names} | ({":before": before} if before else {})
        query = {
            "IndexName": BY_ACCOUNT,
            "KeyConditionExpression": "account_id = :account" + beyond,
            "FilterExpression": f"kind IN ({', '.join(names)})",
            "ExpressionAttributeValues": to_item(values),
            "ScanIndexForward": oldest_first,
            # The limit counts filtered-out items too.
            "Limit": READ_AT_ONCE,
        }
        return [read_job(item) async for item in self._table.every("Query", query, limit)]

    async def remove(self, job: Job) -> None:
        await self._table.call("DeleteItem", {"Key": _key(job.job_id)})

    async def due(self, now_s: float) -> AsyncIterator[Job]:
        for shard in DUE_SHARDS:
            query = {
                "IndexName": BY_DUE,
                "KeyConditionExpression": "due_shard = :shard AND due_s <= :now",
                "ExpressionAttributeValues": to_item({":shard": shard, ":now": int(now_s)}),
            }
            async for item in self._table.every("Query", query):
                job = await self.get(item["job_id"]["S"])
                if job is not None and job.phase is not Phase.ENDED and job.due_s <= now_s:
                    yield job

    async def _written(self, job: Job, condition: str, values: Mapping[str, Any]) -> bool:
        put: dict[str, Any] = {"ConditionExpression": condition}
        if values:
            put["ExpressionAttributeValues"] = to_item(values)
        return await self._table.put(job_item(job), put)


def _key(job_id: str) -> Item:
    return to_item({"job_id": job_id})
