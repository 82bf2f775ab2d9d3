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

from gateway.canonical.jobs import Attempt, Job, JobError, JobKind, JobStatus, Phase, Result
from gateway.canonical.money import Charge, Hold, Tier, ToolCost
from gateway.canonical.usage import Usage, uses_of
from gateway.stores.aws.attributes import from_item, to_item
from gateway.stores.money.items import SHARDS, shard_of

Item = dict[str, Any]

SCHEMA_VERSION = 1
KEEP_S = 90 * 24 * 3600
DUE_SHARDS = tuple(map(str, range(SHARDS)))


def job_item(job: Job, write_id: str) -> Item:
    """The item of a job, as this write stores it."""
    ended = job.phase is Phase.ENDED
    return to_item(
        {
            "job_id": job.job_id,
            "account_id": job.account_id,
            "kind": job.kind.value,
            "version": job.version,
            "write_id": write_id,
            "due_shard": None if ended else shard_of(job.job_id),
            "due_s": None if ended else job.due_s,
            "expires_at_s": job.updated_at_s + KEEP_S if ended else None,
            "document": orjson.dumps(job).decode(),
            "schema_version": SCHEMA_VERSION,
        }
    )


def read_job(item: Item) -> Job:
    """The job of an item."""
    return job_of(orjson.loads(from_item(item)["document"]))


def job_of(document: Mapping[str, Any]) -> Job:
    """The job of a document; a member that this release does not know is left out."""
    verdict, hold, attempt, error = (document[name] for name in ("verdict", "hold", "attempt", "error"))
    typed = {
        "kind": JobKind(document["kind"]),
        "phase": Phase(document["phase"]),
        "status": JobStatus(document["status"]),
        "verdict": verdict and JobStatus(verdict),
        "charge": _charge(document["charge"]),
        "hold": hold and _hold(hold),
        "attempt": attempt and Attempt(**_known(Attempt, attempt)),
        "results": tuple(Result(**_known(Result, result)) for result in document["results"]),
        "error": error and JobError(**_known(JobError, error)),
    }
    return Job(**{**_known(Job, document), **typed})


def _hold(document: Mapping[str, Any]) -> Hold:
    checkpoint = document["checkpoint"]
    return Hold(**{**_known(Hold, document), "checkpoint": checkpoint and _charge(checkpoint)})


def _charge(document: Mapping[str, Any]) -> Charge:
    usage = {**_known(Usage, document["usage"]), "uses": uses_of(dict(document["usage"].get("uses", ())))}
    tools = tuple(ToolCost(**_known(ToolCost, tool)) for tool in document.get("tools", ()))
    typed = {"tier": Tier(document["tier"]), "usage": Usage(**usage), "tools": tools}
    return Charge(**{**_known(Charge, document), **typed})


def _known(kind: type[Any], document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in kind.__dataclass_fields__ if name in document}
