"""Documents of jobs for their owner: the gateway's own (section 7 of the public contract) and OpenAI's video."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from gateway.accounts.pages import Page, iso_utc
from gateway.canonical.jobs import Job, JobError, JobStatus, Result
from gateway.catalog.media_listing import shown_seconds
from gateway.jobs.media.order import route_of
from gateway.ledger.money import format_usd
from gateway.ports.media import MediaObjects

# Seconds for which the media bucket keeps results.
RESULTS_KEPT_S = 30 * 24 * 3600
# https://platform.openai.com/docs/api-reference/videos/object
OPENAI_STATUS = {
    JobStatus.PENDING: "queued",
    JobStatus.RUNNING: "in_progress",
    JobStatus.SUCCEEDED: "completed",
    JobStatus.FAILED: "failed",
    JobStatus.CANCELED: "failed",
}
CANCELED = JobError("canceled", "The job was canceled.")
SIZES = {"16:9": "1280x720", "9:16": "720x1280", "1:1": "960x960", "4:3": "1104x832", "3:4": "832x1104"}


def accepted_view(job: Job) -> dict[str, Any]:
    """An accepted job: the model that will serve it, and the duration by which it is paid."""
    route = route_of(job)
    duration_s = route.get("duration_s")
    return {
        "job_id": job.job_id,
        "status": job.status.value,
        "kind": job.kind.value,
        "model": job.model,
        "model_used": route["model"],
        "duration_sec": None if duration_s is None else shown_seconds(Decimal(duration_s)),
        "created_at": iso_utc(job.created_at_s),
    }


async def job_view(job: Job, objects: MediaObjects, now_s: float) -> dict[str, Any]:
    """The whole job, with freshly signed URLs of its results."""
    return {
        "id": job.job_id,
        "kind": job.kind.value,
        "model": job.model,
        "model_used": route_of(job)["model"],
        "status": job.status.value,
        "progress": job.progress,
        "results": [await _result(result, objects, now_s) for result in _shown(job)],
        "charged_usd": None if job.charged_nanousd is None else format_usd(job.charged_nanousd),
        "error": _error(job.error) if job.status is JobStatus.FAILED else None,
        "created_at": iso_utc(job.created_at_s),
        "updated_at": iso_utc(job.updated_at_s),
    }


async def jobs_page(page: Page[Job], objects: MediaObjects, now_s: float) -> dict[str, Any]:
    """A page of jobs in the contract's one shape."""
    shown = await asyncio.gather(*(job_view(job, objects, now_s) for job in page.elements))
    return Page(shown, page.next_cursor).shown(dict)


def video_view(job: Job) -> dict[str, Any]:
    """The job as OpenAI's video object."""
    ended = job.status.terminal
    completed = job.status is JobStatus.SUCCEEDED
    error = CANCELED if job.status is JobStatus.CANCELED else job.error
    return {
        "id": job.job_id,
        "object": "video",
        "created_at": job.created_at_s,
        "completed_at": job.updated_at_s if completed else None,
        "expires_at": job.updated_at_s + RESULTS_KEPT_S if completed else None,
        "status": OPENAI_STATUS[job.status],
        "progress": 100 if completed else job.progress or 0,
        "model": job.model,
        "model_used": route_of(job)["model"],
        "seconds": route_of(job).get("duration_s"),
        "size": _size(job),
        "prompt": job.order.get("prompt"),
        "remixed_from_video_id": None,
        "error": {"code": error.code, "message": error.message} if ended and not completed and error else None,
    }


def videos_page(jobs: Sequence[Job], *, has_more: bool) -> dict[str, Any]:
    """A page of OpenAI's list: https://platform.openai.com/docs/api-reference/videos/list."""
    rows = [video_view(job) for job in jobs]
    return {
        "object": "list",
        "data": rows,
        "first_id": rows[0]["id"] if rows else None,
        "last_id": rows[-1]["id"] if rows else None,
        "has_more": has_more,
    }


def deleted_view(job: Job) -> dict[str, Any]:
    """The answer of OpenAI for a deleted video."""
    return {"id": job.job_id, "object": "video.deleted", "deleted": True}


def file_name(job: Job, result: Result) -> str:
    """The file name under which a browser saves the result."""
    return f"{job.job_id}.{result.object_name.rpartition('.')[2]}"


async def _result(result: Result, objects: MediaObjects, now_s: float) -> dict[str, Any]:
    return {
        "url": await objects.url(result.object_name, now_s),
        "b64_json": None,
        "mime_type": result.mime_type,
        "duration_ms": result.duration_ms,
        "width": result.width,
        "height": result.height,
        "bytes": result.size_bytes,
    }


def _shown(job: Job) -> tuple[Result, ...]:
    """The results that the owner may see: none before they are paid."""
    return job.results if job.status is JobStatus.SUCCEEDED else ()


def _error(error: JobError | None) -> dict[str, Any] | None:
    return None if error is None else {"code": error.code, "message": error.message, "retryable": error.retryable}


def _size(job: Job) -> str:
    """The size of the result, or else the requested one."""
    for result in _shown(job):
        if result.width is not None and result.height is not None:
            return f"{result.width}x{result.height}"
    shown: Mapping[str, str] = job.order.get("shown", {})
    return shown.get("size") or SIZES[route_of(job).get("aspect_ratio", "16:9")]
