"""Jobs in memory, for tests. They pass through the table's own document, so that its limits apply here too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence

import orjson
from msgspec.structs import asdict, replace

from gateway.canonical.jobs import Job, JobKind, Phase
from gateway.errors import Conflict
from gateway.stores.aws.client import AwsError
from gateway.stores.jobs.items import job_of

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-partition-sort-keys
KEY_BYTES_MAX = 2048


class MemoryJobs:
    """`Jobs` of one process."""

    def __init__(self) -> None:
        self._documents: dict[str, bytes] = {}

    async def add(self, job: Job) -> None:
        if job.job_id in self._documents:
            raise Conflict(f"The job '{job.job_id}' exists already.")
        self._documents[job.job_id] = orjson.dumps(job, default=asdict)

    async def get(self, job_id: str) -> Job | None:
        if not 0 < len(job_id.encode()) <= KEY_BYTES_MAX:
            raise AwsError("ValidationException", "Size of hashkey has exceeded the maximum size limit of 2048 bytes")
        document = self._documents.get(job_id)
        return None if document is None else job_of(orjson.loads(document))

    async def put(self, job: Job) -> Job | None:
        stands = await self.get(job.job_id)
        if stands is None or stands.version != job.version:
            return None
        raised = replace(job, version=job.version + 1)
        self._documents[job.job_id] = orjson.dumps(raised, default=asdict)
        return raised

    async def page(
        self,
        account_id: str,
        kinds: Collection[JobKind],
        *,
        limit: int,
        before: str | None = None,
        oldest_first: bool = False,
    ) -> Sequence[Job]:
        in_order = sorted(self._documents.items(), reverse=not oldest_first)
        found = [
            job
            for job in (job_of(orjson.loads(document)) for _, document in in_order)
            if job.account_id == account_id and job.kind in kinds
        ]
        beyond = [
            job for job in found if before is None or (job.job_id > before if oldest_first else job.job_id < before)
        ]
        return beyond[:limit]

    async def remove(self, job: Job) -> None:
        self._documents.pop(job.job_id, None)

    async def due(self, now_s: float) -> AsyncIterator[Job]:
        for job_id in list(self._documents):
            job = await self.get(job_id)
            if job is not None and job.phase is not Phase.ENDED and job.due_s <= now_s:
                yield job
