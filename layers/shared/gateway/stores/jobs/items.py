"""A job as an item of the Jobs table: one JSON document, and the attributes that keys and indexes read.

| attribute | content |
|---|---|
| `job_id` | the table's key |
| `account_id`, `kind` | the index ByAccount, and the filter of its pages |
| `version`, `write_id` | the condition of a write, and the id of the last write |
| `due_shard`, `due_s` | the sparse index ByDue: only of a job that has not ended |
| `expires_at_s` | the table's TTL attribute: only of a job that has ended |
| `document` | the whole job |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from msgspec import convert
from msgspec.structs import asdict

from gateway.canonical.jobs import Job, Phase
from gateway.stores.aws.attributes import from_item, to_item
from gateway.stores.money.items import SHARDS, shard_of

Item = dict[str, Any]

SCHEMA_VERSION = 1
KEEP_S = 90 * 24 * 3600
DUE_SHARDS = tuple(map(str, range(SHARDS)))


def job_item(job: Job) -> Item:
    """The item of a job, but for the `write_id` of a write."""
    ended = job.phase is Phase.ENDED
    return to_item(
        {
            "job_id": job.job_id,
            "account_id": job.account_id,
            "kind": job.kind.value,
            "version": job.version,
            "due_shard": None if ended else shard_of(job.job_id),
            "due_s": None if ended else job.due_s,
            "expires_at_s": job.updated_at_s + KEEP_S if ended else None,
            "document": orjson.dumps(job, default=asdict).decode(),
            "schema_version": SCHEMA_VERSION,
        }
    )


def read_job(item: Item) -> Job:
    """The job of an item."""
    return job_of(orjson.loads(from_item(item)["document"]))


def job_of(document: Mapping[str, Any]) -> Job:
    """The job of a document; a member that this release does not know is left out."""
    return convert(document, Job)
